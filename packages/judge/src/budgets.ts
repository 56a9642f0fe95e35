import type { MetricUnit } from "@mettle/core";
import type { Measurement, Run } from "@mettle/results";
import { judgeErrors } from "./errors.ts";
import { findingOfChecks, noDataFinding, type RuleIdentity } from "./findings.ts";
import { readQuantity } from "./quantity.ts";
import { parseSelector, selectMeasurements } from "./selector.ts";
import type { SeverityPolicy } from "./severity.ts";
import { parseStatistic, readStatistic } from "./statistic.ts";
import { type Check, combineStates, consumedShare, isShareOfAll, noData, quantityIn } from "./thresholds/evaluate.ts";
import { formatValue, holds } from "./thresholds/expression.ts";
import { unknownMetric } from "./thresholds/rules.ts";
import type { Finding, Severity } from "./verdict.ts";

export const budgetKinds = ["latency", "throughput", "growth", "rate", "size"] as const;
/** What a budget allows: the kind fixes the units it may be written in and which way its limits point (T-03). */
export type BudgetKind = (typeof budgetKinds)[number];

/** The units that each kind may limit. Growth is per time, or the whole of it over the run. */
export const budgetUnits: Readonly<Record<BudgetKind, readonly MetricUnit[]>> = {
  latency: ["ns"],
  throughput: ["1/s", "bytes/s"],
  growth: ["bytes/h", "bytes/s", "bytes", "1/s", "count"],
  rate: ["1"],
  size: ["bytes", "count"],
};

/** What one operation may cost. */
export interface Budget {
  /** Its name in the gate: `service_discovery`. */
  readonly name: string;
  /** A selector: `registry.lookup.time{backend:memory}`. */
  readonly metric: string;
  readonly kind: BudgetKind;
  /**
   * Statistic → limit: `{ p99: "10ms", mean: "2ms" }`. Limits carry their unit; bare numbers are accepted where the kind
   * has only one reading of them: a rate as a fraction, a throughput per second.
   * A throughput is at least its limit, a rate of a metric whose direction is `higher` too, all others at most.
   */
  readonly limits: Readonly<Record<string, string | number>>;
  /** Whether no result fails the run. @defaultValue true */
  readonly required?: boolean;
  /** @defaultValue "high" */
  readonly severity?: Severity;
  readonly requirement?: readonly string[];
  readonly source?: NonNullable<Finding["source"]>;
}

/** What came of checking one operation (S3-055). Only the first is good. */
export type BudgetResult =
  | { readonly outcome: "within_budget"; readonly name: string; readonly checks: readonly Check[] }
  | {
      readonly outcome: "budget_exceeded";
      readonly name: string;
      readonly metric: string;
      readonly statistic: string;
      readonly actual: number;
      readonly budget: number;
      readonly unit: MetricUnit;
      readonly checks: readonly Check[];
    }
  /** A limit names what was not measured, or the units do not fit. */
  | { readonly outcome: "no_data"; readonly name: string; readonly reason: string; readonly checks: readonly Check[] }
  | { readonly outcome: "no_budget_defined"; readonly name: string };

/** Everything wrong with a budget's definition, in words; empty when it can be judged. */
export function budgetProblems(budget: Budget): readonly string[] {
  // A configuration is not always checked against its types: a budget may come without limits, or with a bare `limit`.
  const limits = Object.entries((budget.limits as Budget["limits"] | undefined) ?? {});
  if (limits.length === 0) return ['limits names no statistic: write limits: { p99: "1ms" }'];
  return limits.flatMap(([statistic, limit]) => [
    ...(parseStatistic(statistic) ? [] : [`limits.${statistic} is not a statistic`]),
    ...limitProblems(budget.kind, statistic, limit),
  ]);
}

function limitProblems(kind: BudgetKind, statistic: string, limit: string | number): readonly string[] {
  const units = budgetUnits[kind];
  const parsed = parseLimit(limit);
  if (!parsed) return [`limits.${statistic}: ${JSON.stringify(limit)} is not a quantity`];
  if (parsed.unit === undefined) {
    return kind === "rate" || kind === "throughput" || parsed.value === 0
      ? []
      : [`limits.${statistic}: write the unit (${units.join(", ")}), got ${limit}`];
  }
  return units.includes(parsed.unit)
    ? []
    : [`limits.${statistic}: ${limit} is in ${parsed.unit}, a ${kind} budget is in ${units.join(" or ")}`];
}

function parseLimit(limit: string | number): { value: number; unit?: MetricUnit } | undefined {
  if (typeof limit === "number") return Number.isFinite(limit) ? { value: limit } : undefined;
  try {
    return readQuantity(limit);
  } catch {
    // The one thing readQuantity throws for; the caller reports it among all the budget's problems.
    return undefined;
  }
}

/**
 * Checks one measurement against the budget of that name.
 *
 * @param budgets - all that are defined; a name without one is `no_budget_defined`, never a pass (T-02)
 */
