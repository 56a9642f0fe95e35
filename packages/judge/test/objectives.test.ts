import { describe, expect, it } from "vitest";
import { errorBudget, judgeObjective } from "../src/objectives.ts";
import { policyDefaults } from "../src/policy.ts";
import { makeMeasurement, makeRun } from "./documents.ts";

describe("the error budget", () => {
  it("is bad over allowed, negative when overspent", () => {
    const budget = errorBudget(9980, 10_000, 0.999);
    expect(budget?.allowedBad).toBeCloseTo(10, 9);
    expect(budget?.consumed).toBeCloseTo(2, 9);
    expect(budget?.remaining).toBeCloseTo(-1, 9);
  });
  it("has Wilson's interval", () => {
    // statsmodels.stats.proportion.proportion_confint(8, 10, method="wilson")
    expect(errorBudget(8, 10, 0.5)?.low).toBeCloseTo(0.49016247153664183, 12);
    expect(errorBudget(8, 10, 0.5)?.high).toBeCloseTo(0.9433178485456247, 12);
  });
  it("of no events is none", () => expect(errorBudget(0, 0, 0.99)).toBeUndefined());
  it.each([
    [11, 10, 0.9],
    [-1, 10, 0.9],
    [1, 10, 1],
    [1.5, 10, 0.9],
  ])("refuses %d of %d at %d", (good, total, target) => {
    expect(() => errorBudget(good, total, target)).toThrow(
      expect.objectContaining({ code: "OBJECTIVE_COUNTS_INVALID" }),
    );
  });
});

describe("an objective of a run", () => {
  const judged = (good: number, total: number, target: number) =>
    judgeObjective(
      makeRun([makeMeasurement("ok", { count: total, rate: good / total }, { unit: "1", direction: "higher" })]),
      { name: "availability", metric: "ok", target },
      undefined,
      policyDefaults,
    )[0]?.state;
  it.each([
    ["held", 9995, 10_000, 0.999, "passed"],
    ["missed beyond chance", 9900, 10_000, 0.999, "failed"],
    ["missed, but it may be chance", 9988, 10_000, 0.999, "undecided"],
    ["too few events for the target", 999, 999, 0.999, "no-data"],
    ["just enough of them", 1000, 1000, 0.999, "passed"],
  ])("%s", (_, good, total, target, state) => expect(judged(good, total, target)).toBe(state));

  it("counts a time limit exactly or not at all, failures as bad", () => {
    const histogram = {
      kind: "log-linear/1",
      bits: 7,
      resolution: 1,
      count: 1000,
      min: 0,
      max: 1,
      sum: 1,
      buckets: "",
      limits: [[200e6, 970]],
    } as const;
    const run = makeRun([
      makeMeasurement("t", { count: 1000 }, { histogram, errors: { count: 20, kinds: { http: 20 } } }),
    ]);
    const objective = { name: "fast", metric: "t", target: 0.9, atMost: "200ms" };
    expect(judgeObjective(run, objective, 200e6, policyDefaults)[0]).toMatchObject({
      state: "passed",
      actual: 970 / 1020,
    });
    expect(judgeObjective(run, objective, 100e6, policyDefaults)[0]?.state).toBe("no-data");
  });
});
