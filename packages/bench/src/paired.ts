import { processTrim, median, signFlipTest, studentTQuantile, trimmedInterval } from "@mettle/stats";
import type { ComparisonOutcome, SelfCheck } from "@mettle/results";

/** Samples of two arms, and of the baseline's twin, that ran interleaved: index i of each is one block. */
export interface PairedDraw {
  readonly baseline: ArrayLike<number>;
  readonly candidate: ArrayLike<number>;
  readonly twin?: ArrayLike<number>;
}

/** Below this a time is mostly the error of subtracting the loop, and a ratio of two such times means nothing. */
export const tooFastNs = 0.3;

/**
 * The candidate's log ratio in one draw: the median over blocks of log(candidate) − log(baseline). Where the twin ran
 * too, the same against the twin, and the mean of both: identical code, twice the evidence.
 *
 * The mean is taken of the two medians, never of baseline and twin inside a block: times are skewed to the right, the
 * mean of two has a higher median than one alone, and identical code would come out faster (seen: −0.85 %, every time).
 *
 * @returns undefined when a sample is too near zero to have a ratio
 */
export function drawLogRatio({ baseline, candidate, twin }: PairedDraw): number | undefined {
  const direct = medianLogRatio(candidate, baseline);
  if (!twin || direct === undefined) return direct;
  const other = medianLogRatio(candidate, twin);
  return other === undefined ? undefined : (direct + other) / 2;
}

function medianLogRatio(upper: ArrayLike<number>, lower: ArrayLike<number>): number | undefined {
  const logs: number[] = [];
  for (let i = 0; i < lower.length; i++) {
    const [above, below] = [upper[i] as number, lower[i] as number];
    if (Number.isNaN(above + below)) continue; // a sample that missed its deadline has no time
    if (!(above > tooFastNs && below > tooFastNs)) return undefined;
    logs.push(Math.log(above / below));
  }
  return logs.length === 0 ? undefined : median(logs);
}

/**
 * One value for a process: the median over its draws. A draw is a fresh instance of the benchmark's module; which code
 * the compiler makes of it is a lottery (the same function was seen 20 % apart in one process), and the median of many
 * draws is what the lottery yields typically.
 */
export function processLogRatio(draws: readonly PairedDraw[]): number | undefined {
  const ratios = draws.map(drawLogRatio).filter((ratio) => ratio !== undefined);
  return ratios.length === 0 ? undefined : median(ratios);
}

/** A trimmed interval needs so many. */
export const leastPairs = 4;

export interface PairedResult {
  /** candidate / baseline. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  readonly pValue: number;
  readonly outcome: ComparisonOutcome;
}

/**
 * The comparison over processes, at one look.
 *
 * - worse or better: the interval excludes 1 and the ratio is beyond the margin;
 * - same: the whole interval lies within ± margin;
 * - undecided: anything else; more processes may tell.
 *
 * @param logRatios - one for each process, four or more
 * @param nominalAlpha - the error that this look may spend
 * @param lowerIsBetter - a time, as opposed to a rate
 */
export function decide(
  logRatios: readonly number[],
  nominalAlpha: number,
  margin: number,
  lowerIsBetter: boolean,
  random: () => number,
): PairedResult {
  const { estimate, low, high } = trimmedInterval(logRatios, processTrim, 1 - nominalAlpha);
  // The interval leaves out as many at each end; whole outliers would let the p value tell another story beside it.
  const clipped = 2 * Math.floor(processTrim * logRatios.length);
  const { pValue } = signFlipTest(logRatios, { random, clipped });
  const limit = Math.log1p(margin);
  let outcome: ComparisonOutcome = "undecided";
  if ((low > 0 || high < 0) && Math.abs(estimate) > limit)
    outcome = estimate > 0 === lowerIsBetter ? "worse" : "better";
  else if (low > -limit && high < limit) outcome = "same";
  return { ratio: Math.exp(estimate), low: Math.exp(low), high: Math.exp(high), pValue, outcome };
}

/** The share of runs that find the smallest effect named. */
const power = 0.95;

/**
 * What identical code showed, and the smallest effect that a run like this one finds in 95 % of runs.
 *
 * @param logRatios - of twin against baseline, one for each process
 */
export function selfCheckOf(logRatios: readonly number[], confidence: number, margin: number): SelfCheck | undefined {
  if (logRatios.length < leastPairs) return undefined;
  const { estimate, low, high, standardError, degreesOfFreedom } = trimmedInterval(logRatios, processTrim, confidence);
  // A comparison sets the candidate against the mean of baseline and twin: variance 3/2 where this one has 2.
  const error = standardError * Math.sqrt(3 / 4);
  const critical = studentTQuantile(1 - (1 - confidence) / 2, degreesOfFreedom);
  // The next run's standard error is an estimate too, and moves the bar that its own estimate must clear: noncentral t
  // by Johnson & Welch (1940), with t's quantile for the error of this run's own. With neither 86 % were found where 95 %
  // were promised, with the normal quantile 93 %.
  const spread = Math.sqrt(1 + critical ** 2 / (2 * degreesOfFreedom));
  const reserve = studentTQuantile(power, degreesOfFreedom);
  const detectable = Math.expm1(Math.max((critical + reserve * spread) * error, Math.log1p(margin) + reserve * error));
  return { ratio: Math.exp(estimate), low: Math.exp(low), high: Math.exp(high), detectable };
}
