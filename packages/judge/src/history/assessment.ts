import type { Direction } from "@mettle/results";
import {
  benjaminiHochberg,
  changePoints,
  linearTrend,
  mannKendall,
  median,
  medianAbsoluteDeviation,
  normalConsistency,
  projection,
  theilSen,
} from "@mettle/stats";
import { severityOf } from "../severity.ts";
import { type Severity, severities, type TrendProjection } from "../verdict.ts";

export interface HistoryPoint {
  readonly value: number;
  readonly runId: string;
  readonly commit?: string;
  /** ISO 8601. */
  readonly at: string;
}

export interface HistoryPolicy {
  /** Fewer points than this are no history (S0-155). At least 10. @defaultValue 10 */
  readonly minimumPoints?: number;
  /** Smallest change that matters, as a fraction. @defaultValue 0.05 */
  readonly minimumEffect?: number;
  /** A change counts as news while it is among this many latest points. @defaultValue 20 */
  readonly recentPoints?: number;
  /** How far the last value may be off the level before it (S0-158). @defaultValue 0.1 */
  readonly tolerance?: number;
  /** Highest p-value of a trend, adjusted for the number of series where there are several. @defaultValue 0.01 */
  readonly trendLevel?: number;
  /** Whether insufficient history fails the run. @defaultValue false */
  readonly required?: boolean;
}

/**
 * By judgement: a step stays news for 20 runs, as a rank test needs about ten after it to be sure; until then the last
 * value off its level tells. 1 % for a trend, as its test is somewhat liberal on short autocorrelated series.
 */
export const historyDefaults: Required<HistoryPolicy> = {
  minimumPoints: 10,
  minimumEffect: 0.05,
  recentPoints: 20,
  tolerance: 0.1,
  trendLevel: 0.01,
  required: false,
};

/** A step of the level. `change` is after / before − 1, absent where the level was zero. */
export interface LevelChange {
  readonly index: number;
  readonly point: HistoryPoint;
  readonly before: number;
  readonly after: number;
  readonly change?: number;
  readonly worse: boolean;
  readonly recent: boolean;
  readonly pValue: number;
  readonly severity: Severity;
}

/** A steady drift over the latest level. `change` is over its whole length, as a fraction of its median. */
export interface Trend {
  readonly from: HistoryPoint;
  readonly points: number;
  /** Per run, in the metric's unit. */
  readonly slope: number;
  readonly low: number;
  readonly high: number;
  readonly change: number;
  readonly worse: boolean;
  readonly pValue: number;
  readonly severity: Severity;
  /** If it goes on (S0-196): half as far ahead as the trend goes back, as a line says little of what is farther. */
  readonly projection: TrendProjection;
}

/** The last value against the level before it. */
export interface LevelViolation {
  readonly point: HistoryPoint;
  readonly level: number;
  /** As a fraction; absent where the level is zero. */
  readonly change?: number;
  readonly worse: boolean;
  /** True when it lies outside the scatter of the level, three robust standard deviations. */
  readonly beyondScatter: boolean;
  readonly severity: Severity;
}

/** What a series of runs says (S0-155 … S0-159). Too short a series says nothing, and never that all is well. */
export type HistoryAssessment =
  | { readonly insufficientHistory: true; readonly points: number; readonly minimumPoints: number }
  | {
      readonly insufficientHistory: false;
      readonly points: number;
      /** Steps of the level (S0-156), better ones included. */
      readonly statistical: readonly LevelChange[];
      /** Absent when there is no trend to test: too few points since the last step. */
      readonly trend?: Trend;
      /** Absent when the last value is within the tolerance. */
      readonly threshold?: LevelViolation;
      /** The worst severity among what got worse; absent when nothing did. */
      readonly severity?: Severity;
    };

/**
 * Assesses one series, oldest first.
 *
 * @throws MettleError `STATS_SAMPLE_INVALID` for values that are no finite numbers
 */
