import { expect, it } from "vitest";
import { analyze } from "../src/analysis.ts";
import { judge } from "../src/judge.ts";
import { makeComparison, makeMeasurement, makeRun } from "./documents.ts";

it("sorts a verdict by question and keeps to what was measured (S0-150 … S0-154, S2-030)", () => {
  const run = makeRun(
    [
      makeMeasurement(
        "a.time",
        { count: 80, mean: 100, p50: 50, p99: 600 },
        { errors: { count: 20, kinds: { timeout: 20 } } },
      ),
      makeMeasurement("a.gc-pause", { count: 1, mean: 25 }),
      makeMeasurement("b.time", { count: 3, mean: 1 }),
    ],
    { comparisons: [makeComparison({ metric: "a.time" })] },
  );
  const analysis = analyze(
    run,
    judge(run, { policy: { thresholds: { "a.time": ["avg < 1ms", "avg < 1us", "max < 1s"] } } }),
  );
  expect(analysis.performanceComparison.map(({ metric }) => metric)).toEqual(["a.time"]);
  expect(analysis.thresholdViolations.map(({ rule, state }) => [rule, state])).toEqual([["max < 1s", "no-data"]]);
  expect(analysis.trendAnalysis).toEqual([]);
  expect(analysis.efficiencyAnalysis).toEqual([
    { metric: "a.time", tags: {}, tailRatio: 12, garbageCollectionShare: 0.25, errorShare: 0.2 },
  ]);
  expect(analysis.optimizationOpportunities.map(({ recommendation }) => recommendation)[0]).toContain("timeout");
});

it("says of everything that counts failures how reliable it is, the least first (S0-006)", () => {
  const run = makeRun([
    makeMeasurement("work.time", { count: 90, mean: 100 }, { errors: { count: 10, kinds: { timeout: 10 } } }),
    makeMeasurement("recovered", { count: 40, rate: 1 }, { unit: "1", direction: "higher" }),
    makeMeasurement("lost", { count: 200, rate: 0.25 }, { unit: "1", direction: "lower" }),
    makeMeasurement("heads", { count: 10, rate: 0.5 }, { unit: "1", direction: "none" }),
    makeMeasurement("requests", { count: 10, sum: 10, perSecond: 3 }, { unit: "count", direction: "higher" }),
    makeMeasurement("never", { count: 0 }, { errors: { count: 0, kinds: {} } }),
  ]);
  const { reliabilityAnalysis } = analyze(run, judge(run, { policy: {} }));
  expect(reliabilityAnalysis).toMatchObject([
    { metric: "lost", attempts: 200, failed: 50, success: 0.75 },
    { metric: "work.time", attempts: 100, failed: 10, success: 0.9 },
    { metric: "recovered", attempts: 40, failed: 0, success: 1, high: 1 },
  ]);
  // 40 of 40 is not “always”: Wilson's lower bound is n / (n + z²).
  expect(reliabilityAnalysis[2]?.low).toBeCloseTo(40 / (40 + 1.959963985 ** 2), 8);
});