export function checkBudget(name: string, measurement: Measurement, budgets: readonly Budget[]): BudgetResult {
  const budget = budgets.find((candidate) => candidate.name === name);
  if (!budget) return { outcome: "no_budget_defined", name };
  // A configuration is not always checked against its types: a budget may come without limits, or with a bare `limit`.
  const limits = Object.entries((budget.limits as Budget["limits"] | undefined) ?? {});
  const checks = limits.map(([statistic, limit]) => checkLimit(budget, measurement, statistic, limit));
  const state = combineStates(checks.map((check) => check.state));
  if (state === "passed") return { outcome: "within_budget", name, checks };
  const index = checks.findIndex((check) => check.state === state);
  const { actual, limit, unit, message } = checks[index] ?? noData("the budget limits nothing");
  if (state !== "failed" || actual === undefined || limit === undefined || unit === undefined) {
    return { outcome: "no_data", name, reason: message, checks };
  }
  const statistic = limits[index]?.[0] ?? "";
  return { outcome: "budget_exceeded", name, metric: budget.metric, statistic, actual, budget: limit, unit, checks };
}

/**
 * For tests: passes silently within budget and throws otherwise.
 *
 * @throws MettleError `BUDGET_EXCEEDED` naming statistic, value and budget; `BUDGET_UNMEASURED` when it can't be judged
 */
export function assertWithinBudget(measurement: Measurement, budget: Budget): void {
  const result = checkBudget(budget.name, measurement, [budget]);
  if (result.outcome === "within_budget") return;
  const messages = "checks" in result ? result.checks.filter(({ state }) => state !== "passed") : [];
  throw judgeErrors.create(
    result.outcome === "budget_exceeded" ? "BUDGET_EXCEEDED" : "BUDGET_UNMEASURED",
    `Budget ${budget.name}: ${messages.map(({ message }) => message).join("; ")}.`,
    { details: { ...result } },
  );
}

function checkLimit(budget: Budget, measurement: Measurement, statisticName: string, written: string | number): Check {
  const statistic = parseStatistic(statisticName);
  const parsed = parseLimit(written);
  if (!statistic || !parsed) return noData(`${statisticName}: ${written} is not a limit`);
  const reading = readStatistic(measurement, statistic);
  if (reading.state === "absent") return noData(reading.reason);
  const { value: actual, unit } = reading;
  if (!budgetUnits[budget.kind].includes(unit)) {
    return noData(`${statisticName} is in ${unit}, which a ${budget.kind} budget cannot limit`);
  }
  const limit = parsed.unit === undefined ? parsed.value : quantityIn({ ...parsed, text: String(written) }, unit);
  if (typeof limit === "string") return noData(limit);
  const floor = budget.kind === "throughput" || (budget.kind === "rate" && measurement.direction === "higher");
  if (!floor && measurement.direction === "higher") {
    return noData(`more is better for ${measurement.metric}, which a ${budget.kind} budget would punish`);
  }
  const operator = floor ? ">=" : "<=";
  return {
    state: holds(actual, operator, limit) ? "passed" : "failed",
    message: `${statisticName} is ${formatValue(actual, unit)}, budget ${operator} ${formatValue(limit, unit)}`,
    actual,
    limit,
    unit,
    ...consumedShare(operator, actual, limit, isShareOfAll(statistic, unit)),
    evidence: [],
  };
}

/**
 * Judges every budget, and every gated name: a budget with no result fails, and so does a gated name with no budget
 * (T-02).
 *
 * @param gate - names of budgets that must exist
 */
export function judgeBudgets(
  run: Run,
  budgets: readonly Budget[],
  gate: readonly string[],
  policy: SeverityPolicy,
): readonly Finding[] {
  const missing = gate.filter((name) => !budgets.some((budget) => budget.name === name));
  return [
    ...budgets.flatMap((budget) => judgeBudget(run, budget, gate.includes(budget.name), policy)),
    ...missing.map(
      (name): Finding => ({
        ...noDataFinding(
          { kind: "coverage", rule: `gate ${name}`, severity: "high" },
          { metric: name, tags: {} },
          `no_budget_defined: the gate requires ${name}, but no budget has that name.`,
        ),
        recommendation: `Define a budget named ${name}, or take it out of the gate.`,
      }),
    ),
  ];
}

function judgeBudget(run: Run, budget: Budget, gated: boolean, policy: SeverityPolicy): readonly Finding[] {
  const selector = parseSelector(budget.metric);
  const limits = Object.entries(budget.limits).map(([statistic, limit]) => `${statistic}: ${limit}`);
  const identity: RuleIdentity = {
    kind: "budget",
    name: budget.name,
    rule: `${budget.kind} ${limits.join(", ")}`,
    severity: budget.severity ?? "high",
    // A gate is a demand that a budget's own leniency cannot lift.
    ...(budget.required === false && !gated ? { required: false } : {}),
    ...(budget.requirement ? { requirement: budget.requirement } : {}),
    ...(budget.source ? { source: budget.source } : {}),
  };
  const measurements = selectMeasurements(run, selector);
  if (measurements.length === 0) return [unknownMetric(identity, selector, run)];
  return measurements.map((measurement) => {
    const checks = Object.entries(budget.limits).map(([name, limit]) => checkLimit(budget, measurement, name, limit));
    return findingOfChecks(identity, measurement, checks, policy);
  });
}
