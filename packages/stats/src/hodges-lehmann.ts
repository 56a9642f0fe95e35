import { normalQuantile } from "./distributions.ts";
import { exactRankLimit } from "./rank-tests.ts";
import { cutOf, mannWhitneyDistribution, signedRankDistribution } from "./ranks.ts";
import { requireOpenFraction, requireSamples, sortedCopy } from "./samples.ts";

/** A robust centre or shift with its rank interval, in the unit of the samples. */
export interface HodgesLehmannInterval {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  /** As asked for. */
  readonly confidence: number;
  /** What the interval really covers: ranks move in steps. Below `confidence` where there are too few samples for it. */
  readonly achievedConfidence: number;
  readonly method: "exact" | "normal";
}

/**
 * Centre of values: the median of all their pairwise means, with the interval that inverts Wilcoxon's signed rank test.
 * Memory O(n), time about 60 passes over the samples, although there are n² / 2 means.
 *
 * @throws MettleError `STATS_TOO_FEW_SAMPLES` for fewer than two, `STATS_SAMPLE_INVALID`, `STATS_ARGUMENT_INVALID`
 * @see Hodges & Lehmann, Annals of Mathematical Statistics 34 (1963); Hollander, Wolfe & Chicken (2014), section 3.3
 */
export function hodgesLehmann(values: ArrayLike<number>, confidence: number): HodgesLehmannInterval {
  requireSamples(values, 2);
  requireOpenFraction(confidence, "confidence");
  const n = values.length;
  const exact = n <= exactRankLimit ? signedRankDistribution(n) : undefined;
  const spread = Math.sqrt((n * (n + 1) * (2 * n + 1)) / 24);
  return intervalOf(pairwiseMeans(sortedCopy(values)), confidence, exact, spread);
}

/**
 * Shift between two independent samples: the median of all differences `first − second`, with the interval that inverts
 * the Mann–Whitney test. Cost as `hodgesLehmann`.
 *
 * @throws MettleError `STATS_TOO_FEW_SAMPLES` for an empty sample, `STATS_SAMPLE_INVALID`, `STATS_ARGUMENT_INVALID`
 */
export function hodgesLehmannShift(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  confidence: number,
): HodgesLehmannInterval {
  requireSamples(first, 1, "first sample");
  requireSamples(second, 1, "second sample");
  requireOpenFraction(confidence, "confidence");
  const [m, n] = [first.length, second.length];
  const exact = m <= exactRankLimit && n <= exactRankLimit ? mannWhitneyDistribution(m, n) : undefined;
  const spread = Math.sqrt((m * n * (m + n + 1)) / 12);
  return intervalOf(differences(sortedCopy(first), sortedCopy(second)), confidence, exact, spread);
}

/** Values made of pairs, far too many to list, but countable in one pass because both sides are sorted. */
export interface PairValues {
  readonly total: number;
  readonly smallest: number;
  readonly largest: number;
  /** Around x: how many values are ≤ x, the greatest of those, and the least of the others. */
  around(x: number): { readonly atOrBelow: number; readonly below: number; readonly above: number };
}

function pairwiseMeans(sorted: Float64Array): PairValues {
  const n = sorted.length;
  const valueAt = (i: number, j: number): number => sorted[i]! / 2 + sorted[j]! / 2;
  return {
    total: (n * (n + 1)) / 2,
    smallest: sorted[0]!,
    largest: sorted[n - 1]!,
    around(x) {
      let [atOrBelow, below, above] = [0, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
      let last = n - 1;
      for (let i = 0; i < n; i++) {
        while (last >= i && valueAt(i, last) > x) last -= 1;
        if (last >= i) {
          atOrBelow += last - i + 1;
          below = Math.max(below, valueAt(i, last));
        }
        const next = Math.max(i, last + 1);
        if (next < n) above = Math.min(above, valueAt(i, next));
      }
      return { atOrBelow, below, above };
    },
  };
}

/** All differences `first − second` of two ascending samples. */
export function differences(first: Float64Array, second: Float64Array): PairValues {
  const [m, n] = [first.length, second.length];
  return {
    total: m * n,
    smallest: first[0]! - second[n - 1]!,
    largest: first[m - 1]! - second[0]!,
    around(x) {
      let [atOrBelow, below, above] = [0, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
      let from = 0;
      for (let i = 0; i < m; i++) {
        while (from < n && first[i]! - second[from]! > x) from += 1;
        if (from < n) {
          atOrBelow += n - from;
          below = Math.max(below, first[i]! - second[from]!);
        }
        if (from > 0) above = Math.min(above, first[i]! - second[from - 1]!);
      }
      return { atOrBelow, below, above };
    },
  };
}

/** The value at 1-based rank k: halves the range, each time snapping its ends to values that exist. */
export function atRank(pairs: PairValues, k: number): number {
  let low = pairs.smallest;
  let high = pairs.largest;
  if (pairs.around(low).atOrBelow >= k) return low;
  // From here: fewer than k values are ≤ low, at least k are ≤ high, and high is one of the values.
  for (;;) {
    const middle = low / 2 + high / 2;
    const probe = middle > low && middle < high ? middle : low;
    const { atOrBelow, below, above } = pairs.around(probe);
    if (atOrBelow >= k) {
      high = below;
    } else if (above >= high) {
      return high;
    } else if (probe > low) {
      low = probe;
    } else {
      // Only among the least numbers there are, where halving rounds and finds no middle: on to the next value.
      if (pairs.around(above).atOrBelow >= k) return above;
      low = above;
    }
  }
}

function intervalOf(
  pairs: PairValues,
  confidence: number,
  exact: Float64Array | undefined,
  spread: number,
): HodgesLehmannInterval {
  const tail = (1 - confidence) / 2;
  const { total } = pairs;
  // The normal cut is the exact one's limit: the least rank sum with a probability of at least `tail` at or below it.
  const normalCut = Math.ceil(total / 2 + normalQuantile(tail) * spread - 0.5);
  const { cut, below } = exact ? cutOf(exact, tail) : { cut: Math.max(1, normalCut), below: tail };
  const upperMiddle = atRank(pairs, Math.floor(total / 2) + 1);
  const estimate = total % 2 === 1 ? upperMiddle : atRank(pairs, total / 2) / 2 + upperMiddle / 2;
  return {
    estimate,
    low: atRank(pairs, cut),
    high: atRank(pairs, total - cut + 1),
    confidence,
    achievedConfidence: 1 - 2 * below,
    method: exact ? "exact" : "normal",
  };
}
