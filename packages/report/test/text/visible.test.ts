import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { guardLines, visibleText } from "../../src/text/visible.ts";
import { hostile } from "../hostile.ts";

describe("visibleText", () => {
  test("removes escape sequences and shows other control characters", () => {
    expect(visibleText("a\u001b[31mred\u001b[0m\u001b]0;title\u0007b\u0000c\u007f")).toBe("aredb␀c␡");
  });

  test("removes what reorders or hides text, keeps what emoji are made of", () => {
    expect(visibleText("x\u202ey\u2066z\u200b")).toBe("xyz");
    expect(visibleText("👩‍👧 ❤️")).toBe("👩‍👧 ❤️");
  });

  test("breaks commands to build services", () => {
    expect(visibleText("::error::x")).toBe(": :error::x");
    expect(visibleText("  ::error::x")).toBe("  : :error::x");
    expect(visibleText("x ::error::y a::b")).toBe("x : :error::y a::b");
    expect(guardLines("   ::error::x\na::b\n\u001b[2m::y")).toBe("   \u2236:error::x\na::b\n\u001b[2m\u2236:y");
    expect(visibleText("a ##[error]x ##vso[y]")).toBe("a # #[error]x # #vso[y]");
  });

  test("anything becomes one line of printable, well-formed, bounded text", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const visible = visibleText(text);
        expect(visible.isWellFormed()).toBe(true);
        expect(visible).not.toMatch(/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/u);
        expect(visible).not.toMatch(/(?:^|\s)::|##\[|##vso\[/i);
        expect(visible.length).toBeLessThan(2100);
      }),
      { numRuns: 500 },
    );
  });
});
