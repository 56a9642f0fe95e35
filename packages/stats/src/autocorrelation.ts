import { requireArgument, requireSamples } from "./samples.ts";

/**
 * Autocorrelation at lags 0 … `maximumLag`, with the biased (1/n) covariance of Box & Jenkins, which keeps every value
 * in −1 … 1. O(n × lags).
 *
 * @param values - equally spaced, two or more; not modified
 * @param maximumLag - 0 … n − 1
 * @returns index = lag; the first is 1. A constant series has no correlation: NaN at every lag above 0
 * @throws MettleError `STATS_TOO_FEW_SAMPLES`, `STATS_SAMPLE_INVALID`, `STATS_ARGUMENT_INVALID`
 */
export function autocorrelation(values: ArrayLike<number>, maximumLag: number): Float64Array {
  requireSamples(values, 2, "Autocorrelation");
  const n = values.length;
  requireArgument(
    Number.isInteger(maximumLag) && maximumLag >= 0 && maximumLag < n,
    `maximumLag must be an integer from 0 to ${n - 1}, got ${maximumLag}.`,
  );
  let mean = 0;
  for (let i = 0; i < n; i++) mean += (values[i] as number) / n;
  const centred = Float64Array.from({ length: n }, (_, i) => (values[i] as number) - mean);
  const result = new Float64Array(maximumLag + 1).fill(Number.NaN);
  result[0] = 1;
  // Equal values may leave rounding residues about their mean, whose correlation would mean nothing.
  if (centred.every((_, i) => values[i] === values[0])) return result;
  const variance = lagSum(centred, 0);
  for (let lag = 1; lag <= maximumLag; lag++) result[lag] = lagSum(centred, lag) / variance;
  return result;
}

/** Hot: the inner loop of every lag. */
function lagSum(centred: Float64Array, lag: number): number {
  let sum = 0;
  for (let i = lag; i < centred.length; i++) sum += (centred[i] as number) * (centred[i - lag] as number);
  return sum;
}

/** Autocorrelation at lag 1: what the value before tells about the next. NaN for a constant series. */
export function lagOneAutocorrelation(values: ArrayLike<number>): number {
  return autocorrelation(values, 1)[1] as number;
}

/**
 * How many independent values would tell the mean as precisely as these n autocorrelated ones: n / (1 + 2 Σ ρ), summed
 * over lags by Geyer's initial positive sequence (Statistical Science 1992, §3.3): pairs of lags while their sum stays
 * positive, which stops before the noise of far lags.
 *
 * @returns 1 … n; n for a constant series. Negative correlation does not raise it above n
 * @throws MettleError `STATS_TOO_FEW_SAMPLES` for fewer than 4 values, `STATS_SAMPLE_INVALID`
 */
export function effectiveSampleSize(values: ArrayLike<number>): number {
  requireSamples(values, 4, "Effective sample size");
  const n = values.length;
  const rho = autocorrelation(values, Math.min(n - 1, Math.ceil(n / 2)));
  if (Number.isNaN(rho[1])) return n;
  let time = -1;
  for (let lag = 0; lag + 1 < rho.length; lag += 2) {
    const pair = (rho[lag] as number) + (rho[lag + 1] as number);
    if (pair <= 0) break;
    time += 2 * pair;
  }
  return time <= 1 ? n : Math.max(1, n / time);
}
