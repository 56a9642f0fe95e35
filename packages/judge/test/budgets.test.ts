import { describe, expect, it } from "vitest";
import { assertWithinBudget, type Budget, budgetProblems, checkBudget, judgeBudgets } from "../src/budgets.ts";
import { policyDefaults } from "../src/policy.ts";
import { makeMeasurement, makeRun } from "./documents.ts";

const update: Budget = {
  name: "agent_variable_update",
  metric: "variable.update.time",
  kind: "latency",
  limits: { p99: "10ms", mean: "2ms" },
};
const measured = (p99: number, mean: number) => makeMeasurement("variable.update.time", { count: 1000, p99, mean });

describe("one budget (S3-055)", () => {
  it("has four outcomes", () => {
    expect(checkBudget(update.name, measured(10e6, 2e6), [update]).outcome).toBe("within_budget");
    expect(checkBudget(update.name, measured(10e6, 2.1e6), [update])).toMatchObject({
      outcome: "budget_exceeded",
      metric: "variable.update.time",
      statistic: "mean",
      actual: 2.1e6,
      budget: 2e6,
    });
    expect(checkBudget("other", measured(1, 1), [update])).toEqual({ outcome: "no_budget_defined", name: "other" });
    expect(checkBudget(update.name, makeMeasurement("x", { count: 9, p99: 1 }), [update]).outcome).toBe("no_data");
  });

  it("without limits, as an unchecked configuration may have it, is a problem in words", () => {
    const unchecked: unknown = { name: "b", metric: "x", kind: "size", limit: "1 kB" };
    expect(budgetProblems(unchecked as Budget)).toEqual([expect.stringContaining("limits names no statistic")]);
  });

  it("reads no growth budget as a latency budget (T-03)", () => {
    const growth = makeMeasurement("memory.growth", { count: 9, mean: 1 }, { unit: "bytes/h" });
    expect(checkBudget("b", growth, [{ ...update, name: "b", limits: { mean: "10ms" } }]).outcome).toBe("no_data");
    const hourly: Budget = { name: "b", metric: "memory.growth", kind: "growth", limits: { mean: "1MB/h" } };
    expect(checkBudget("b", growth, [hourly]).outcome).toBe("within_budget");
    expect(budgetProblems({ ...hourly, limits: { mean: "10ms" } })).toHaveLength(1);
  });

  it("holds a throughput from below and an error rate from above", () => {
    const rate = (perSecond: number) =>
      makeMeasurement("x", { count: 9, sum: 9, perSecond }, { unit: "count", direction: "higher" });
    const floor: Budget = { name: "b", metric: "x", kind: "throughput", limits: { rate: "1000/s" } };
    expect(checkBudget("b", rate(1000), [floor]).outcome).toBe("within_budget");
    expect(checkBudget("b", rate(999), [floor]).outcome).toBe("budget_exceeded");
    const errors = makeMeasurement("x", { count: 1000, rate: 0.002 }, { unit: "1" });
    const ceiling: Budget = { name: "b", metric: "x", kind: "rate", limits: { rate: "0.1%" } };
    expect(checkBudget("b", errors, [ceiling]).outcome).toBe("budget_exceeded");
  });

  it("throws in tests with statistic, value and budget (S3-021)", () => {
    expect(() => assertWithinBudget(measured(11e6, 1e6), update)).toThrow(/p99 is 11.0 ms, budget <= 10.0 ms/);
    expect(() => assertWithinBudget(makeMeasurement("x", { count: 0 }), update)).toThrow(
      expect.objectContaining({ code: "BUDGET_UNMEASURED" }),
    );
    expect(() => assertWithinBudget(measured(1, 1), update)).not.toThrow();
  });
});

describe("the gate (T-02, S3-056)", () => {
  const states = (run: ReturnType<typeof makeRun>, budgets: readonly Budget[], gate: readonly string[]) =>
    judgeBudgets(run, budgets, gate, policyDefaults).map(({ state, required }) => [state, required]);

  it("lets neither a budget without result nor a name without budget pass", () => {
    expect(states(makeRun([]), [update], [])).toEqual([["no-data", undefined]]);
    expect(states(makeRun([measured(1, 1)]), [update], ["agent_variable_update", "consensus"])).toEqual([
      ["passed", undefined],
      ["no-data", undefined],
    ]);
  });

  it("overrules a budget's own leniency", () => {
    const lenient = { ...update, required: false };
    expect(states(makeRun([]), [lenient], [])).toEqual([["no-data", false]]);
    expect(states(makeRun([]), [lenient], [lenient.name])).toEqual([["no-data", undefined]]);
  });

  it("gives no advice on what need not be measured", () => {
    const other = makeRun([measured(1, 1)]);
    const unmeasured = { ...update, metric: "variable.updated.time" };
    const advice = (budget: Budget): unknown => judgeBudgets(other, [budget], [], policyDefaults)[0]?.recommendation;
    expect(advice(unmeasured)).toContain("variable.updated.time");
    expect(advice({ ...unmeasured, required: false })).toBeUndefined();
  });
});
