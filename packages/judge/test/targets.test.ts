import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { policyDefaults } from "../src/policy.ts";
import { judgeTarget, sizeClasses, sizeClassOf, type Target, targetOutcome, targetProblems } from "../src/targets.ts";
import { makeMeasurement, makeRun } from "./documents.ts";

const registration: Target = {
  operation: "Single agent registration",
  metric: "registry.register.time",
  requirement: ["S0-037"],
  baseline: { low: "5ms", high: "10ms" },
  phases: { 1: { low: "3ms", high: "8ms" }, 2: { low: "2ms", high: "6ms" }, 3: { low: "1ms", high: "4ms" } },
};

describe("a range (T-13)", () => {
  it.each([
    [3, "lower", "exceeded"],
    [3.001, "lower", "met"],
    [8, "lower", "met"],
    [8.001, "lower", "missed"],
    [8, "higher", "exceeded"],
    [7.999, "higher", "met"],
    [3, "higher", "met"],
    [2.999, "higher", "missed"],
  ] as const)("%d where %s is better is %s", (value, direction, outcome) => {
    expect(targetOutcome(value, { low: 3, high: 8 }, direction)).toBe(outcome);
  });

  it("with an open side is met, not exceeded", () => {
    expect(targetOutcome(0, { high: 8 }, "lower")).toBe("met");
    expect(targetOutcome(9, { high: 8 }, "lower")).toBe("missed");
  });
});

describe("phases (S0-194)", () => {
  const findings = (p95: number | undefined, phase: 1 | 2 | 3) =>
    judgeTarget(
      makeRun([makeMeasurement("registry.register.time", { count: 100, ...(p95 === undefined ? {} : { p95 }) })]),
      registration,
      phase,
      policyDefaults,
    );
  it("are judged by their own bounds", () => {
    expect(([1, 2, 3] as const).map((phase) => findings(5e6, phase)[0]?.state)).toEqual(["passed", "passed", "failed"]);
    expect(findings(5e6, 1)[0]?.evidence).toContain("phase 3, 1ms … 4ms: missed");
    expect(findings(5e6, 1)[0]).toMatchObject({ requirement: ["S0-037"], limit: 8e6, consumed: 5 / 8 });
  });
  it("without a p95 have no answer", () => expect(findings(undefined, 1)[0]?.state).toBe("no-data"));
  it("that have no target have no answer", () => {
    const only = { ...registration, phases: { 1: { high: "8ms" } } };
    expect(judgeTarget(makeRun([]), only, 2, policyDefaults)[0]?.state).toBe("no-data");
  });
});

it("tells what is wrong with a definition", () => {
  const wrong = {
    ...registration,
    statistic: "p101",
    phases: { 1: { low: "9ms", high: "3ms" }, 2: {}, 3: { high: "soon" } },
  };
  expect(targetProblems(wrong)).toHaveLength(4);
  expect(targetProblems(registration)).toEqual([]);
});

it("puts every size into exactly one class (T-14)", () => {
  expect([99, 100, 499, 500, 1999, 2000, 9999, 10_000].map(sizeClassOf)).toEqual([
    undefined,
    "small",
    "small",
    "medium",
    "medium",
    "large",
    "large",
    "enterprise",
  ]);
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 1e9 }), (n) => {
      expect(sizeClasses.filter(({ from, below }) => from <= n && n < below)).toHaveLength(1);
    }),
  );
});
