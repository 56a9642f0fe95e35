import { studentTQuantile, studentTSurvival } from "./distributions.ts";
import { statsErrors } from "./errors.ts";
import { mean, requireOpenFraction, requireSamples, variance } from "./samples.ts";

/** An estimate with its interval by Student's t, in the unit of the samples. */
export interface TInterval {
  /** The mean, or the difference of two means. */
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
  readonly standardError: number;
  readonly degreesOfFreedom: number;
  /** `estimate / standardError`, infinite where the samples do not vary. */
  readonly t: number;
  /** Two-sided, of the hypothesis that the estimated quantity is 0. */
  readonly pValue: number;
}

/**
 * Student's t interval for a mean, with the test of its being 0.
 *
 * @param values - two or more; not modified
 * @param confidence - coverage as a fraction, such as `0.99`
 * @throws MettleError `STATS_TOO_FEW_SAMPLES`, `STATS_SAMPLE_INVALID`, `STATS_ARGUMENT_INVALID`
 */
export function tInterval(values: ArrayLike<number>, confidence: number): TInterval {
  requireSamples(values, 2);
  const center = mean(values);
  const standardError = Math.sqrt(variance(values, center) / values.length);
  return intervalAround(center, standardError, values.length - 1, confidence);
}

/**
 * t interval for the mean of `first[i] − second[i]`.
 *
 * @throws MettleError as `tInterval`, and `STATS_ARGUMENT_INVALID` for samples of two lengths
 */
export function pairedTInterval(first: ArrayLike<number>, second: ArrayLike<number>, confidence: number): TInterval {
  if (first.length !== second.length) {
    throw statsErrors.create(
      "STATS_ARGUMENT_INVALID",
      `Paired samples have two lengths: ${first.length} and ${second.length}.`,
      { details: { first: first.length, second: second.length } },
    );
  }
  requireSamples(first, 2, "first sample");
  requireSamples(second, 2, "second sample");
  return tInterval(
    Float64Array.from(first, (value, i) => value - (second[i] ?? Number.NaN)),
    confidence,
  );
}

/**
 * Welch's interval for the difference of means, `first − second`, of independent samples of any two variances.
 *
 * @throws MettleError as `tInterval`
 * @see Welch, Biometrika 34 (1947); degrees of freedom by Satterthwaite
 */
export function welchInterval(first: ArrayLike<number>, second: ArrayLike<number>, confidence: number): TInterval {
  requireSamples(first, 2, "first sample");
  requireSamples(second, 2, "second sample");
  const [meanFirst, meanSecond] = [mean(first), mean(second)];
  const ofFirst = variance(first, meanFirst) / first.length;
  const ofSecond = variance(second, meanSecond) / second.length;
  const both = ofFirst + ofSecond;
  // Shares first: their squares cannot underflow where the variances' would.
  const [shareFirst, shareSecond] = [ofFirst / both, ofSecond / both];
  const degrees =
    both > 0
      ? 1 / (shareFirst ** 2 / (first.length - 1) + shareSecond ** 2 / (second.length - 1))
      : first.length + second.length - 2;
  return intervalAround(meanFirst - meanSecond, Math.sqrt(both), degrees, confidence);
}

function intervalAround(
  estimate: number,
  standardError: number,
  degreesOfFreedom: number,
  confidence: number,
): TInterval {
  requireOpenFraction(confidence, "confidence");
  const reach = -studentTQuantile((1 - confidence) / 2, degreesOfFreedom) * standardError;
  const t = estimate === 0 ? 0 : estimate / standardError;
  const pValue = Math.min(1, 2 * studentTSurvival(Math.abs(t), degreesOfFreedom));
  return {
    estimate,
    low: estimate - reach,
    high: estimate + reach,
    confidence,
    standardError,
    degreesOfFreedom,
    t,
    pValue,
  };
}
