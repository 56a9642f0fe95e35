import type { Measurement, Run } from "@mettle/results";
import { wilsonInterval } from "@mettle/stats";
import { judgeErrors } from "./errors.ts";
import { findingBase, noDataFinding, type RuleIdentity } from "./findings.ts";
import { formatSelector, parseSelector, selectMeasurements } from "./selector.ts";
import { missedState, type SeverityPolicy } from "./severity.ts";
import { unknownMetric } from "./thresholds/rules.ts";
import type { Finding, Severity } from "./verdict.ts";

export const budgetingMethods = ["Occurrences", "Timeslices", "RatioTimeslices"] as const;
/** OpenSLO's: shares of events, of good time slices, or the mean share over time slices. */
export type BudgetingMethod = (typeof budgetingMethods)[number];

/** A service level indicator: good events among valid ones, or a value under a limit in each slice of time. */
export type ServiceLevelIndicator =
  | { readonly kind: "ratio"; readonly good: string; readonly total: string }
  | { readonly kind: "ratio-from-bad"; readonly bad: string; readonly total: string }
  | {
      readonly kind: "threshold";
      readonly metric: string;
      readonly statistic: string;
      readonly operator: "lte" | "gte" | "lt" | "gt";
      readonly value: string;
    };

/** The period over which an objective holds. */
export type TimeWindow =
  | { readonly kind: "rolling"; readonly durationMs: number }
  | {
      readonly kind: "calendar";
      readonly unit: "day" | "week" | "month" | "quarter" | "year";
      readonly timeZone: string;
      readonly start: string;
    };

/** A service level objective, in the shape of OpenSLO's `SLO`. Evaluated continuously by the monitor. */
export interface ServiceLevelObjective {
  readonly name: string;
  readonly service?: string;
  readonly description?: string;
  readonly indicator: ServiceLevelIndicator;
  /** Share of good, 0 … 1 without its ends. */
  readonly target: number;
  readonly budgetingMethod: BudgetingMethod;
  readonly timeSlice?: {
    readonly windowMs: number;
    readonly target: number;
    readonly empty: "good" | "bad" | "ignore";
  };
  readonly timeWindow: TimeWindow;
  readonly alerts?: readonly BurnRateAlert[];
}

/** Fires while the burn rate of both windows is at or over `factor`. */
export interface BurnRateAlert {
  readonly severity: "page" | "ticket";
  readonly factor: number;
  readonly longWindowMs: number;
  readonly shortWindowMs: number;
}

/** What is left of the failures that an objective allows, over some window. */
export interface ErrorBudget {
  readonly good: number;
  readonly total: number;
  /** good / total. */
  readonly indicator: number;
  readonly target: number;
  /** Bad events that the target allows in `total`; need not be whole. */
  readonly allowedBad: number;
  /** Share of the budget spent, also the burn rate over this window: 1 spends exactly all of it. */
  readonly consumed: number;
  /** 1 − consumed; negative when overspent. */
  readonly remaining: number;
  /** Wilson score interval of the indicator, 95 %. */
  readonly low: number;
  readonly high: number;
}

/**
 * The error budget of counted events.
 *
 * @returns undefined for no events: 0 / 0 is no sample, never NaN and never good
 * @throws MettleError `OBJECTIVE_COUNTS_INVALID`
 */
export function errorBudget(good: number, total: number, target: number): ErrorBudget | undefined {
  if (
    !(
      Number.isSafeInteger(good) &&
      Number.isSafeInteger(total) &&
      0 <= good &&
      good <= total &&
      0 < target &&
      target < 1
    )
  ) {
    throw judgeErrors.create(
      "OBJECTIVE_COUNTS_INVALID",
      `No error budget for ${good} good of ${total} at target ${target}.`,
      {
        details: { good, total, target },
      },
    );
  }
  if (total === 0) return undefined;
  const indicator = good / total;
  const allowedBad = (1 - target) * total;
  const consumed = (total - good) / allowedBad;
  return {
    good,
    total,
    indicator,
    target,
    allowedBad,
    consumed,
    remaining: 1 - consumed,
    ...wilsonInterval(good, total),
  };
}

