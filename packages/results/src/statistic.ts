import { resultsErrors } from "./errors.ts";
import { histogramQuantile } from "./histogram-statistic.ts";
import type { Measurement, Summary } from "./run.ts";

const fields: readonly (keyof Summary)[] = [
  "count",
  "mean",
  "stddev",
  "min",
  "p50",
  "p75",
  "p90",
  "p95",
  "p99",
  "p999",
  "max",
  "sum",
  "perSecond",
  "rate",
  "last",
];
/** Every statistic that a summary can hold, `count` included. */
export const summaryStatistics: readonly (keyof Summary)[] = fields;

/** Other tools' words for the same thing. */
export const statisticAliases: Readonly<Record<string, keyof Summary>> = {
  avg: "mean",
  average: "mean",
  median: "p50",
  med: "p50",
  value: "last",
  total: "sum",
};
const percentileFields: Readonly<Record<number, keyof Summary>> = {
  0: "min",
  50: "p50",
  75: "p75",
  90: "p90",
  95: "p95",
  99: "p99",
  99.9: "p999",
  100: "max",
};
const percentilePattern = /^p\((\d+(?:\.\d+)?)\)$|^p(\d+(?:\.\d+)?)$/;

/** A statistic's name, understood: a field of the summary, or a percentile that only a histogram can give. */
export type StatisticName = { readonly field: keyof Summary } | { readonly percentile: number };

/**
 * Reads `p95`, `p(95)`, `p(97.5)`, `p99.9`, `mean`, `avg`, `med`, `rate`, `count` …
 *
 * @throws MettleError `STATISTIC_INVALID`
 */
export function parseStatistic(name: string): StatisticName {
  const field =
    fields.find((known) => known === name) ??
    (Object.hasOwn(statisticAliases, name) ? statisticAliases[name] : undefined);
  if (field) return { field };
  const match = percentilePattern.exec(name);
  const percentile = Number(match?.[1] ?? match?.[2] ?? Number.NaN);
  if (!(percentile >= 0 && percentile <= 100)) {
    throw resultsErrors.create("STATISTIC_INVALID", `"${name}" is not a statistic.`, { details: { statistic: name } });
  }
  const exact = percentileFields[percentile];
  return exact ? { field: exact } : { percentile };
}

/**
 * One figure of a measurement, in its unit. Percentiles that the summary lacks come from the histogram, where there is
 * one.
 *
 * @param name - see `parseStatistic`
 * @returns undefined when it was not measured: never zero for that
 * @throws MettleError `STATISTIC_INVALID` for a name that is no statistic
 */
export function statistic(measurement: Measurement, name: string): number | undefined {
  const wanted = parseStatistic(name);
  if ("field" in wanted) {
    const value = measurement.summary[wanted.field];
    if (value !== undefined) return value;
  }
  const percentile = "field" in wanted ? percentileOf(wanted.field) : wanted.percentile;
  if (percentile === undefined || !measurement.histogram) return undefined;
  return histogramQuantile(measurement.histogram, percentile / 100);
}

function percentileOf(field: keyof Summary): number | undefined {
  const known = Object.entries(percentileFields).find(([, name]) => name === field);
  return known ? Number(known[0]) : undefined;
}

/** A figure, the statistic it is, and its unit: per-second figures have another than their measurement. */
export interface Headline {
  readonly name: keyof Summary;
  readonly value: number;
  readonly unit: Measurement["unit"];
}

/**
 * The one figure to compare a measurement by, where nobody said which: p95, else the mean, else the value itself
 * (rate, per second, last, total).
 */
export function headlineStatistic(measurement: Measurement): Headline | undefined {
  for (const name of ["p95", "mean", "rate", "perSecond", "last", "sum", "p50", "max"] as const) {
    const value = measurement.summary[name];
    if (value !== undefined) return { name, value, unit: unitOfStatistic(measurement, name) };
  }
  return undefined;
}

function unitOfStatistic({ unit }: Measurement, name: keyof Summary): Measurement["unit"] {
  if (name !== "perSecond") return unit;
  return unit === "bytes" ? "bytes/s" : "1/s";
}
