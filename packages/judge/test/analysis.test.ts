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
