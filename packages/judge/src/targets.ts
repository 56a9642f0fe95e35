import type { Measurement, Run } from "@mettle/results";
import { findingBase, noDataFinding, type RuleIdentity } from "./findings.ts";
import { readQuantity } from "./quantity.ts";
import { formatSelector, parseSelector, selectMeasurements } from "./selector.ts";
import { missedState, type SeverityPolicy } from "./severity.ts";
import { formatStatistic, parseStatistic, readStatistic } from "./statistic.ts";
import { consumedShare, isShareOfAll, quantityIn } from "./thresholds/evaluate.ts";
import { formatValue } from "./thresholds/expression.ts";
import { unknownMetric } from "./thresholds/rules.ts";
import type { Finding, Severity } from "./verdict.ts";

export const phases = [1, 2, 3] as const;
export type Phase = (typeof phases)[number];

/** A target given as a range (T-13). Bounds are quantities with units; one side may be open, as in `< 1 MB/h`. */
export interface TargetRange {
  readonly low?: string;
  readonly high?: string;
}

/** What an operation shall reach, phase by phase. */
export interface Target {
  /** For people: `Single agent registration`. */
  readonly operation: string;
  /** A selector. */
  readonly metric: string;
  readonly requirement: readonly string[];
  /** @defaultValue "p95" */
  readonly statistic?: string;
  /** What was usual before the first phase; shown, not judged. */
  readonly baseline?: TargetRange;
  readonly phases: Readonly<Partial<Record<Phase, TargetRange>>>;
  /** @defaultValue "high" */
  readonly severity?: Severity;
  readonly required?: boolean;
}

export type TargetOutcome = "exceeded" | "met" | "missed";

/**
 * T-13. Where less is better: at or under the lower bound is exceeded, at or under the upper bound is met. Where more is
 * better the bounds change places. An open side can't be exceeded.
 */
export function targetOutcome(
  value: number,
  range: { readonly low?: number; readonly high?: number },
  direction: "lower" | "higher",
): TargetOutcome {
  const [easy, hard] = direction === "lower" ? [range.high, range.low] : [range.low, range.high];
  const reaches = (bound: number): boolean => (direction === "lower" ? value <= bound : value >= bound);
  if (hard !== undefined && reaches(hard)) return "exceeded";
  return easy !== undefined && reaches(easy) ? "met" : "missed";
}

/** Everything wrong with a target's definition, in words. */
export function targetProblems(target: Target): readonly string[] {
  const ranges = Object.entries({ baseline: target.baseline, ...target.phases });
  const statistic = target.statistic ?? "p95";
  return [
    ...(Object.keys(target.phases).length === 0 ? ["phases is empty"] : []),
    ...(parseStatistic(statistic) ? [] : [`statistic "${statistic}" is unknown`]),
    ...ranges.flatMap(([name, range]) => (range ? rangeProblems(name, range) : [])),
  ];
}

function rangeProblems(name: string, { low, high }: TargetRange): readonly string[] {
  if (low === undefined && high === undefined) return [`${name} has neither low nor high`];
  const bounds = [low, high].flatMap((bound) => (bound === undefined ? [] : [bound]));
  const parsed = bounds.map(quantity);
  const problems = parsed.flatMap((each, index) => (each ? [] : [`${name}: "${bounds[index]}" is not a quantity`]));
  const [first, second] = parsed;
  if (first && second && (first.unit !== second.unit || first.value > second.value)) {
    return [`${name}: low ${low} and high ${high} are not a range`];
  }
  return problems;
}

function quantity(text: string): ReturnType<typeof readQuantity> | undefined {
  try {
    return readQuantity(text);
  } catch {
    // Reported by the caller among all problems of the target.
    return undefined;
  }
}

/** Judges one target at one phase (S0-194); how the other phases came out is told as evidence. */
export function judgeTarget(run: Run, target: Target, phase: Phase, policy: SeverityPolicy): readonly Finding[] {
  const statistic = target.statistic ?? "p95";
  const range = target.phases[phase];
  const identity: RuleIdentity = {
    kind: "target",
    name: target.operation,
    rule: `phase ${phase}: ${statistic} ${range ? formatRange(range) : "(none)"}`,
    severity: target.severity ?? "high",
    requirement: target.requirement,
    ...(target.required === undefined ? {} : { required: target.required }),
  };
  const selector = parseSelector(target.metric);
  if (!range) return [noDataFinding(identity, selector, `${target.operation} has no target for phase ${phase}.`)];
  const measurements = selectMeasurements(run, selector);
  if (measurements.length === 0) return [unknownMetric(identity, selector, run)];
  return measurements.map((measurement) => judgeMeasurement(measurement, target, phase, identity, policy));
}

