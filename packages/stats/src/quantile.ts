import { requireFraction, requireSamples, sortedCopy } from "./samples.ts";

/**
 * How a quantile between two samples is read. `linear` interpolates (R's type 7, NumPy's default); `nearest-rank`
 * returns a value that was measured: the smallest with at least `q · n` samples at or below it (R's type 1).
 */
export type QuantileMethod = "linear" | "nearest-rank";

/** Turns a median absolute deviation into an estimate of a normal distribution's standard deviation: 1 / Φ⁻¹(¾). */
export const normalConsistency = 1.482602218505602;

/**
 * The 1-based rank of quantile `q` among `count` samples: `ceil(q · count)`, at least 1. A product that misses a whole
 * number by rounding alone counts as that number: 0.07 · 100 is 7.000000000000001 in binary and means rank 7.
 */
export function nearestRank(q: number, count: number): number {
  const position = q * count;
  const whole = Math.round(position);
  const rank = Math.abs(position - whole) <= 4 * Number.EPSILON * position ? whole : Math.ceil(position);
  return Math.min(count, Math.max(1, rank));
}

/**
 * Quantile of values already in ascending order; O(1).
 *
 * @param sorted - one or more finite values, ascending: neither is checked
 * @param q - 0 … 1
 */
export function quantileSorted(sorted: ArrayLike<number>, q: number, method: QuantileMethod = "linear"): number {
  if (method === "nearest-rank") return at(sorted, nearestRank(q, sorted.length) - 1);
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const low = at(sorted, below);
  const high = at(sorted, Math.min(below + 1, sorted.length - 1));
  const share = position - below;
  const span = high - low;
  // Two finite values may lie further apart than the largest number.
  return Number.isFinite(span) ? Math.min(high, low + share * span) : low * (1 - share) + high * share;
}

/**
 * Quantile of values in any order; sorts a copy, O(n log n). For several quantiles sort once and use `quantileSorted`.
 *
 * @throws MettleError `STATS_TOO_FEW_SAMPLES` for none, `STATS_SAMPLE_INVALID`, `STATS_ARGUMENT_INVALID` for q outside 0 … 1
 */
export function quantile(values: ArrayLike<number>, q: number, method: QuantileMethod = "linear"): number {
  requireSamples(values, 1);
  requireFraction(q, "q");
  return quantileSorted(sortedCopy(values), q, method);
}

/** The middle value, or the mean of the two middle ones. Throws as `quantile` does. */
export function median(values: ArrayLike<number>): number {
  requireSamples(values, 1);
  return medianSorted(sortedCopy(values));
}

/** Median of values already in ascending order; unchecked. */
export function medianSorted(sorted: ArrayLike<number>): number {
  return quantileSorted(sorted, 0.5);
}

/**
 * Median distance to the median, in the unit of the values. Raw: multiply by `normalConsistency` to compare it with a
 * standard deviation. Throws as `quantile` does.
 */
export function medianAbsoluteDeviation(values: ArrayLike<number>, center: number = median(values)): number {
  requireSamples(values, 1);
  const distances = Float64Array.from(values, (value) => Math.abs(value - center)).sort();
  return medianSorted(distances);
}

function at(sorted: ArrayLike<number>, index: number): number {
  return sorted[index] ?? Number.NaN;
}
