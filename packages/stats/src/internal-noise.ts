import { medianAbsoluteDeviation, medianOf } from "./internal-robust.ts";

/** Distance, in standard deviations, from which a point is an outlier and costs no more for lying farther away. */
export const clip = 3;

export interface Noise {
  /** Marginal standard deviation. */
  readonly deviation: number;
  readonly correlation: number;
}

/**
 * Scale and lag-1 correlation of the noise from differences, which a few steps barely touch. For AR(1),
 * var(x[t+1] − x[t]) = 2σ²(1 − r) and var(x[t+2] − x[t]) = 2σ²(1 − r²), so their ratio less one is r. The squares are
 * clipped at three deviations against outliers.
 */
export function noiseFromDifferences(values: ArrayLike<number>): Noise {
  const first = differences(values, 1);
  const second = differences(values, 2);
  let near = medianAbsoluteDeviation(first, 0);
  let far = medianAbsoluteDeviation(second, 0);
  // More than half of the differences are zero: coarse values. Their mean size still tells the scale.
  if (near === 0) near = meanSize(first);
  if (far === 0) far = meanSize(second);
  if (near === 0) return { deviation: 0, correlation: 0 };
  const limit = clip * Math.max(near, far);
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

function clippedSquare(values: Float64Array, limit: number): number {
  let sum = 0;
  for (const value of values) sum += Math.min(value * value, limit * limit);
  return sum / values.length;
}

/** `values` about their median in units of `deviation`; all zero when that is zero. */
export function standardized(values: ArrayLike<number>, deviation: number): Float64Array {
  const centre = medianOf(values);
  const scaled = new Float64Array(values.length);
  if (deviation === 0) return scaled;
  for (let i = 0; i < scaled.length; i++) scaled[i] = ((values[i] as number) - centre) / deviation;
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
  const deviation = medianAbsoluteDeviation(residuals, 0) || meanSize(residuals);
  if (deviation === 0) return { deviation, correlation: 0 };
  const limit = clip * deviation;
  let products = 0;
  let squares = 0;
  for (let s = 0; s + 1 < bounds.length; s++) {
    let previous = 0;
    for (let i = bounds[s] as number; i < (bounds[s + 1] as number); i++) {
      const residual = Math.min(limit, Math.max(-limit, residuals[i] as number));
      products += residual * previous;
      squares += residual * residual;
      previous = residual;
    }
  }
  const n = scaled.length;
  const levels = bounds.length - 1;
  const raw = ((products / squares) * n) / Math.max(1, n - levels);
  const corrected = (raw * n + levels) / Math.max(n / 2, n - 3 * levels);
  return { deviation, correlation: Math.min(0.95, Math.max(-0.95, corrected)) };
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
