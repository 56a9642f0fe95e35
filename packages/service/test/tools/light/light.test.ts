import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { ManualClock, systemClock } from "@mettle/core";
import { IsolatedWorkers } from "../../../src/isolation/isolated-workers.ts";
import { calculator } from "../../../src/tools/light/calculator.ts";
import { dateTool } from "../../../src/tools/light/date-tool.ts";
import { jsonQuery } from "../../../src/tools/light/json-query.ts";
import type { JsonQueryInput } from "../../../src/tools/light/json-query-task.ts";
import { textTool } from "../../../src/tools/light/text-tool.ts";
import type { Tool } from "../../../src/tools/tool.ts";
import { ToolBox } from "../../../src/tools/tool-box.ts";
import { computedMs } from "../../computed-ms.ts";

const clock = new ManualClock(Date.UTC(2026, 2, 29, 0, 30));
const workers = new IsolatedWorkers<JsonQueryInput, string>({
  module: new URL("../../../src/tools/light/json-query-task.ts", import.meta.url),
  processes: 1,
  waiting: 10,
  heapMb: 64,
  clock: systemClock,
});
afterAll(() => workers.close());
const box = new ToolBox([calculator, dateTool(clock), textTool, jsonQuery(workers)] satisfies Tool[], systemClock);
const use = async (name: string, input: object): Promise<Record<string, unknown>> =>
  (await box.call({ name, input, tenantId: "t" })).output as Record<string, unknown>;
const calculate = async (expression: string): Promise<unknown> => (await use("calculator", { expression }))["value"];

describe("calculator", () => {
  test.each([
    ["1 + 2 * 3", 7],
    ["(1 + 2) * 3", 9],
    ["-2 ^ 2", -4],
    ["2 ^ 3 ^ 2", 512],
    ["2 ^ -1", 0.5],
    ["10 % 4 - --3", -1],
    ["sqrt(16) + max(1, 5, 3)", 9],
    ["round(tau / 7, 4)", 0.8976],
    ["log(8, 2) * ln(e)", 3],
    ["1.5e3 + .5", 1500.5],
    ["mean(1,2,3,4)", 2.5],
  ])("%s = %f", async (expression, value) => {
    expect(await calculate(expression)).toBeCloseTo(value, 10);
  });

  test("agrees with a tree that is computed without it", async () => {
    const { tree } = fc.letrec<{ tree: { readonly text: string; readonly value: number } }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        fc.integer({ min: 0, max: 1000 }).map((value) => ({ text: String(value), value })),
        fc.tuple(tie("tree"), fc.constantFrom("+", "-", "*"), tie("tree")).map(([a, sign, b]) => ({
          text: `(${a.text} ${sign} ${b.text})`,
          value: sign === "+" ? a.value + b.value : sign === "-" ? a.value - b.value : a.value * b.value,
        })),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(tree, async ({ text, value }) => {
        fc.pre(text.length <= 1000);
        expect(await calculate(text)).toBe(value);
      }),
    );
  });

  test.each([
    "process.exit()",
    "constructor",
    "__proto__(1)",
    "toString()",
    "1; 2",
    "1 +",
    "(1",
    "2 2",
    "1/0",
    "sqrt(-1)",
    "9^999",
    "max()",
    "sqrt(1,2)",
    "alert`1`",
    "(".repeat(500),
    "-".repeat(900),
  ])("refuses %s", async (expression) => {
    await expect(calculate(expression)).rejects.toMatchObject({ type: "unprocessable", code: "TOOL_FAILED" });
  });
});

