import type { MetricUnit } from "@mettle/core";
import type { Measurement } from "@mettle/results";
import { formatStatistic, type Reading, readStatistic, type Statistic } from "../statistic.ts";
import { type Condition, formatValue, holds, type Threshold, type WrittenQuantity } from "./expression.ts";
import { windowReadings } from "./window.ts";

export type CheckState = "passed" | "failed" | "no-data" | "undecided";

/** One condition of a threshold, or one limit of a budget, on one measurement. */
export interface Check {
  readonly state: CheckState;
  /** What was found, with the figures: `p(95) is 327 ms, limit < 200 ms`; or why nothing could be said. */
  readonly message: string;
  readonly actual?: number;
  readonly limit?: number;
  readonly unit?: MetricUnit;
  /** Share of the allowance used, above 1 is over; only for an upper or a lower limit above zero. */
  readonly consumed?: number;
  readonly evidence: readonly string[];
  /** Of one that could not be judged: how to get an answer. */
  readonly advice?: string;
}

/**
 * Evaluates every condition of a threshold on one measurement.
 *
 * @param baseline - the same measurement in the baseline run, for `baseline …` limits
 */
export function evaluateThreshold(
  threshold: Threshold,
  measurement: Measurement,
  baseline?: Measurement,
): readonly Check[] {
  const { count } = measurement.summary;
  const minimum = threshold.minimumSamples;
  if (minimum !== undefined && count < minimum) {
    const advice = "Take more samples: a longer run or a larger profile, such as --profile full.";
    return [noData(`${count} samples were taken, the rule asks for at least ${minimum}`, advice)];
  }
  return threshold.conditions.map((condition) => evaluateCondition(condition, threshold, measurement, baseline));
}

/** The state of several checks that must all hold: failed before no data before undecided before passed. */
export function combineStates(states: readonly CheckState[]): CheckState {
  const order: readonly CheckState[] = ["failed", "no-data", "undecided"];
  return order.find((state) => states.includes(state)) ?? (states.length === 0 ? "no-data" : "passed");
}

/** @param advice - how to get an answer, where the rule's author can do something about it */
export function noData(message: string, advice?: string): Check {
  return { state: "no-data", message, evidence: [], ...(advice === undefined ? {} : { advice }) };
}

function evaluateCondition(
  condition: Condition,
  threshold: Threshold,
  measurement: Measurement,
  baseline: Measurement | undefined,
): Check {
  const reading = readStatistic(measurement, condition.statistic);
  if (reading.state === "absent") return noData(reading.reason);
  const limit = resolveLimit(condition, measurement, reading, baseline);
  if (typeof limit === "string") return noData(limit, limitAdvice(condition, baseline));
  return threshold.window
    ? checkWindows(condition, threshold.window, measurement, reading, limit)
    : checkValue(condition, measurement, reading.value, reading.unit, limit);
}

function checkValue(
  condition: Condition,
  measurement: Measurement,
  actual: number,
  unit: MetricUnit,
  limit: number,
): Check {
  const name = formatStatistic(condition.statistic);
  return {
    state: holds(actual, condition.operator, limit) ? "passed" : "failed",
    message: `${name} is ${formatValue(actual, unit)}, limit ${condition.operator} ${formatValue(limit, unit)}`,
    actual,
    limit,
    unit,
    ...consumedShare(condition.operator, actual, limit, isShareOfAll(condition.statistic, unit)),
    evidence: intervalEvidence(condition, measurement, limit, unit),
  };
}

/**
 * Share of the allowance used: actual / limit under a ceiling, limit / actual over a floor. A share that must stay over a
 * floor, such as `rate > 0.99`, allows the rest to go wrong: (1 − actual) / (1 − limit), the burn rate over the whole run.
 */
export function consumedShare(
  operator: string,
  actual: number,
  limit: number,
  isShare: boolean,
): { consumed?: number } {
  if (isShare && operator.startsWith(">")) return limit < 1 ? { consumed: (1 - actual) / (1 - limit) } : {};
  if (!(actual > 0) || !(limit > 0))
    return actual === 0 && limit > 0 && operator.startsWith("<") ? { consumed: 0 } : {};
  if (operator.startsWith("<")) return { consumed: actual / limit };
  return operator.startsWith(">") ? { consumed: limit / actual } : {};
}

/** Whether a figure is a part of the whole; a counter's rate is an amount a second. */
export const isShareOfAll = ({ kind }: Statistic, unit: MetricUnit): boolean =>
  unit === "1" && (kind === "rate" || kind === "goodput");

