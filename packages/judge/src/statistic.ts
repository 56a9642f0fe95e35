import { formatQuantity, isNeverNegative, MettleError, type MetricUnit } from "@mettle/core";
import {
  type Measurement,
  parseStatistic as parseStatisticName,
  type Summary,
  statisticAliases,
  statistic as statisticOf,
  summaryStatistics,
} from "@mettle/results";

/**
 * A statistic as a rule names it.
 * - `count`: a counter's total, otherwise the number of samples.
 * - `rate`: the share of true samples, 0 … 1; a counter's amount per second.
 * - `value`: a gauge's last value; the one sample where only one was taken.
 * - `goodput`: the share of attempts that succeeded, 0 … 1.
 */
export type Statistic =
  | { readonly kind: "percentile"; readonly percentile: number }
  | { readonly kind: "mean" | "median" | "stddev" | "min" | "max" | "sum" | "count" | "rate" | "value" | "goodput" };

/** What a field of the summary is called here: a counter's amount per second is its rate. */
const kindOfField: Readonly<Record<keyof Summary, Statistic>> = {
  count: { kind: "count" },
  mean: { kind: "mean" },
  stddev: { kind: "stddev" },
  min: { kind: "min" },
  p50: { kind: "percentile", percentile: 50 },
  p75: { kind: "percentile", percentile: 75 },
  p90: { kind: "percentile", percentile: 90 },
  p95: { kind: "percentile", percentile: 95 },
  p99: { kind: "percentile", percentile: 99 },
  p999: { kind: "percentile", percentile: 99.9 },
  max: { kind: "max" },
  sum: { kind: "sum" },
  perSecond: { kind: "rate" },
  rate: { kind: "rate" },
  last: { kind: "value" },
};

/** Every word for a statistic, for messages; `p(N)` and `pN` besides. */
export const statisticWords: readonly string[] = [
  ...new Set([...summaryStatistics.filter((name) => !/^p\d/.test(name)), ...Object.keys(statisticAliases), "goodput"]),
].sort();

const canonicalWord: Readonly<Record<Exclude<Statistic["kind"], "percentile">, string>> = {
  mean: "avg",
  median: "med",
  stddev: "stddev",
  min: "min",
  max: "max",
  sum: "sum",
  count: "count",
  rate: "rate",
  value: "value",
  goodput: "goodput",
};

/** `p(99.9)`, or the word that k6 uses. */
export function formatStatistic(statistic: Statistic): string {
  return statistic.kind === "percentile" ? `p(${statistic.percentile})` : canonicalWord[statistic.kind];
}

/** Reads what results reads (`avg`, `med`, `p(95)`, `p99.9`, `p999`), and `goodput`; undefined for anything else. */
export function parseStatistic(text: string): Statistic | undefined {
  if (text === "goodput") return { kind: "goodput" };
  try {
    const name = parseStatisticName(text);
    if (!("field" in name)) return { kind: "percentile", percentile: name.percentile };
    // As the author wrote it: p(0) is the minimum, and said as p(0).
    const asPercentile = /^p[(\d]/.test(text);
    if (name.field === "min" && asPercentile) return { kind: "percentile", percentile: 0 };
    if (name.field === "max" && asPercentile) return { kind: "percentile", percentile: 100 };
    return name.field === "p50" && !asPercentile ? { kind: "median" } : kindOfField[name.field];
  } catch (refused) {
    if (refused instanceof MettleError && refused.code === "STATISTIC_INVALID") return undefined;
    throw refused;
  }
}

/** A statistic read from a measurement, or why there is none. */
export type Reading =
  | { readonly state: "measured"; readonly value: number; readonly unit: MetricUnit }
  | { readonly state: "absent"; readonly reason: string };

const perSecondUnit: Partial<Record<MetricUnit, MetricUnit>> = { count: "1/s", bytes: "bytes/s" };

/** Reads one statistic. Zero samples, a statistic that was not kept and values that can be no such figure are all absent. */
export function readStatistic(measurement: Measurement, statistic: Statistic): Reading {
  const name = formatStatistic(statistic);
  if (!(measurement.summary.count > 0)) return { state: "absent", reason: "no samples were taken" };
  const [value, unit = measurement.unit] = figureOf(measurement, statistic);
  if (value === undefined || !Number.isFinite(value)) return { state: "absent", reason: `${name} was not measured` };
  const problem = statistic.kind === "stddev" ? undefined : impossible(measurement, value, unit);
  return problem === undefined ? { state: "measured", value, unit } : { state: "absent", reason: `${name} ${problem}` };
}

/** Whether the document keeps a figure under this name, be it one that can be or not. */
export function isKept(measurement: Measurement, statistic: Statistic): boolean {
  const [value] = measurement.summary.count > 0 ? figureOf(measurement, statistic) : [];
  return value !== undefined && Number.isFinite(value);
}

/** The figure, and its unit where that is not the measurement's. */
function figureOf(
  measurement: Measurement,
  statistic: Statistic,
): readonly [value: number | undefined, unit?: MetricUnit] {
  const { summary, unit } = measurement;
  switch (statistic.kind) {
    case "percentile":
      return [statisticOf(measurement, `p(${statistic.percentile})`)];
    case "median":
      return [statisticOf(measurement, "p50")];
    case "count":
      // Only counters have a total; the samples of a trend are things counted, whatever its unit.
      return summary.sum !== undefined && (unit === "count" || unit === "bytes")
        ? [summary.sum]
        : [summary.count, "count"];
    case "rate":
      return summary.rate === undefined ? [summary.perSecond, perSecondUnit[unit] ?? unit] : [summary.rate, "1"];
    case "value":
      return [summary.last ?? (summary.count === 1 ? (summary.mean ?? summary.p50) : undefined)];
    case "goodput":
      return [goodputOf(measurement), "1"];
    default:
      return [summary[statistic.kind]];
  }
}

/**
 * Why a value cannot be a figure of its kind, in words. A time, a count and a rate are never below zero. A benchmark's
 * time is not zero either: what is left there is the error of subtracting the loop around the body. Other times may be
 * (connecting over a connection that is open), and growth may be negative.
 */
function impossible({ outliers, raw }: Measurement, value: number, unit: MetricUnit): string | undefined {
  const shown = formatQuantity(value, unit);
  if (unit === "ns" && value <= 0 && (outliers ?? raw)) return `is ${shown}: nothing was left to be timed`;
  return isNeverNegative(unit) && value < 0 ? `is ${shown}, which nothing can be` : undefined;
}

/** A measurement without an `errors` field says nothing of its failures, so it has no goodput, rather than 100 %. */
function goodputOf({ summary, direction, errors }: Measurement): number | undefined {
  if (summary.rate !== undefined) {
    if (direction === "higher") return summary.rate;
    return direction === "lower" ? 1 - summary.rate : undefined;
  }
  return errors ? summary.count / (summary.count + errors.count) : undefined;
}
