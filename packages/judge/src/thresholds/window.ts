import type { Measurement, Series } from "@mettle/results";
import { formatStatistic, type Statistic } from "../statistic.ts";

/** The statistic over one window lies somewhere in `low … high`; they are equal where it is known exactly. */
export interface WindowReading {
  readonly fromMs: number;
  readonly low: number;
  readonly high: number;
}

/** The names under which a series may hold a statistic. */
function seriesNames(statistic: Statistic): readonly string[] {
  if (statistic.kind !== "percentile") {
    const aliases: Partial<Record<Statistic["kind"], readonly string[]>> = {
      mean: ["mean", "avg"],
      median: ["p50", "median", "med"],
      value: ["value", "last"],
      rate: ["rate", "perSecond"],
    };
    return aliases[statistic.kind] ?? [statistic.kind];
  }
  return [`p${String(statistic.percentile).replace(".", "")}`, formatStatistic(statistic)];
}

/**
 * The statistic in each window of the run, back to back from the series' first point; the last one may be shorter.
 * Extremes, counts and sums of points combine exactly, means by their counts. A percentile of a union is only known to
 * lie between the least and the greatest of its parts' percentiles, which is what `low … high` then says.
 *
 * @returns why not, in words, where the series cannot tell: a window without a point included
 */
export function windowReadings(
  { series }: Measurement,
  statistic: Statistic,
  windowMs: number,
): readonly WindowReading[] | string {
  if (!series || series.atMs.length === 0) return "the metric was not kept over time, so no window can be judged";
  const name = seriesNames(statistic).find((candidate) => Object.hasOwn(series.values, candidate));
  const values = name === undefined ? undefined : series.values[name];
  if (!values) return `the series does not hold ${formatStatistic(statistic)}`;
  const start = series.atMs[0] ?? 0;
  const end = series.atMs.at(-1) ?? start;
  if (longestStep(series) > windowMs) return `the series' points lie further apart than a window of ${windowMs} ms`;
  const windows: WindowReading[] = [];
  for (let index = 0; start + index * windowMs <= end; index++) {
    const fromMs = start + index * windowMs;
    const points = series.atMs.flatMap((at, point) => (at >= fromMs && at < fromMs + windowMs ? [point] : []));
    const reading = combine(series, statistic, values, points);
    if (!reading) return `there is no measured point in the window from ${fromMs} ms`;
    windows.push({ fromMs, ...reading });
  }
  return windows;
}

function longestStep({ atMs }: Series): number {
  return atMs.reduce((longest, at, index) => Math.max(longest, index === 0 ? 0 : at - (atMs[index - 1] ?? at)), 0);
}

function combine(
  series: Series,
  statistic: Statistic,
  values: readonly (number | null)[],
  points: readonly number[],
): { low: number; high: number } | undefined {
  const measured = points.flatMap((point) => {
    const value = values[point];
    return typeof value === "number" && Number.isFinite(value) ? [{ point, value }] : [];
  });
  if (measured.length === 0) return undefined;
  const numbers = measured.map(({ value }) => value);
  const exact = (value: number): { low: number; high: number } => ({ low: value, high: value });
  if (statistic.kind === "count" || statistic.kind === "sum") return exact(numbers.reduce((a, b) => a + b, 0));
  const low = Math.min(...numbers);
  const high = Math.max(...numbers);
  if (statistic.kind === "min") return exact(low);
  if (statistic.kind === "max") return exact(high);
  const counts = series.values["count"];
  const weights = measured.map(({ point }) => counts?.[point] ?? Number.NaN);
  const total = weights.reduce((a, b) => a + b, 0);
  if (statistic.kind === "mean" && total > 0) {
    return exact(measured.reduce((sum, { value }, index) => sum + value * (weights[index] ?? 0), 0) / total);
  }
  // A spread about a common mean can exceed each part's own, so the parts do not bound it.
  if (statistic.kind === "stddev" && measured.length > 1) return undefined;
  return { low, high };
}
