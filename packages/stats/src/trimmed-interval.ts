import { studentTQuantile } from "./distributions.ts";
import { mean, requireFraction, requireOpenFraction, requireSamples, sortedCopy, variance } from "./samples.ts";

/** A trimmed mean with its interval, in the unit of the samples. */
export interface TrimmedInterval {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
  readonly standardError: number;
  readonly degreesOfFreedom: number;
}

/**
 * Share of the processes left out at either end when a comparison averages them. What measures and what judges must use
 * the same: an interval and its p-value belong together. A fifth is Wilcox's general advice; with eight processes a
 * quarter would leave four values and an interval half as wide again.
 */
export const processTrim = 0.2;

/**
 * Interval for the trimmed mean by Tukey and McLaughlin: the share `trim` of the samples is left out at either end, and
 * the error comes from the winsorized variance. With symmetric noise it estimates the same as the mean, and a few
 * samples that lie far out neither move it nor widen it.
 *
 * @param values - four or more; not modified
 * @param trim - share cut at either end, 0 … 0.4; rounded down to whole samples, so small samples are trimmed less
 * @throws MettleError `STATS_TOO_FEW_SAMPLES`, `STATS_SAMPLE_INVALID`, `STATS_ARGUMENT_INVALID`
 * @see Tukey & McLaughlin (1963), Sankhyā A 25; SciPy's `mstats.trimmed_mean_ci` computes the same where
 *   trim × n is whole, and elsewhere takes the share asked for instead of the share cut
 */
export function trimmedInterval(values: ArrayLike<number>, trim: number, confidence: number): TrimmedInterval {
  requireSamples(values, 4);
  requireFraction(trim / 0.4, "trim / 0.4");
  requireOpenFraction(confidence, "confidence");
  const sorted = sortedCopy(values);
  const n = sorted.length;
  const cut = Math.floor(trim * n);
  const kept = n - 2 * cut;
  const estimate = mean(sorted.subarray(cut, n - cut));
  const winsorized = sorted.slice();
  winsorized.fill(sorted[cut] as number, 0, cut);
  winsorized.fill(sorted[n - 1 - cut] as number, n - cut);
  const standardError = Math.sqrt(variance(winsorized) * n) / kept;
  const degreesOfFreedom = kept - 1;
  const reach = studentTQuantile(1 - (1 - confidence) / 2, degreesOfFreedom) * standardError;
  return { estimate, low: estimate - reach, high: estimate + reach, confidence, standardError, degreesOfFreedom };
}
