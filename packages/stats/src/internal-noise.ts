import { medianOf, robustDeviation } from "./internal-robust.ts";

/** Distance, in standard deviations, from which a point is an outlier and costs no more for lying farther away. */
export const clip = 3;

/** Differences below this are none: their ratios would overflow. Far below any measurement in any unit. */
const smallest = 1e-290;

export interface Noise {
  /** Robust standard deviation: 1.48 median absolute deviations. */
  readonly deviation: number;
  /** Standard deviation of the clipped residuals: that of their means, times √n. */
  readonly clippedDeviation: number;
  readonly correlation: number;
}

/**
 * Scale and lag-1 correlation of the noise from differences, which a few steps barely touch. For AR(1),
 * var(x[t+1] − x[t]) = 2σ²(1 − r) and var(x[t+2] − x[t]) = 2σ²(1 − r²), so their ratio less one is r. The squares are
 * clipped at three deviations against outliers.
 */
export function noiseFromDifferences(values: ArrayLike<number>): Omit<Noise, "clippedDeviation"> {
  const first = differences(values, 1);
  const second = differences(values, 2);
  const near = robustDeviation(first, 0);
  if (near < smallest) {
    // More than half of the differences are zero: coarse values. Their mean size still tells the scale, but the few
    // others are steps as likely as noise, so they tell no correlation.
    const size = meanSize(first);
    return { deviation: size < smallest ? 0 : size / Math.SQRT2, correlation: 0 };
  }
  const limit = clip * Math.max(near, robustDeviation(second, 0));
  const ratio = clippedSquare(second, limit) / clippedSquare(first, limit);
  const correlation = Math.min(0.95, Math.max(-0.95, ratio - 1));
  return { deviation: near / Math.sqrt(2 * (1 - Math.max(0, correlation))), correlation };
}

function differences(values: ArrayLike<number>, lag: number): Float64Array {
  const result = new Float64Array(values.length - lag);
  for (let i = 0; i < result.length; i++) result[i] = (values[i + lag] as number) - (values[i] as number);
  return result;
}

/** Mean absolute value, scaled to a normal's standard deviation. */
function meanSize(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += Math.abs(value);
  return (sum / values.length) * Math.sqrt(Math.PI / 2);
}

/** Mean square of the values clipped at `limit`, in units of it, so that it neither overflows nor vanishes. */
function clippedSquare(values: Float64Array, limit: number): number {
  let sum = 0;
  for (const value of values) sum += (Math.min(Math.abs(value), limit) / limit) ** 2;
  return sum / values.length;
}

/** Farther from the centre, in deviations, than any level that must be told from another; keeps squares exact enough. */
const farthest = 1e6;

/** `values` about their median in units of `deviation`, drawn in to ±1e6; all zero when `deviation` is zero. */
export function standardized(values: ArrayLike<number>, deviation: number): Float64Array {
  const scaled = new Float64Array(values.length);
  if (deviation === 0) return scaled;
  const centre = medianOf(values);
  for (let i = 0; i < scaled.length; i++) {
    const value = ((values[i] as number) - centre) / deviation;
    scaled[i] = Math.min(farthest, Math.max(-farthest, value));
  }
  return scaled;
}

export function longRunVariance(correlation: number): number {
  return (1 + correlation) / (1 - correlation);
}

/**
 * Lag-1 correlation of the residuals about the segments' medians, pairs across a change left out, clipped against
 * outliers. Each estimated level lowers it by about (1 + 3r)/n (Kendall 1954, Marriott & Pope 1954), which is undone.
 */
export function residualNoise(scaled: Float64Array, bounds: readonly number[]): Noise {
  const residuals = residualsOf(scaled, bounds);
  // Coarse values again: more than half of them may equal their median.
  const deviation = robustDeviation(residuals, 0) || meanSize(residuals);
  if (deviation < smallest) return { deviation: 0, clippedDeviation: 0, correlation: 0 };
  const limit = clip * deviation;
  let products = 0;
  let squares = 0;
  for (let s = 0; s + 1 < bounds.length; s++) {
    let previous = 0;
    for (let i = bounds[s] as number; i < (bounds[s + 1] as number); i++) {
      const residual = Math.min(limit, Math.max(-limit, residuals[i] as number)) / deviation;
      products += residual * previous;
      squares += residual * residual;
      previous = residual;
    }
  }
  const n = scaled.length;
  const levels = bounds.length - 1;
  const degrees = Math.max(1, n - levels);
  const raw = ((products / squares) * n) / degrees;
  const corrected = (raw * n + levels) / Math.max(n / 2, n - 3 * levels);
  return {
    deviation,
    clippedDeviation: deviation * Math.sqrt(squares / degrees),
    correlation: Math.min(0.95, Math.max(-0.95, corrected)),
  };
}

/** Mean of scaled values `from … to − 1`, those beyond `clip` deviations of their median drawn in to there. */
export function clippedMean(scaled: Float64Array, from: number, to: number, { deviation }: Noise): number {
  const level = medianOf(scaled, from, to);
  const limit = clip * deviation;
  let sum = 0;
  for (let i = from; i < to; i++) sum += Math.min(limit, Math.max(-limit, (scaled[i] as number) - level));
  return level + sum / (to - from);
}

function residualsOf(scaled: Float64Array, bounds: readonly number[]): Float64Array {
  const residuals = new Float64Array(scaled.length);
  for (let s = 0; s + 1 < bounds.length; s++) {
    const [from, to] = [bounds[s] as number, bounds[s + 1] as number];
    const level = medianOf(scaled, from, to);
    for (let i = from; i < to; i++) residuals[i] = (scaled[i] as number) - level;
  }
  return residuals;
}

/** One standard error above the estimate, never negative: a correlation believed too low would raise false alarms. */
export function cautiousCorrelation({ correlation }: Noise, n: number): number {
  return Math.min(0.95, Math.max(0, correlation + Math.sqrt((1 - correlation * correlation) / n)));
}
