import { medianOfSorted } from "./internal-robust.ts";

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

/** How many of the differences after − before are at most `limit`. Both sorted. O(m + n). */
function countDifferencesUpTo(before: Float64Array, after: Float64Array, limit: number): number {
  let count = 0;
  let j = 0;
  for (const value of before) {
    while (j < after.length && (after[j] as number) - value <= limit) j++;
    count += j;
  }
  return count;
}

/**
 * The `k`-th smallest (from 1) of the m·n differences after − before, exactly, without forming them all: bisection on
 * the value, then the least difference not below it. O((m + n) · 64).
 */
export function differenceOfOrder(before: Float64Array, after: Float64Array, k: number): number {
  let low = (after[0] as number) - (before.at(-1) as number);
  let high = (after.at(-1) as number) - (before[0] as number);
  if (countDifferencesUpTo(before, after, low) >= k) return low;
  // Invariant: count(low) < k <= count(high).
  for (let step = 0; step < 100; step++) {
    const middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    if (countDifferencesUpTo(before, after, middle) >= k) high = middle;
    else low = middle;
  }
  let least = Number.POSITIVE_INFINITY;
  let j = 0;
  for (const value of before) {
    while (j < after.length && (after[j] as number) - value <= low) j++;
    if (j < after.length) least = Math.min(least, (after[j] as number) - value);
  }
  return least;
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
  const middle = [Math.ceil(pairs / 2), Math.floor(pairs / 2) + 1].map((k) => differenceOfOrder(before, after, k));
  return {
    shift: medianOfSorted(middle.toSorted((a, b) => a - b)),
    low: differenceOfOrder(before, after, lowRank),
    high: differenceOfOrder(before, after, pairs + 1 - lowRank),
  };
}
