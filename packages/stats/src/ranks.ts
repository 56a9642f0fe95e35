/** Ranks and the exact distributions of the rank statistics. */

/** 1-based ranks in the order given; equal values share the mean of their ranks. */
export interface Ranking {
  readonly ranks: Float64Array;
  /** Σ (t³ − t) over groups of t equal values; 0 without ties. */
  readonly tieSum: number;
}

export function rank(values: ArrayLike<number>): Ranking {
  const order = Uint32Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const ranks = new Float64Array(values.length);
  let tieSum = 0;
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to += 1;
    for (let i = from; i < to; i++) ranks[order[i]!] = (from + 1 + to) / 2;
    const tied = to - from;
    tieSum += tied ** 3 - tied;
    from = to;
  }
  return { ranks, tieSum };
}

/**
 * P(U = u), u = 0 … m·n, of Mann and Whitney's U without ties: the coefficients of a Gaussian binomial, built factor by
 * factor as ∏ (1 − x^(n+j)) / (1 − x^j), each scaled so that the whole stays a distribution. O(m² n).
 */
export function mannWhitneyDistribution(m: number, n: number): Float64Array {
  const size = m * n;
  const half = Math.floor(size / 2);
  const probabilities = new Float64Array(size + 1);
  probabilities[0] = 1;
  for (let j = 1; j <= m; j++) {
    const upper = n + j;
    for (let u = half; u >= upper; u--) probabilities[u]! -= probabilities[u - upper]!;
    for (let u = j; u <= half; u++) probabilities[u]! += probabilities[u - j]!;
    for (let u = 0; u <= half; u++) probabilities[u]! *= j / upper;
  }
  for (let u = 0; u <= half; u++) probabilities[size - u] = probabilities[u]!;
  return probabilities;
}

/** P(V = v), v = 0 … n(n+1)/2, of Wilcoxon's signed rank sum without ties. O(n³). */
export function signedRankDistribution(n: number): Float64Array {
  const size = (n * (n + 1)) / 2;
  const probabilities = new Float64Array(size + 1);
  probabilities[0] = 1;
  for (let j = 1; j <= n; j++) {
    for (let v = size; v >= 0; v--) {
      probabilities[v] = 0.5 * (probabilities[v]! + (v >= j ? probabilities[v - j]! : 0));
    }
  }
  return probabilities;
}

/** Two-sided p of a statistic with a symmetric distribution on 0 … length − 1. */
export function twoSided(probabilities: Float64Array, statistic: number): number {
  const distance = Math.min(statistic, probabilities.length - 1 - statistic);
  let tail = 0;
  for (let value = 0; value <= distance; value++) tail += probabilities[value]!;
  return Math.min(1, 2 * tail);
}

/** The least value with P(at or below) ≥ p, at least 1, and P(below it): what rank intervals are cut at. */
export function cutOf(probabilities: Float64Array, p: number): { readonly cut: number; readonly below: number } {
  let below = probabilities[0]!;
  let cut = 1;
  while (cut < probabilities.length - 1 && below + probabilities[cut]! < p) {
    below += probabilities[cut]!;
    cut += 1;
  }
  return { cut, below };
}