export function assessHistory(
  points: readonly HistoryPoint[],
  direction: Exclude<Direction, "none">,
  policy: HistoryPolicy = {},
): HistoryAssessment {
  const settings = { ...historyDefaults, ...policy };
  const minimumPoints = Math.max(settings.minimumPoints, historyDefaults.minimumPoints);
  if (points.length < minimumPoints) return { insufficientHistory: true, points: points.length, minimumPoints };
  const values = points.map(({ value }) => value);
  const found = changePoints(values, { minimumEffect: settings.minimumEffect });
  const isWorse = (change: number): boolean => (direction === "lower" ? change > 0 : change < 0);
  const statistical = found.points.flatMap(({ index, before, after, pValue }): LevelChange[] => {
    const point = points[index];
    if (!point) return [];
    const recent = index >= points.length - settings.recentPoints;
    const size = sizeOf(after - before, before);
    return [{ index, point, before, after, ...size, worse: isWorse(after - before), recent, pValue }];
  });
  const from = found.segments.at(-1)?.from ?? 0;
  const trend = trendOf(points.slice(from), isWorse);
  const threshold = violationOf(points.slice(from), isWorse, settings.tolerance);
  const harmful = [
    ...statistical.filter((step) => step.worse && step.recent),
    ...(trend && trendMatters(trend, trend.pValue, settings) && trend.worse ? [trend] : []),
    ...(threshold?.worse && threshold.beyondScatter ? [threshold] : []),
  ].map(({ severity }) => severity);
  const severity = severities.find((each) => harmful.includes(each));
  return {
    insufficientHistory: false,
    points: points.length,
    statistical,
    ...(trend ? { trend } : {}),
    ...(threshold ? { threshold } : {}),
    ...(severity ? { severity } : {}),
  };
}

/** Whether a trend is certain and large enough to speak of. */
export function trendMatters(trend: Trend, pValue: number, policy: Required<HistoryPolicy>): boolean {
  return pValue <= policy.trendLevel && Math.abs(trend.change) >= policy.minimumEffect;
}

/** Adjusts the trends of several series together, by Benjamini–Hochberg; undefined where there is no trend to test. */
export function adjustedTrends(assessments: readonly HistoryAssessment[]): readonly (number | undefined)[] {
  const trends = assessments.map((each) => (each.insufficientHistory ? undefined : each.trend?.pValue));
  const adjusted = benjaminiHochberg(trends.filter((pValue) => pValue !== undefined));
  let next = 0;
  return trends.map((pValue) => (pValue === undefined ? undefined : adjusted[next++]));
}

/** A difference as a share of a level, absent where the level is zero. */
function relative(difference: number, level: number): number | undefined {
  return level === 0 ? undefined : difference / Math.abs(level);
}

/** Rising from zero has no relative size; T-23 makes it `high`. */
function sizeOf(difference: number, level: number): { change?: number; severity: Severity } {
  const change = relative(difference, level);
  return change === undefined ? { severity: "high" } : { change, severity: severityOf(change) };
}

/** Below this many points Mann–Kendall cannot reach 1 % with any order of them that is not perfect. */
const trendMinimum = 8;

function trendOf(points: readonly HistoryPoint[], isWorse: (change: number) => boolean): Trend | undefined {
  const [from] = points;
  if (!from || points.length < trendMinimum) return undefined;
  const values = points.map(({ value }) => value);
  const runs = values.map((_, index) => index);
  const { slope, low, high } = theilSen(runs, values);
  const change = relative(slope * (points.length - 1), median(values));
  if (change === undefined) return undefined;
  const { pValue } = mannKendall(values);
  return {
    from,
    points: points.length,
    slope,
    low,
    high,
    change,
    worse: isWorse(change),
    pValue,
    severity: severityOf(change),
    projection: projectionOf(runs, values),
  };
}

function projectionOf(runs: readonly number[], values: readonly number[]): TrendProjection {
  const runsAhead = Math.floor(runs.length / 2);
  return { runsAhead, ...projection(linearTrend(runs, values), runs.length - 1 + runsAhead) };
}

function violationOf(
  points: readonly HistoryPoint[],
  isWorse: (change: number) => boolean,
  tolerance: number,
): LevelViolation | undefined {
  const point = points.at(-1);
  const before = points.slice(0, -1).map(({ value }) => value);
  if (!point || before.length < 2) return undefined;
  const level = median(before);
  const difference = point.value - level;
  if (Math.abs(difference) <= tolerance * Math.abs(level)) return undefined;
  const scatter = 3 * normalConsistency * medianAbsoluteDeviation(before);
  return {
    point,
    level,
    ...sizeOf(difference, level),
    worse: isWorse(difference),
    beyondScatter: Math.abs(difference) > scatter,
  };
}
