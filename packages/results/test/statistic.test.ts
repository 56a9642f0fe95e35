import { Histogram } from "@mettle/stats";
import { expect, test } from "vitest";
import { headlineStatistic, parseStatistic, statistic } from "../src/statistic.ts";
import { exampleMeasurement } from "./example-run.ts";

const histogram = new Histogram();
for (let value = 1; value <= 1000; value++) histogram.record(value);
const measurement = {
  ...exampleMeasurement,
  summary: { count: 1000, mean: 500.5, p50: 500, p95: 950 },
  histogram: histogram.encode(),
};

test.each([
  ["mean", 500.5],
  ["avg", 500.5],
  ["p95", 950],
  ["p(95)", 950],
  ["med", 500],
  ["count", 1000],
])("%s comes from the summary", (name, value) => {
  expect(statistic(measurement, name)).toBe(value);
});

test.each([
  ["p(97.5)", 975],
  ["p97.5", 975],
  ["p99", 990],
  ["p99.9", 999],
  ["p999", 999],
  ["p(0)", 1],
  ["p(100)", 1000],
])("%s comes from the histogram, within its error", (name, exact) => {
  expect(Math.abs((statistic(measurement, name) ?? 0) / exact - 1)).toBeLessThan(2 ** -7);
});

test("what was not measured is absent, not zero", () => {
  const { histogram: _, ...summaryOnly } = measurement;
  expect(statistic(summaryOnly, "p99")).toBeUndefined();
  expect(statistic(summaryOnly, "p(97.5)")).toBeUndefined();
  expect(statistic(measurement, "rate")).toBeUndefined();
  const empty = { ...measurement, summary: { count: 0 }, histogram: new Histogram().encode() };
  expect(statistic(empty, "p95")).toBeUndefined();
});

test.each(["", "p", "p(101)", "p(-1)", "p1000", "toString", "P95", "p(1e2)"])("%j is no statistic", (name) => {
  expect(() => parseStatistic(name)).toThrow(expect.objectContaining({ code: "STATISTIC_INVALID", exitCode: 2 }));
});

test("S4-119: the value compared is p95, then the mean, then the value", () => {
  const choose = (summary: Record<string, number>): unknown =>
    headlineStatistic({ ...measurement, summary: { count: 1, ...summary } });
  expect(choose({ p95: 3, mean: 2, last: 1 })).toEqual({ name: "p95", value: 3, unit: "ns" });
  expect(choose({ mean: 2, last: 1 })).toEqual({ name: "mean", value: 2, unit: "ns" });
  expect(choose({ last: 1 })).toEqual({ name: "last", value: 1, unit: "ns" });
  expect(choose({ sum: 9, perSecond: 4 })).toEqual({ name: "perSecond", value: 4, unit: "1/s" });
  expect(choose({})).toBeUndefined();
});
