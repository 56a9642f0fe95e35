import { expect, test } from "vitest";
import { harmless } from "../src/harmless.ts";
import { note, warn } from "../src/command-context.ts";
import type { CommandContext } from "../src/command-context.ts";

test("no line of a message is a command to a terminal or to a build service", () => {
  expect(harmless("a\u001b[2J\u009b31m\u202eb\r\n::error::x\n \t::set-output name=a::b\n##[error]c ##vso[x]")).toBe(
    "a\ufffd[2J\ufffd31mb\ufffd\n\u2236:error::x\n \t\u2236:set-output name=a::b\n# #[error]c # #vso[x]",
  );
  expect(harmless("std::vector of three lines\n\tat f (a:1:2)\n  → next")).toBe(
    "std::vector of three lines\n\tat f (a:1:2)\n  → next",
  );
});

test("warnings and notes pass through it; JSON escapes by itself", () => {
  const written = (tell: typeof warn, json: boolean): string => {
    let text = "";
    const context = {
      flags: { on: (name: string) => json && name === "json" },
      stderr: { write: (part: string) => (text += part) },
    };
    tell(context as unknown as CommandContext, "title \u001b[2J\n::error::x");
    return text;
  };
  for (const tell of [warn, note]) {
    expect(written(tell, false)).toMatch(/title \ufffd\[2J\n\u2236:error::x\n$/);
    expect(JSON.parse(written(tell, true))).toMatchObject({ text: "title \u001b[2J\n::error::x" });
    expect(written(tell, true)).not.toContain("\u001b");
  }
});
