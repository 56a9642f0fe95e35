import { requireSamples, sortedCopy } from "./samples.ts";

/** Up to this many pairs p is exact: a tenth of a second at most. */
const EXACT_PAIRS = 4_000_000;

export interface KolmogorovSmirnovResult {
  /** The greatest distance between the two empirical distributions, 0 … 1. */
  readonly distance: number;
  readonly pValue: number;
  readonly method: "exact" | "asymptotic";
}

/**
 * Whether two independent samples come from one distribution, whatever the difference may be. Two-sided. Exact, ties
 * included, up to 4 million pairs; beyond, by Kolmogorov's limit.
 *
 * @throws MettleError `STATS_TOO_FEW_SAMPLES` for an empty sample, `STATS_SAMPLE_INVALID`
 * @see Hodges, Arkiv för Matematik 3 (1958), for counting paths; Schröer & Trenkler (1995), for ties
 */
export function kolmogorovSmirnovTest(first: ArrayLike<number>, second: ArrayLike<number>): KolmogorovSmirnovResult {
  requireSamples(first, 1, "first sample");
  requireSamples(second, 1, "second sample");
  const [m, n] = [first.length, second.length];
  const { furthest, lastOfTie } = walk(sortedCopy(first), sortedCopy(second));
  const distance = furthest / (m * n);
  if (m * n <= EXACT_PAIRS) return { distance, pValue: pathShare(m, n, furthest, lastOfTie), method: "exact" };
  return { distance, pValue: kolmogorovSurvival(distance * Math.sqrt((m * n) / (m + n))), method: "asymptotic" };
}

/** The distance in whole numbers, |i·n − j·m|, and after how many pooled values a run of equal ones ends. */
function walk(first: Float64Array, second: Float64Array): { furthest: number; lastOfTie: Uint8Array } {
  const [m, n] = [first.length, second.length];
  const lastOfTie = new Uint8Array(m + n + 1);
  let [i, j, furthest] = [0, 0, 0];
  while (i < m || j < n) {
    const value = Math.min(i < m ? first[i]! : Number.POSITIVE_INFINITY, j < n ? second[j]! : Number.POSITIVE_INFINITY);
    while (i < m && first[i]! === value) i += 1;
    while (j < n && second[j]! === value) j += 1;
    lastOfTie[i + j] = 1;
    furthest = Math.max(furthest, Math.abs(i * n - j * m));
  }
  return { furthest, lastOfTie };
}

/**
 * Share of the orders of the pooled values, all equally likely, in which the distance reaches `furthest`. Order and
 * distance are a path from (0, 0) to (m, n); `reached[j]` is the share of the paths to (i, j) that got that far. Only
 * additions of positive terms, so tiny p values keep their digits.
 */
function pathShare(m: number, n: number, furthest: number, lastOfTie: Uint8Array): number {
  const reached = new Float64Array(n + 1);
  const far = (i: number, j: number): boolean => lastOfTie[i + j] === 1 && Math.abs(i * n - j * m) >= furthest;
  for (let i = 0; i <= m; i++) {
    for (let j = 0; j <= n; j++) {
      if (far(i, j)) reached[j] = 1;
      else if (i + j > 0) {
        const fromFirst = i > 0 ? i * reached[j]! : 0;
        const fromSecond = j > 0 ? j * reached[j - 1]! : 0;
        reached[j] = (fromFirst + fromSecond) / (i + j);
      }
    }
  }
  return Math.min(1, reached[n]!);
}

/** P(K > x) of Kolmogorov's limit distribution; for small x by the equivalent theta series, which converges there. */
export function kolmogorovSurvival(x: number): number {
  if (!(x > 0)) return 1;
  if (x < 1) {
    const step = (-Math.PI * Math.PI) / (8 * x * x);
    let sum = 0;
    for (let k = 1; k <= 15; k += 2) sum += Math.exp(k * k * step);
    return 1 - (Math.sqrt(2 * Math.PI) / x) * sum;
  }
  let sum = 0;
  for (let k = 1; k <= 12; k++) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * x * x);
  return sum;
}
