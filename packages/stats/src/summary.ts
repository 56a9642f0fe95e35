import { quantileSorted, type QuantileMethod } from "./quantile.ts";
import { mean, requireSamples, sortedCopy, variance } from "./samples.ts";

/** Statistics of samples, in their unit; the fields are those of a run document's summary. One not measured is absent. */
export interface SampleSummary {
  readonly count: number;
  readonly mean?: number;
  /** With n − 1; absent for a single sample. */
  readonly stddev?: number;
  readonly min?: number;
  readonly p50?: number;
  readonly p75?: number;
  readonly p90?: number;
  readonly p95?: number;
  readonly p99?: number;
  readonly p999?: number;
  readonly max?: number;
}

type PercentileName = "p50" | "p75" | "p90" | "p95" | "p99" | "p999";

/**
 * The percentiles of a summary and the number of samples each needs: 1 / (1 − q), so that at least one sample is
 * expected beyond it. With fewer, a "p99" would be the maximum under another name; the summary leaves it out. The
 * median is always there.
 */
export const summaryPercentiles: readonly (readonly [name: PercentileName, q: number, minimumCount: number])[] = [
  ["p50", 0.5, 1],
  ["p75", 0.75, 4],
  ["p90", 0.9, 10],
  ["p95", 0.95, 20],
  ["p99", 0.99, 100],
  ["p999", 0.999, 1000],
];

/** The percentiles that `count` samples support, each by `quantileAt`. */
export function supportedPercentiles(
  count: number,
  quantileAt: (q: number) => number,
): Partial<Record<PercentileName, number>> {
  const found: Partial<Record<PercentileName, number>> = {};
  for (const [name, q, minimumCount] of summaryPercentiles) {
    if (count >= minimumCount) found[name] = quantileAt(q);
  }
  return found;
}

/**
 * Mean, spread and percentiles of raw samples; sorts a copy, O(n log n).
 *
 * @returns percentiles only where `summaryPercentiles` has enough samples, `stddev` from two samples on
 * @throws MettleError `STATS_TOO_FEW_SAMPLES` for none, `STATS_SAMPLE_INVALID` for NaN or infinities
 */
export function summarize(samples: ArrayLike<number>, method: QuantileMethod = "linear"): SampleSummary {
  requireSamples(samples, 1);
  const sorted = sortedCopy(samples);
  const count = sorted.length;
  const center = mean(sorted);
  return {
    count,
    mean: center,
    ...(count > 1 && { stddev: Math.sqrt(variance(sorted, center)) }),
    min: quantileSorted(sorted, 0),
    ...supportedPercentiles(count, (q) => quantileSorted(sorted, q, method)),
    max: quantileSorted(sorted, 1),
  };
}
