import { noiseFromDifferences } from "./internal-noise.ts";
import { requireArgument, requireSamples } from "./samples.ts";

export interface PeltOptions {
  /**
   * `bic`: 2 ln n a change (its position and its level). `mbic`: 3 ln n a change and the logarithms of the segments'
   * shares of the series (Zhang & Siegmund, Biometrics 2007). A number: the cost of a change in units of the noise's
   * variance. @defaultValue "mbic"
   */
  readonly penalty?: "bic" | "mbic" | number;
  /** Fewest values in a segment. @defaultValue 2 */
  readonly minimumSegment?: number;
  /** Standard deviation of the noise. @defaultValue from the median absolute difference of neighbours */
  readonly deviation?: number;
}

/**
 * Changes in the mean of normal, independent noise: the segmentation with the least sum of squares plus penalty,
 * exactly, by pruned optimal partitioning (Killick, Fearnhead & Eckley, JASA 2012). Linear in n when changes keep
 * coming, up to quadratic when there are none. Kept for comparison: it takes outliers and autocorrelation for
 * changes, which `changePoints` does not.
 *
 * @param values - two segments' worth or more; not modified
 * @returns the first index of every segment but the first, ascending
 * @throws MettleError `STATS_TOO_FEW_SAMPLES`, `STATS_SAMPLE_INVALID`, `STATS_ARGUMENT_INVALID`
 */
export function pelt(values: ArrayLike<number>, options: PeltOptions = {}): number[] {
  const { penalty = "mbic", minimumSegment = 2 } = options;
  requireArgument(
    Number.isInteger(minimumSegment) && minimumSegment >= 1,
    `minimumSegment must be an integer of at least 1, got ${minimumSegment}.`,
  );
  requireArgument(typeof penalty === "string" || penalty >= 0, `penalty must be 0 or more, got ${penalty}.`);
  requireSamples(values, Math.max(4, 2 * minimumSegment), "PELT");
  const deviation = options.deviation ?? noiseFromDifferences(values).deviation;
  requireArgument(deviation >= 0 && Number.isFinite(deviation), `deviation must be 0 or more, got ${deviation}.`);
  if (deviation === 0) return [];
  const n = values.length;
  const perChange = typeof penalty === "number" ? penalty : (penalty === "bic" ? 2 : 3) * Math.log(n);
  return partition(prefixSums(values, deviation), { perChange, lengthTerm: penalty === "mbic", minimumSegment });
}

interface PrefixSums {
  readonly sum: Float64Array;
  readonly square: Float64Array;
}

/** About the first value, so that squares of a large common level do not swallow the noise. */
function prefixSums(values: ArrayLike<number>, deviation: number): PrefixSums {
  const n = values.length;
  const origin = values[0] as number;
  const sum = new Float64Array(n + 1);
  const square = new Float64Array(n + 1);
  for (let i = 0; i < n; i++) {
    const value = ((values[i] as number) - origin) / deviation;
    sum[i + 1] = (sum[i] as number) + value;
    square[i + 1] = (square[i] as number) + value * value;
  }
  return { sum, square };
}

interface Partitioning {
  readonly perChange: number;
  readonly lengthTerm: boolean;
  readonly minimumSegment: number;
}

/**
 * Hot. `best[t]` is the least cost of the first t values. A start s is dropped once best[s] + cost(s, t) exceeds
 * best[t]: any later segment from s could then be cut at t for less. That needs cost(s, t) + cost(t, u) ≤ cost(s, u)
 * up to a constant K (theorem 3.1 of the paper): 0 for squares; the MBIC length term needs K = −ln n, and dropping
 * must wait until the cut at t leaves room for a whole segment.
 */
function partition({ sum, square }: PrefixSums, { perChange, lengthTerm, minimumSegment }: Partitioning): number[] {
  const n = sum.length - 1;
  const slack = lengthTerm ? Math.log(n) : 0;
  const best = new Float64Array(n + 1).fill(Number.POSITIVE_INFINITY);
  best[0] = -perChange;
  const previous = new Int32Array(n + 1);
  let starts: number[] = [];
  const droppedAt = new Int32Array(n + 1);
  for (let t = minimumSegment; t <= n; t++) {
    const newest = t - minimumSegment;
    if (newest === 0 || newest >= minimumSegment) starts.push(newest);
    let least = Number.POSITIVE_INFINITY;
    const costs: number[] = [];
    for (const start of starts) {
      const length = t - start;
      const total = (sum[t] as number) - (sum[start] as number);
      let cost = (best[start] as number) + (square[t] as number) - (square[start] as number) - (total * total) / length;
      if (lengthTerm) cost += Math.log(length / n);
      costs.push(cost);
      if (cost + perChange < least) {
        least = cost + perChange;
        previous[t] = start;
      }
    }
    best[t] = least;
    // A cut at t serves only ends from t + minimumSegment on, so a start lives that long after it was beaten.
    starts = starts.filter((start, i) => {
      if (droppedAt[start] === 0 && (costs[i] as number) > least + slack) droppedAt[start] = t;
      return droppedAt[start] === 0 || t + 1 < (droppedAt[start] as number) + minimumSegment;
    });
  }
  const changes: number[] = [];
  for (let at = previous[n] as number; at > 0; at = previous[at] as number) changes.push(at);
  return changes.toReversed();
}