/** The point estimate decides, as in k6; that its interval reaches over the limit is said, not hidden. */
function intervalEvidence(condition: Condition, measurement: Measurement, limit: number, unit: MetricUnit): string[] {
  const { interval } = measurement;
  const same =
    interval?.of === condition.statistic.kind ||
    (interval?.of === "median" && condition.statistic.kind === "percentile" && condition.statistic.percentile === 50);
  if (!interval || !same) return [];
  const range = `${formatValue(interval.low, unit)} … ${formatValue(interval.high, unit)}`;
  const crosses = interval.low <= limit && limit <= interval.high;
  const confidence = `${Number((interval.confidence * 100).toPrecision(3))} % interval ${range}`;
  return [crosses ? `${confidence}: the limit lies inside it` : confidence];
}

type Measured = Extract<Reading, { state: "measured" }>;

/** The limit in the statistic's unit, or why there is none. */
function resolveLimit(
  { statistic, limit }: Condition,
  measurement: Measurement,
  reading: Measured,
  baseline: Measurement | undefined,
): number | string {
  if (limit.kind === "absolute") return quantityIn(limit.quantity, reading.unit);
  if (!baseline) return "there is no baseline with this metric to compare with";
  if (baseline.unit !== measurement.unit) return `the baseline is in ${baseline.unit}, the run in ${measurement.unit}`;
  const before = readStatistic(baseline, statistic);
  if (before.state === "absent") return `in the baseline, ${before.reason}`;
  if (limit.kind === "baseline-factor") return before.value * limit.factor;
  const offset = quantityIn(limit.offset, reading.unit);
  return typeof offset === "string" ? offset : before.value + offset;
}

function limitAdvice({ limit }: Condition, baseline: Measurement | undefined): string {
  return limit.kind !== "absolute" && !baseline
    ? "Name a baseline that holds the metric with --compare NAME; `mettle baseline save NAME` saves one."
    : "Write the limit in a unit of the statistic.";
}

/**
 * A written number in the unit of the statistic. A bare number on a time is milliseconds, as in k6; on anything else it
 * is in the stored unit. A unit of another kind is a mistake that no conversion can mend.
 */
export function quantityIn(quantity: WrittenQuantity, unit: MetricUnit): number | string {
  if (quantity.unit === undefined) return unit === "ns" ? quantity.value * 1e6 : quantity.value;
  if (quantity.unit === unit) return quantity.value;
  const hint = quantity.unit === "1" ? "; for a share of the baseline write baseline * 1.10" : "";
  return `the limit ${quantity.text} is in ${quantity.unit}, the statistic in ${unit}${hint}`;
}

function checkWindows(
  condition: Condition,
  window: NonNullable<Threshold["window"]>,
  measurement: Measurement,
  { unit }: Measured,
  limit: number,
): Check {
  const windows = windowReadings(measurement, condition.statistic, window.ms);
  if (typeof windows === "string") return noData(windows);
  const judged = windows.map(({ low, high, fromMs }) => {
    const ends = [holds(low, condition.operator, limit), holds(high, condition.operator, limit)];
    // Between two ends that agree an ordering cannot differ, but an equality can.
    const certain = low === high || /^[<>]/.test(condition.operator);
    const state: CheckState =
      certain && ends.every(Boolean) ? "passed" : certain && !ends.some(Boolean) ? "failed" : "undecided";
    return { state, fromMs, worst: condition.operator.startsWith(">") ? low : high };
  });
  const state = combineStates(judged.map((each) => each.state));
  const sign = condition.operator.startsWith(">") ? 1 : -1;
  const shown = judged.filter((each) => each.state === state).sort((a, b) => sign * (a.worst - b.worst))[0];
  if (!shown) return noData("the series has no window");
  const failed = judged.filter((each) => each.state === "failed").length;
  return {
    state,
    message:
      `${formatStatistic(condition.statistic)} reaches ${formatValue(shown.worst, unit)} in the window of ${window.text} ` +
      `from ${(shown.fromMs / 1000).toFixed(0)} s, limit ${condition.operator} ${formatValue(limit, unit)}`,
    actual: shown.worst,
    limit,
    unit,
    ...consumedShare(condition.operator, shown.worst, limit, isShareOfAll(condition.statistic, unit)),
    evidence: [
      `${failed} of ${judged.length} windows of ${window.text} miss the limit`,
      ...(state === "undecided" ? ["the series' points are too coarse to decide: they allow either answer"] : []),
    ],
  };
}
