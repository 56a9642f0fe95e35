import { atRank, differences } from "./hodges-lehmann.ts";
import { medianSorted } from "./quantile.ts";

/**
 * The Mann–Whitney statistic of two sorted samples as a standard normal deviate, ties corrected; positive when
 * `after` lies higher; 0 when all values are equal. No continuity correction. O(m + n).
 */
export function rankShiftDeviate(before: Float64Array, after: Float64Array): number {
  const m = before.length;
  const n = after.length;
  const total = m + n;
  let i = 0;
  let j = 0;
  let rankSum = 0;
  let ties = 0;
  while (i < m || j < n) {
    const value = j >= n || (i < m && (before[i] as number) <= (after[j] as number)) ? before[i] : after[j];
    const firstI = i;
    const firstJ = j;
    while (i < m && before[i] === value) i++;
    while (j < n && after[j] === value) j++;
    const group = i - firstI + (j - firstJ);
    rankSum += (j - firstJ) * (firstI + firstJ + (group + 1) / 2);
    ties += group * (group * group - 1);
  }
  const expected = (n * (total + 1)) / 2;
  const variance = ((m * n) / 12) * (total + 1 - ties / (total * (total - 1)));
  return variance > 0 ? (rankSum - expected) / Math.sqrt(variance) : 0;
}

export interface RankShift {
  readonly shift: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Hodges–Lehmann shift of two sorted samples with its rank interval (Hollander & Wolfe, Nonparametric Statistical
 * Methods, §4.2–4.3, normal approximation). `critical` is the normal deviate of the confidence, already multiplied by
 * whatever the samples' autocorrelation adds to the standard error.
 */
export function hodgesLehmannShift(before: Float64Array, after: Float64Array, critical: number): RankShift {
  const pairs = before.length * after.length;
  const error = Math.sqrt((pairs * (before.length + after.length + 1)) / 12);
  const lowRank = Math.max(1, Math.floor(pairs / 2 - critical * error));
  const all = differences(after, before);
  const middle = [Math.ceil(pairs / 2), Math.floor(pairs / 2) + 1].map((k) => atRank(all, k));
  return {
    shift: medianSorted(middle.toSorted((a, b) => a - b)),
    low: atRank(all, lowRank),
    high: atRank(all, pairs + 1 - lowRank),
  };
}