/** An objective on the events of one run: how many of them must be good. */
export interface RunObjective {
  readonly name: string;
  /** A selector: of times, with `atMost`; or of a rate, good by its direction. */
  readonly metric: string;
  /** A request is good when it succeeded within this time. The measurement must have counted this limit exactly. */
  readonly atMost?: string;
  /** Share of good, 0 … 1 without its ends. */
  readonly target: number;
  /** @defaultValue "high" */
  readonly severity?: Severity;
  readonly required?: boolean;
  readonly requirement?: readonly string[];
}

/**
 * Judges the budget that a run consumed. Met on the point value; missed when the whole Wilson interval is below the
 * target; between the two it is undecided. With fewer events than 1 / (1 − target) a single failure would overspend,
 * so there is no answer.
 *
 * @param atMostNs - `atMost`, read
 */
export function judgeObjective(
  run: Run,
  objective: RunObjective,
  atMostNs: number | undefined,
  policy: SeverityPolicy,
): readonly Finding[] {
  const percent = Number((objective.target * 100).toPrecision(6));
  const identity: RuleIdentity = {
    kind: "objective",
    name: objective.name,
    rule: `${percent} % good${objective.atMost ? ` within ${objective.atMost}` : ""}`,
    severity: objective.severity ?? "high",
    ...(objective.required === undefined ? {} : { required: objective.required }),
    ...(objective.requirement ? { requirement: objective.requirement } : {}),
  };
  const selector = parseSelector(objective.metric);
  const measurements = selectMeasurements(run, selector);
  if (measurements.length === 0) return [unknownMetric(identity, selector, run)];
  return measurements.map((measurement) => {
    const counts = goodOf(measurement, atMostNs);
    const subject = formatSelector(measurement);
    if (typeof counts === "string")
      return noDataFinding(identity, measurement, `${objective.name}: ${subject}: ${counts}.`);
    const budget = errorBudget(counts.good, counts.total, objective.target);
    const needed = Math.ceil(1 / (1 - objective.target) - 1e-9);
    if (!budget || budget.total < needed) {
      return noDataFinding(
        identity,
        measurement,
        `${objective.name}: ${subject}: ${counts.total} events are too few for a target of ${percent} %: at least ${needed} are needed.`,
      );
    }
    return objectiveFinding(identity, measurement, budget, policy);
  });
}

function objectiveFinding(
  identity: RuleIdentity,
  measurement: Measurement,
  budget: ErrorBudget,
  policy: SeverityPolicy,
): Finding {
  const { indicator, target, good, total, consumed, low, high, allowedBad } = budget;
  const percent = (share: number): string => `${Number((share * 100).toPrecision(6))} %`;
  const state = indicator >= target ? "passed" : high < target ? missedState(identity.severity, policy) : "undecided";
  return {
    ...findingBase(identity, measurement),
    state,
    message: `${identity.name}: ${percent(indicator)} good (${good} of ${total}), target ${percent(target)}: ${percent(consumed)} of the error budget spent.`,
    actual: indicator,
    limit: target,
    unit: "1",
    consumed,
    evidence: [
      `${total - good} bad events, ${Number(allowedBad.toPrecision(4))} allowed`,
      `95 % Wilson interval ${percent(low)} … ${percent(high)}`,
    ],
  };
}

/** Good and valid events, counted exactly or not at all: counts are never interpolated from a histogram's buckets. */
function goodOf(measurement: Measurement, atMostNs: number | undefined): { good: number; total: number } | string {
  const { summary, histogram, errors, direction } = measurement;
  if (atMostNs !== undefined) {
    const exact = histogram?.limits?.find(([limit]) => limit === atMostNs);
    if (!exact) return "the run did not count this limit exactly; declare it when measuring";
    return { good: exact[1], total: (histogram?.count ?? 0) + (errors?.count ?? 0) };
  }
  if (summary.rate === undefined) return "the metric is no rate; name a limit with atMost";
  if (direction === "none") return "the rate has no better direction";
  const share = direction === "higher" ? summary.rate : 1 - summary.rate;
  return { good: Math.round(share * summary.count), total: summary.count };
}
