import { MettleError } from "@mettle/core";
import { expect, test } from "vitest";
import type { Problem } from "../src/problem.ts";
import { checkRun, schemaProblems } from "../src/validate.ts";
import { edited, exampleRun } from "./example-run.ts";

function refusal(value: unknown): MettleError {
  try {
    checkRun(value, { source: "run.json" });
  } catch (refused) {
    if (refused instanceof MettleError) return refused;
    throw refused;
  }
  throw new Error("it was accepted");
}

test("returns the very value that it accepts, unknown properties included", () => {
  const value = edited(exampleRun, ["later"], true);
  expect(checkRun(value)).toBe(value);
});

test("lists every problem with its place, and shows the value", () => {
  const value = edited(edited(exampleRun, ["kind"], "party") as typeof exampleRun, ["durationMs"], "long");
  const refused = refusal(value);
  expect(refused.code).toBe("RUN_INVALID");
  expect(refused.exitCode).toBe(2);
  expect((refused.details["problems"] as Problem[]).map(({ path }) => path)).toEqual(["$.durationMs", "$.kind"]);
  expect(refused.message).toContain('$.kind: must be one of bench, load, soak, validate, monitor; is "party"');
});

test.each(["mettle.run/2", "mettle.run/17"])("another version, %s, is named with the one supported", (version) => {
  const refused = refusal({ schema: version });
  expect(refused.code).toBe("RUN_VERSION_UNSUPPORTED");
  expect(refused.message).toBe(`run.json is ${version}; this version reads mettle.run/1.`);
});

test.each([null, 7, "text", [], {}, { schema: "other" }])("%j is no run", (value) => {
  expect(refusal(value).code).toBe("RUN_INVALID");
});

test("a document with millions of wrong parts gives its first problem, not millions", () => {
  const value = edited(exampleRun, ["measurements", 0, "series", "atMs"], Array<string>(300_000).fill("x"));
  expect(schemaProblems(value)).toHaveLength(1);
});

const figures = ["measurements", 0, "summary"] as const;
test.each<[string, readonly (string | number)[], unknown, string]>([
  ["a moment that does not exist", ["startedAt"], "2026-13-01T00:00:00Z", "$.startedAt"],
  ["a median above the maximum", [...figures, "p50"], 201, "$.measurements[0].summary.max"],
  ["a p95 below the median", [...figures, "p95"], 99, "$.measurements[0].summary.p95"],
  ["a mean above the maximum", [...figures, "mean"], 201, "$.measurements[0].summary.mean"],
  ["a mean below the minimum", [...figures, "mean"], 89, "$.measurements[0].summary.mean"],
  ["an interval upside down", ["measurements", 0, "interval", "low"], 106, "$.measurements[0].interval.low"],
  ["a histogram of another count", [...figures, "count"], 5, "$.measurements[0].histogram.count"],
  ["a histogram cut short", ["measurements", 0, "histogram", "buckets"], "AAEC", "$.measurements[0].histogram"],
  [
    "base64 that is not whole",
    ["measurements", 0, "raw", "processes", 0],
    "AAAAA",
    "$.measurements[0].raw.processes[0]",
  ],
  [
    "raw bytes that are no values",
    ["measurements", 0, "raw", "processes", 0],
    "AAAA",
    "$.measurements[0].raw.processes[0]",
  ],
  ["a raw NaN", ["measurements", 0, "raw", "processes", 0], "AADAfw==", "$.measurements[0].raw.processes[0]"],
  [
    "a series of another length",
    ["measurements", 0, "series", "values", "p50"],
    [1],
    "$.measurements[0].series.values.p50",
  ],
  [
    "a series that goes back in time",
    ["measurements", 0, "series", "atMs"],
    [0, 2, 1],
    "$.measurements[0].series.atMs[2]",
  ],
  ["more outliers than samples", ["measurements", 0, "outliers", "lowMild"], 6, "$.measurements[0].outliers"],
  [
    "a slowest sample above the greatest",
    ["measurements", 0, "slowest", 0, "value"],
    201,
    "$.measurements[0].slowest[0].value",
  ],
  [
    "parts of a sample that are longer than it",
    ["measurements", 0, "slowest", 0, "phases", 1, 1],
    21,
    "$.measurements[0].slowest[0].phases",
  ],
  ["more kinds of errors than errors", ["measurements", 0, "errors", "count"], 0, "$.measurements[0].errors.kinds"],
  ["a measurement twice", ["measurements", 1], exampleRun.measurements[0], "$.measurements[1]"],
  ["a comparison twice", ["comparisons", 1], exampleRun.comparisons?.[0], "$.comparisons[1]"],
  ["ratios missing", ["comparisons", 0, "logRatios"], [0.1], "$.comparisons[0].logRatios"],
  ["a self-check upside down", ["comparisons", 0, "selfCheck", "low"], 2, "$.comparisons[0].selfCheck.low"],
  ["an interval that is no ratio's", ["comparisons", 0, "interval", "low"], 0, "$.comparisons[0].interval.low"],
  ["an interval beside its ratio", ["comparisons", 0, "interval", "low"], 1.025, "$.comparisons[0].interval"],
  ["a self-check beside its ratio", ["comparisons", 0, "selfCheck", "ratio"], 1.2, "$.comparisons[0].selfCheck"],
  ["a self-check below zero", ["comparisons", 0, "selfCheck", "low"], -1, "$.comparisons[0].selfCheck.low"],
  ["better, with a ratio for the worse", ["comparisons", 0, "outcome"], "better", "$.comparisons[0].outcome"],
  ["worse, where more is better", ["comparisons", 0, "direction"], "higher", "$.comparisons[0].outcome"],
  ["the same, beyond the margin", ["comparisons", 0, "outcome"], "same", "$.comparisons[0].outcome"],
  ["worse, with an interval that holds 1", ["comparisons", 0, "interval", "low"], 0.99, "$.comparisons[0].outcome"],
  ["a ratio that no pair had", ["comparisons", 0, "logRatios"], [0.5, 0.6], "$.comparisons[0].ratio"],
  ["more samples than raw values", ["measurements", 0, "raw", "processes"], [], "$.measurements[0].summary.count"],
  ["samples below the raw values", [...figures, "min"], -5, "$.measurements[0].summary.min"],
  ["valid with failures", ["validity"], { state: "valid", reasons: [] }, "$.validity.state"],
  ["valid with reasons against it", ["validity", "state"], "valid", "$.validity.reasons"],
  ["degraded for no reason", ["validity", "reasons"], [], "$.validity.reasons"],
])("%s contradicts the rest of the document", (_, path, value, place) => {
  const refused = refusal(edited(exampleRun, path, value));
  expect(refused.code).toBe("RUN_INCONSISTENT");
  expect(refused.exitCode).toBe(5);
  expect((refused.details["problems"] as Problem[]).map((problem) => problem.path)).toEqual([place]);
});

test("a statistic of no samples contradicts the count", () => {
  const value = edited(exampleRun, ["measurements", 1, "summary"], { count: 0, mean: 1, max: 1, sum: 0 });
  const problems = refusal(value).details["problems"] as Problem[];
  expect(problems.map(({ path }) => path)).toEqual(["$.measurements[1].summary.mean", "$.measurements[1].summary.max"]);
});

test("a mean off by rounding is no contradiction", () => {
  const value = edited(exampleRun, ["measurements", 1, "summary"], { count: 3, min: 0.1, mean: 0.1 + 1e-17, max: 0.1 });
  expect(() => checkRun(value)).not.toThrow();
});
