import { MettleError } from "@mettle/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeRun, encodeRun } from "../src/codec.ts";
import type { Run } from "../src/run.ts";
import { runs } from "./arbitrary-run.ts";
import { exampleRun, runWith } from "./example-run.ts";

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (refused) {
    if (refused instanceof MettleError) return refused.code;
    throw refused;
  }
  return "accepted";
}

test("what is written is read back the same, in either style", () => {
  fc.assert(
    fc.property(runs, fc.constantFrom("readable" as const, "compact" as const), (run, style) => {
      const text = encodeRun(run, { style });
      expect(decodeRun(text)).toEqual(run);
      expect(encodeRun(decodeRun(text), { style })).toBe(text);
    }),
  );
});

test("the order in which properties and tags were set does not show", () => {
  const reversed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reversed);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .toReversed()
        .map(([key, inner]) => [key, reversed(inner)]),
    );
  };
  for (const style of ["readable", "compact"] as const) {
    expect(encodeRun(reversed(exampleRun) as Run, { style })).toBe(encodeRun(exampleRun, { style }));
  }
});

test("reads like a document: properties in their order, lists of numbers on a line", () => {
  const lines = encodeRun(exampleRun).split("\n");
  expect(lines.slice(0, 3)).toEqual([
    "{",
    '  "schema": "mettle.run/1",',
    '  "id": "0192f000-0000-7000-8000-000000000001",',
  ]);
  expect(lines).toContain('          "p50": [100, null, 101],');
  expect(lines.at(-1)).toBe("");
});

test("unknown properties survive, a key named __proto__ among them", () => {
  const text = encodeRun(exampleRun).replace(
    '"name": "registry"',
    '"name": "registry", "later": {"__proto__": {"a": 1}}',
  );
  const again = encodeRun(decodeRun(text));
  expect(JSON.stringify(JSON.parse(again))).toContain('"later":{"__proto__":{"a":1}}');
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])("%f is refused rather than written as null", (mean) => {
  expect(codeOf(() => encodeRun(runWith({}, { summary: { count: 1, mean } })))).toBe("RUN_INVALID");
});

test("a number too large for a double is refused, not read as infinite", () => {
  const text = encodeRun(runWith()).replace('"durationMs": 1000', '"durationMs": 1e999');
  expect(codeOf(() => decodeRun(text))).toBe("RUN_INVALID");
});

test("cut anywhere, a document is called truncated", () => {
  const text = encodeRun(exampleRun, { style: "compact" });
  for (let end = 0; end < text.length; end++) {
    expect([end, codeOf(() => decodeRun(text.slice(0, end)))]).toEqual([end, "RUN_TRUNCATED"]);
  }
});

test("the byte where a document stops is given in bytes, not characters", () => {
  const text = '{"name":"µµ';
  expect(() => decodeRun(text, { source: "run.json" })).toThrow("run.json ends early: it stops at byte 13");
});

test("damaged anywhere, a document gives a coded error or is still a run", () => {
  const text = encodeRun(runWith());
  const codes = [
    "accepted",
    "RUN_TRUNCATED",
    "RUN_NOT_JSON",
    "RUN_INVALID",
    "RUN_INCONSISTENT",
    "RUN_VERSION_UNSUPPORTED",
  ];
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.string({ unit: "binary", maxLength: 3 }), fc.nat(3), (at, put, removed) => {
      expect(codes).toContain(codeOf(() => decodeRun(text.slice(0, at) + put + text.slice(at + removed))));
    }),
    { numRuns: 500 },
  );
});

test("text that is not JSON is named with line and column", () => {
  expect(() => decodeRun('{\n  "a": 1,\n  b: 2\n}', { source: "run.json" })).toThrow(
    "run.json is not JSON: line 3, column 3.",
  );
});

test("a byte order mark is no part of the document", () => {
  expect(decodeRun(`\uFEFF${encodeRun(exampleRun)}`)).toEqual(exampleRun);
});
