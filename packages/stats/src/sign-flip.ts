import { mean, requireInteger, requireSamples } from "./samples.ts";

export interface SignFlipOptions {
  /** Uniform in [0, 1); used only above `maxExact` values. */
  readonly random: () => number;
  /** Up to this many values all 2^n sign patterns are tried, 0 … 26. @defaultValue 20 (about 2 ms) */
  readonly maxExact?: number;
  /** Random patterns above `maxExact`. @defaultValue 9999 */
  readonly resamples?: number;
  /**
   * So many of the values largest in size are brought down to the size of the next, 0 … n − 1. Signs do not enter into it,
   * so the test stays exact, and a few outliers no longer decide it. @defaultValue 0
   */
  readonly clipped?: number;
}

export interface SignFlipResult {
  /** Mean of the values, clipped ones as they were counted. */
  readonly statistic: number;
  /** Two-sided: the share of sign patterns whose mean is at least as far from 0. Never 0. */
  readonly pValue: number;
  readonly method: "exact" | "monte-carlo";
}

/**
 * Whether values symmetric around their centre are centred on 0: the values keep their sizes, the signs are flipped in
 * every way. Assumes nothing about the shape. The least p it can give is 2^(1 − n), so under 8 values it cannot reach 1 %.
 *
 * @param values - such as the log ratio of each pair; one or more, not modified
 * @throws MettleError `STATS_TOO_FEW_SAMPLES`, `STATS_SAMPLE_INVALID`, `STATS_ARGUMENT_INVALID`
 * @see Fisher, The Design of Experiments (1935), section 21; Phipson & Smyth (2010) for the + 1 of the Monte Carlo p
 */
export function signFlipTest(values: ArrayLike<number>, options: SignFlipOptions): SignFlipResult {
  const { random, maxExact = 20, resamples = 9999, clipped = 0 } = options;
  requireSamples(values, 1);
  requireInteger(clipped, "clipped", 0, values.length - 1);
  requireInteger(maxExact, "maxExact", 0, 26);
  requireInteger(resamples, "resamples", 99, 10_000_000);
  const largest = Float64Array.from(values, Math.abs).sort()[values.length - 1 - clipped] ?? Number.NaN;
  const kept = Float64Array.from(values, (value) => Math.sign(value) * Math.min(Math.abs(value), largest));
  const sizes = kept.map(Math.abs);
  let observed = 0;
  let reach = 0;
  for (let i = 0; i < sizes.length; i++) {
    observed += kept[i] ?? Number.NaN;
    reach += sizes[i] ?? Number.NaN;
  }
  // Patterns equal but for the order of additions must count as equal.
  const threshold = Math.abs(observed) - 1e-12 * reach;
  const exact = sizes.length <= maxExact;
  const pValue = exact
    ? exactShare(sizes, threshold)
    : (randomHits(sizes, threshold, resamples, random) + 1) / (resamples + 1);
  return { statistic: mean(kept), pValue, method: exact ? "exact" : "monte-carlo" };
}

/** Share of all sign patterns that reach the threshold. The first sign stays: its other half is the mirror image. */
function exactShare(sizes: Float64Array, threshold: number): number {
  const free = sizes.length - 1;
  const signs = new Float64Array(sizes.length).fill(1);
  let sum = sizes.reduce((total, size) => total + size, 0);
  let hits = Math.abs(sum) >= threshold ? 1 : 0;
  const patterns = 2 ** free;
  // Gray code: each pattern differs from the one before in a single sign, the one of the lowest set bit of its number.
  for (let pattern = 1; pattern < patterns; pattern++) {
    const flipped = 32 - Math.clz32(pattern & -pattern);
    const sign = -signs[flipped]!;
    signs[flipped] = sign;
    sum += 2 * sign * sizes[flipped]!;
    if (Math.abs(sum) >= threshold) hits += 1;
  }
  return hits / patterns;
}

function randomHits(sizes: Float64Array, threshold: number, resamples: number, random: () => number): number {
  let hits = 0;
  for (let pattern = 0; pattern < resamples; pattern++) {
    let sum = 0;
    for (let i = 0; i < sizes.length; i++) sum += random() < 0.5 ? sizes[i]! : -sizes[i]!;
    if (Math.abs(sum) >= threshold) hits += 1;
  }
  return hits;
}
