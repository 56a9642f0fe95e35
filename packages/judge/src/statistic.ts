import type { MetricUnit } from "@mettle/core";
import type { Measurement, Summary } from "@mettle/results";
import { histogramQuantile } from "./histogram-quantile.ts";

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

/** Every word for a statistic; `p(N)` and `pN` besides. k6's own are avg, min, max, med, count, rate and value. */
export const statisticWords: Readonly<Record<string, Exclude<Statistic["kind"], "percentile">>> = {
  avg: "mean",
  mean: "mean",
  med: "median",
  median: "median",
  min: "min",
  max: "max",
  stddev: "stddev",
  sum: "sum",
  count: "count",
  rate: "rate",
  value: "value",
  goodput: "goodput",
};

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

/** Reads `avg`, `med`, `p(95)`, `p99.9` or `p999` (99.9, as the summary calls it); undefined for anything else. */
export function parseStatistic(text: string): Statistic | undefined {
  const word = Object.hasOwn(statisticWords, text) ? statisticWords[text] : undefined;
  if (word) return { kind: word };
  if (text === "p999") return { kind: "percentile", percentile: 99.9 };
  const match = /^p(?:\(\s*(\d+(?:\.\d+)?)\s*\)|(\d{1,2}(?:\.\d+)?|100))$/.exec(text);
  const percentile = Number(match?.[1] ?? match?.[2] ?? Number.NaN);
  return percentile >= 0 && percentile <= 100 ? { kind: "percentile", percentile } : undefined;
}

/** A statistic read from a measurement, or why there is none. */
export type Reading =
  | { readonly state: "measured"; readonly value: number; readonly unit: MetricUnit }
  | { readonly state: "absent"; readonly reason: string };

const summaryPercentiles: Readonly<Record<number, keyof Summary>> = {
  0: "min",
  50: "p50",
  75: "p75",
  90: "p90",
  95: "p95",
  99: "p99",
  99.9: "p999",
  100: "max",
};

const perSecondUnit: Partial<Record<MetricUnit, MetricUnit>> = { count: "1/s", bytes: "bytes/s" };

/** Reads one statistic. Zero samples, a statistic that was not kept and values that are no numbers are all absent. */
export function readStatistic(measurement: Measurement, statistic: Statistic): Reading {
  const { summary, unit } = measurement;
  const name = formatStatistic(statistic);
  if (!(summary.count > 0)) return { state: "absent", reason: "no samples were taken" };
  const read = (value: number | undefined, valueUnit: MetricUnit = unit): Reading =>
    value === undefined || !Number.isFinite(value)
      ? { state: "absent", reason: `${name} was not measured` }
      : { state: "measured", value, unit: valueUnit };
  switch (statistic.kind) {
    case "percentile":
      return read(percentileOf(measurement, statistic.percentile));
    case "median":
      return read(percentileOf(measurement, 50));
    case "count":
      // Only counters have a total; the samples of a trend are things counted, whatever its unit.
      return summary.sum !== undefined && (unit === "count" || unit === "bytes")
        ? read(summary.sum)
        : read(summary.count, "count");
    case "rate":
      return summary.rate === undefined
        ? read(summary.perSecond, perSecondUnit[unit] ?? unit)
        : read(summary.rate, "1");
    case "value":
      return read(summary.last ?? (summary.count === 1 ? (summary.mean ?? summary.p50) : undefined));
    case "goodput":
      return read(goodputOf(measurement), "1");
    default:
      return read(summary[statistic.kind]);
  }
}

function percentileOf(measurement: Measurement, percentile: number): number | undefined {
  const field = summaryPercentiles[percentile];
  const kept = field === undefined ? undefined : measurement.summary[field];
  return kept ?? (measurement.histogram ? histogramQuantile(measurement.histogram, percentile / 100) : undefined);
}

/** A measurement without an `errors` field says nothing of its failures, so it has no goodput, rather than 100 %. */
function goodputOf({ summary, direction, errors }: Measurement): number | undefined {
  if (summary.rate !== undefined) {
    if (direction === "higher") return summary.rate;
    return direction === "lower" ? 1 - summary.rate : undefined;
  }
  return errors ? summary.count / (summary.count + errors.count) : undefined;
}