function judgeMeasurement(
  measurement: Measurement,
  target: Target,
  phase: Phase,
  identity: RuleIdentity,
  policy: SeverityPolicy,
): Finding {
  const { direction } = measurement;
  const subject = formatSelector(measurement);
  const none = (reason: string): Finding =>
    noDataFinding(identity, measurement, `${target.operation}: ${subject}: ${reason}.`);
  const statistic = parseStatistic(target.statistic ?? "p95");
  if (!statistic) return none(`the statistic ${target.statistic} is unknown`);
  const reading = readStatistic(measurement, statistic);
  if (reading.state === "absent") return none(reading.reason);
  if (direction === "none") return none("the metric has no better direction, so a target has no meaning");
  const { value, unit } = reading;
  const results = phases.flatMap((each) => {
    const range = target.phases[each];
    const bounds = range && boundsIn(range, unit);
    return bounds ? [{ phase: each, bounds, range }] : [];
  });
  const judged = results.find((each) => each.phase === phase);
  if (!judged) return none(`the bounds of phase ${phase} have no meaning in ${unit}`);
  if (typeof judged.bounds === "string") return none(judged.bounds);
  const outcome = targetOutcome(value, judged.bounds, direction);
  const limit =
    direction === "lower" ? (judged.bounds.high ?? judged.bounds.low) : (judged.bounds.low ?? judged.bounds.high);
  const name = formatStatistic(statistic);
  return {
    ...findingBase(identity, measurement),
    state: outcome === "missed" ? missedState(identity.severity, policy) : "passed",
    message: `${target.operation}: ${name} is ${formatValue(value, unit)}, phase ${phase} target ${formatRange(judged.range)}: ${outcome}.`,
    actual: value,
    unit,
    ...(limit === undefined
      ? {}
      : { limit, ...consumedShare(direction === "lower" ? "<=" : ">=", value, limit, isShareOfAll(statistic, unit)) }),
    evidence: [
      ...results.flatMap((each) =>
        typeof each.bounds === "string"
          ? []
          : [`phase ${each.phase}, ${formatRange(each.range)}: ${targetOutcome(value, each.bounds, direction)}`],
      ),
      ...(target.baseline ? [`before: ${formatRange(target.baseline)}`] : []),
      direction === "lower"
        ? `rule: ${name} at or under the upper bound is met, at or under the lower bound exceeded`
        : `rule: ${name} at or over the lower bound is met, at or over the upper bound exceeded`,
    ],
  };
}

function boundsIn(range: TargetRange, unit: Measurement["unit"]): { low?: number; high?: number } | string {
  const bounds: { low?: number; high?: number } = {};
  for (const side of ["low", "high"] as const) {
    const text = range[side];
    if (text === undefined) continue;
    const parsed = quantity(text);
    if (!parsed) return `"${text}" is not a quantity`;
    const value = quantityIn({ ...parsed, text }, unit);
    if (typeof value === "string") return value;
    bounds[side] = value;
  }
  return bounds;
}

function formatRange({ low, high }: TargetRange): string {
  if (low !== undefined && high !== undefined) return `${low} … ${high}`;
  return low === undefined ? `up to ${high}` : `from ${low}`;
}

/** Classes of system size by number of agents, half-open so that none overlap (T-14). */
export const sizeClasses: readonly { readonly name: string; readonly from: number; readonly below: number }[] = [
  { name: "small", from: 100, below: 500 },
  { name: "medium", from: 500, below: 2000 },
  { name: "large", from: 2000, below: 10_000 },
  { name: "enterprise", from: 10_000, below: Number.POSITIVE_INFINITY },
];

/** The class of a number of agents; undefined below the smallest. */
export function sizeClassOf(agents: number): string | undefined {
  return sizeClasses.find(({ from, below }) => agents >= from && agents < below)?.name;
}
