import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Serving, serving } from "../../../packages/service/test/e2e/command.ts";

interface Block {
  readonly language: string;
  readonly text: string;
}

const readme = readFileSync(new URL("../../../README.md", import.meta.url), "utf8");
const section = readme.match(/## Run the agent service\n[\s\S]*?(?=\n## )/)?.[0] ?? "";
const blocks = [...section.matchAll(/```(\w*)\n([\s\S]*?)```/g)].map(
  ([, language = "", text = ""]): Block => ({ language, text }),
);
const [start, ...steps] = blocks;
/** What is to be typed, each with what it answers. */
const calls = steps.flatMap(({ language, text }, i) =>
  language === "sh" ? [{ typed: text, shown: steps[i + 1] }] : [],
);

let folder = "";
let service: Serving;
let answers: readonly string[] = [];

const mark = "—— next ——";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mettle-walk-"));
  await chmod(folder, 0o755);
  const password = start?.text.match(/METTLE_ADMIN_PASSWORD='(.*)'/)?.[1] ?? "";
  service = await serving(["serve", "--port", "0", "--data", join(folder, "data")], {
    METTLE_ADMIN_PASSWORD: password,
    LOG_LEVEL: "error",
  });
  // One shell for all, as a reader has: later blocks use the variables of earlier ones.
  const script = calls.map(({ typed }) => typed).join(`\necho; echo '${mark}'\n`);
  const there = script.replaceAll("http://127.0.0.1:8080", String(service.listening["url"]));
  const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", there]);
  answers = stdout.split(mark);
}, 60_000);
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** `…` stands for anything; figures that are no whole numbers need only be numbers. */
function like(shown: unknown): unknown {
  if (typeof shown === "string") {
    return shown.includes("…") ? (expect.stringMatching(patternOf(shown)) as unknown) : shown;
  }
  if (typeof shown === "number") return Number.isInteger(shown) ? shown : (expect.any(Number) as unknown);
  if (Array.isArray(shown)) return shown.map(like);
  if (typeof shown !== "object" || shown === null) return shown;
  return Object.fromEntries(Object.entries(shown).map(([key, value]) => [key, like(value)]));
}

/** Ids and dates are another day's. */
const patternOf = (shown: string): RegExp =>
  new RegExp(
    shown
      .split("…")
      .map((part) =>
        /^(?:[\da-f]{8}-|\d{4}-)$/.test(part) ? "[\\da-f]{4,8}-" : part.replaceAll(/[.*+?^${}()|[\]\\/-]/g, "\\$&"),
      )
      .join("[\\s\\S]*"),
  );

describe("the walk-through of the README, typed as it stands", () => {
  test("has a step for all that the service does", () => {
    expect(start?.text.trim().split("\n").at(-1)).toBe("npx mettle serve");
    const typed = calls.map((call) => call.typed).join("");
    for (const path of [
      "/auth/login",
      "/agents/execute",
      "/knowledge/documents",
      "/knowledge/search",
      "/tools/execute",
      "/events",
    ])
      expect(typed).toContain(path);
    expect(calls.every(({ shown }) => shown !== undefined && shown.language !== "sh")).toBe(true);
  });

  test.each(calls.map(({ typed, shown }, i) => [typed.trim().split("\n").at(-1), shown as Block, i] as const))(
    "%s",
    (_, { language, text }, i) => {
      const answer = answers[i] ?? "";
      if (language === "json") expect(JSON.parse(answer)).toEqual(like(JSON.parse(text)));
      else expect(answer).toMatch(patternOf(text.trim()));
    },
  );
});