describe("date", () => {
  test.each([
    [
      { operation: "show", date: "now", zone: "Europe/Berlin" },
      { iso: "2026-03-29T00:30:00.000Z", weekday: "Sunday" },
    ],
    [{ operation: "show", date: "2026-03-28T23:30:00Z", zone: "Asia/Tokyo" }, { weekday: "Sunday" }],
    [{ operation: "add", date: "2026-01-31", months: 1 }, { iso: "2026-02-28T00:00:00.000Z" }],
    [{ operation: "add", date: "2024-02-29", years: 1, days: 1 }, { iso: "2025-03-01T00:00:00.000Z" }],
    [{ operation: "add", date: "2026-03-01T10:00:00+02:00", hours: -9 }, { iso: "2026-02-28T23:00:00.000Z" }],
    [{ operation: "difference", from: "2026-01-01", to: "2026-03-01T12:00" }, { days: 59.5 }],
  ])("%j", async (input, output) => {
    expect(await use("date", input)).toMatchObject(output);
  });

  test.each([
    [{ operation: "show", date: "2026-02-31" }, "TOOL_FAILED"],
    [{ operation: "show", date: "tomorrow" }, "TOOL_FAILED"],
    [{ operation: "show", date: "now", zone: "Mars/Base" }, "TOOL_FAILED"],
    [{ operation: "add", date: "now", years: 1_000_000 }, "TOOL_FAILED"],
    [{ operation: "add", date: "now", years: 1e9 }, "TOOL_INPUT_INVALID"],
    [{ operation: "explode" }, "TOOL_INPUT_INVALID"],
  ])("refuses %j", async (input, code) => {
    await expect(use("date", input)).rejects.toMatchObject({ code });
  });
});

describe("text", () => {
  test.each([
    [
      { operation: "count", text: "Zwölf Bären,\n3 😀" },
      { characters: 16, words: 3, lines: 2 },
    ],
    [{ operation: "case", text: "don't stop the mill", to: "title" }, { text: "Don't Stop The Mill" }],
    [
      { operation: "replace", text: "a.b.c", find: ".", by: "$&" },
      { text: "a$&b$&c", replaced: 2 },
    ],
    [{ operation: "find", text: "abcabc", find: "bc" }, { positions: [1, 4] }],
    [{ operation: "split", text: "a, b", at: ", " }, { parts: ["a", "b"] }],
    [{ operation: "extract", text: "ada@mill.test, 3.5e2 and -7", what: "numbers" }, { found: ["3.5e2", "-7"] }],
    [
      { operation: "extract", text: "To ada@mill.test, eve@a.b.c.", what: "emails" },
      { found: ["ada@mill.test", "eve@a.b.c"] },
    ],
    [{ operation: "shorten", text: "The mill grinds wheat", characters: 10 }, { text: "The mill…" }],
  ])("%j", async (input, output) => {
    expect(await use("text", input)).toEqual(output);
  });

  test.each(["emails", "urls", "numbers"])("extracting %s takes time in proportion to the text", async (what) => {
    for (const piece of ["a", "a.", "a@", "1", "1e", "http://", "-", "a@b."]) {
      const from = computedMs();
      await use("text", { operation: "extract", text: piece.repeat(400_000 / piece.length), what });
      expect(computedMs() - from).toBeLessThan(5000); // what backtracks takes minutes
    }
  });

  test("a result that would fill memory is refused", async () => {
    const input = { operation: "replace", text: "a".repeat(100_000), find: "a", by: "b".repeat(10_000) };
    await expect(use("text", input)).rejects.toMatchObject({ code: "TOOL_FAILED" });
  });
});

describe("json_query", () => {
  const query = async (data: unknown, text: string): Promise<unknown> =>
    (await use("json_query", { data, query: text }))["result"];

  test("picks", async () => {
    const data = {
      people: [
        { name: "Ada", age: 36 },
        { name: "Eve", age: 20 },
      ],
    };
    expect(await query(data, "people[?age > `30`].name | [0]")).toBe("Ada");
    expect(await query(data, "nothing.there")).toBeNull();
  });

  test.each(["[", "people[?", "&", "unknown_function(@)"])("refuses %s", async (text) => {
    await expect(query({}, text)).rejects.toMatchObject({ code: "TOOL_FAILED" });
  });

  test("an expression that doubles its result thirty times is ended, and the next one is answered", async () => {
    const doubling = Array.from({ length: 30 }, () => "[@,@]").join(" | ");
    await expect(query(1, doubling)).rejects.toMatchObject({ type: "unprocessable" });
    await expect(query("x".repeat(100), `${doubling} | to_string(@)`)).rejects.toMatchObject({ type: "unprocessable" });
    expect(await query({ a: 1 }, "a")).toBe(1);
  });

  test("prototypes are no data", async () => {
    for (const text of ["__proto__", "constructor", "a.constructor.name", "__proto__.polluted"]) {
      expect([null, {}]).toContainEqual(await query({ a: {} }, text));
    }
    expect(await query(JSON.parse('{"__proto__": {"polluted": 1}}'), "a")).toBeNull();
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
});
