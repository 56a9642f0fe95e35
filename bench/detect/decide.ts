/** The two tests a careful user applies to two sets of samples. Our own runner takes no part in them. */
import type { Decision } from "./trial.ts";

/** A claim is made below this p: the nominal rate of false alarms. */
export const alpha = 0.01;
/** Differences up to this size do not count beyond the margin. */
export const margin = 0.01;

export interface TestResult {
  /** Candidate over base: of the means (Welch) or of the medians (rank). */
  readonly ratio: number;
  /** Two-sided. */
  readonly p: number;
}

export function decisionOf(test: Decision["test"], { ratio, p }: TestResult): Decision {
  const flagged = p < alpha;
  return { test, ratio, p, flagged, flaggedBeyondMargin: flagged && Math.abs(ratio - 1) > margin };
}

/** Lanczos approximation (g = 7, nine terms) for x > 0; relative error about 1e-15. */
function logGamma(x: number): number {
  const coefficients = [
    676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
    -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
  ];
  let sum = 0.9999999999998099;
  for (const [i, coefficient] of coefficients.entries()) sum += coefficient / (x + i);
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

/**
 * Regularised incomplete beta function by its continued fraction, evaluated by Lentz's method.
 * @see DLMF 8.17.22, https://dlmf.nist.gov/8.17.v
 */
function incompleteBeta(a: number, b: number, x: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(b, a, 1 - x);
  const tiny = 1e-300;
  const away = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m < 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    fraction *= c * d;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    fraction *= c * d;
    if (Math.abs(c * d - 1) < 1e-14) break;
    if (m === 9_999) throw new RangeError(`The incomplete beta function did not converge at ${a}, ${b}, ${x}.`);
  }
  const logFront = logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x);
  return (Math.exp(logFront) * fraction) / a;
}

/**
 * Complementary error function for x ≥ 0: the series for small x, the continued fraction for large.
 * @see DLMF 7.6.2 and 7.9.1, https://dlmf.nist.gov/7
 */
function complementaryError(x: number): number {
  const front = Math.exp(-x * x) / Math.sqrt(Math.PI);
  if (x < 2.5) {
    let sum = 0;
    for (let n = 0, term = x; term > sum * 1e-17 && term > 0; n++, term *= (2 * x * x) / (2 * n + 1)) sum += term;
    return 1 - 2 * front * sum;
  }
  let tail = x;
  for (let n = 80; n >= 1; n--) tail = x + n / 2 / tail;
  return front / tail;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function varianceOf(values: readonly number[], mean: number): number {
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
}

/** Median of values sorted ascending. */
function medianOfSorted(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * Welch's test of two means with unequal variances.
 *
 * @param base - two or more times
 * @param candidate - two or more times in the same unit
 * @see Welch, Biometrika 34 (1947): the generalization of Student's problem
 */
export function welch(base: readonly number[], candidate: readonly number[]): TestResult {
  requireTwo(base, candidate);
  const baseMean = meanOf(base);
  const candidateMean = meanOf(candidate);
  const baseError = varianceOf(base, baseMean) / base.length;
  const candidateError = varianceOf(candidate, candidateMean) / candidate.length;
  const error = baseError + candidateError;
  const ratio = candidateMean / baseMean;
  if (error === 0) return { ratio, p: baseMean === candidateMean ? 1 : 0 };
  const t2 = (candidateMean - baseMean) ** 2 / error;
  const degrees = error ** 2 / (baseError ** 2 / (base.length - 1) + candidateError ** 2 / (candidate.length - 1));
  return { ratio, p: incompleteBeta(degrees / 2, 0.5, degrees / (degrees + t2)) };
}

/**
 * Mann–Whitney's rank test, by the normal approximation with corrections for ties and continuity.
 *
 * @param base - two or more times
 * @param candidate - two or more times in the same unit
 * @see Mann & Whitney, Annals of Mathematical Statistics 18 (1947)
 */
export function mannWhitney(base: readonly number[], candidate: readonly number[]): TestResult {
  requireTwo(base, candidate);
  const a = base.toSorted((x, y) => x - y);
  const b = candidate.toSorted((x, y) => x - y);
  const n = a.length + b.length;
  let [i, j, rank, rankSum, ties] = [0, 0, 0, 0, 0];
  while (i < a.length || j < b.length) {
    const value = Math.min(a[i] ?? Number.POSITIVE_INFINITY, b[j] ?? Number.POSITIVE_INFINITY);
    const [i0, j0] = [i, j];
    while (i < a.length && a[i] === value) i++;
    while (j < b.length && b[j] === value) j++;
    const tied = i - i0 + (j - j0);
    rankSum += (j - j0) * (rank + (tied + 1) / 2);
    rank += tied;
    ties += tied ** 3 - tied;
  }
  const u = rankSum - (b.length * (b.length + 1)) / 2;
  const variance = ((a.length * b.length) / 12) * (n + 1 - ties / (n * (n - 1)));
  const ratio = medianOfSorted(b) / medianOfSorted(a);
  if (variance === 0) return { ratio, p: 1 };
  const z = Math.max(0, Math.abs(u - (a.length * b.length) / 2) - 0.5) / Math.sqrt(variance);
  return { ratio, p: complementaryError(z / Math.SQRT2) };
}

function requireTwo(base: readonly number[], candidate: readonly number[]): void {
  if (base.length < 2 || candidate.length < 2) {
    throw new RangeError(`A test needs two samples on each side, got ${base.length} and ${candidate.length}.`);
  }
}
