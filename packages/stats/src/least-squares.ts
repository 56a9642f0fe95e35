import { studentTCritical, studentTTwoSided } from "./distributions.ts";
import { requireArgument, requireConfidence } from "./samples.ts";
import { requirePairs } from "./theil-sen.ts";

export interface LinearTrendOptions {
  /** Coverage of the intervals. @defaultValue 0.95 */
  readonly confidence?: number;
  /**
   * Lags of the Newey–West covariance (Bartlett weights, times n / (n − 2)), for errors that are autocorrelated or of
   * uneven spread. The values must then be in order of time. `auto`: 4 (n / 100)^(2/9), rounded down (Newey & West
   * 1994). Absent: the classical covariance.
   */
  readonly neweyWestLags?: number | "auto";
}

/** A fitted line y = intercept + slope · x. */
export interface LinearTrend {
  readonly slope: number;
  readonly intercept: number;
  /** Interval of the slope, by Student's t with n − 2 degrees of freedom. */
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
  readonly standardError: number;
  /** Two-sided, of a slope of zero. */
  readonly pValue: number;
  /** Standard deviation of the values about the line. */
  readonly residualDeviation: number;
  /** Share of the variance that the line explains, 0 … 1; NaN when y is constant. */
  readonly rSquared: number;
  readonly count: number;
  readonly meanX: number;
  /** Σ (x − mean)²: with the above, all that a projection needs. */
  readonly sumOfSquaresX: number;
}

/**
 * Straight line by ordinary least squares. O(n × lags).
 *
 * @throws MettleError `STATS_TOO_FEW_SAMPLES` for fewer than 3 values, `STATS_SAMPLE_INVALID`,
 *   `STATS_ARGUMENT_INVALID` for different lengths, x all equal or lags out of range
 */
export function linearTrend(x: ArrayLike<number>, y: ArrayLike<number>, options: LinearTrendOptions = {}): LinearTrend {
  const { confidence = 0.95, neweyWestLags } = options;
  requireConfidence(confidence);
  requirePairs(x, y, 3, "Linear trend");
  const n = x.length;
  const meanX = meanOf(x);
  const meanY = meanOf(y);
  let xx = 0;
  let xy = 0;
  let yy = 0;
  for (let i = 0; i < n; i++) {
    const [dx, dy] = [(x[i] as number) - meanX, (y[i] as number) - meanY];
    xx += dx * dx;
    xy += dx * dy;
    yy += dy * dy;
  }
  const slope = xy / xx;
  const dx = Float64Array.from({ length: n }, (_, i) => (x[i] as number) - meanX);
  const residuals = Float64Array.from(dx, (distance, i) => (y[i] as number) - meanY - slope * distance);
  const squares = residuals.reduce((sum, residual) => sum + residual * residual, 0);
  const lags = neweyWestLags === "auto" ? Math.floor(4 * (n / 100) ** (2 / 9)) : neweyWestLags;
  const variance = lags === undefined ? squares / (n - 2) / xx : neweyWestVariance(dx, residuals, xx, lags);
  const standardError = Math.sqrt(variance);
  const half = studentTCritical(confidence, n - 2) * standardError;
  return {
    slope,
    intercept: meanY - slope * meanX,
    low: slope - half,
    high: slope + half,
    confidence,
    standardError,
    pValue: pValueOf(slope, standardError, n - 2),
    residualDeviation: Math.sqrt(squares / (n - 2)),
    rSquared: yy > 0 ? 1 - squares / yy : Number.NaN,
    count: n,
    meanX,
    sumOfSquaresX: xx,
  };
}

function pValueOf(slope: number, standardError: number, degrees: number): number {
  if (standardError > 0) return studentTTwoSided(slope / standardError, degrees);
  return slope === 0 ? 1 : 0;
}

function meanOf(values: ArrayLike<number>): number {
  // Two passes: the second takes out the rounding of the first, which a large common level would make felt.
  const n = values.length;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += values[i] as number;
  const rough = sum / n;
  let rest = 0;
  for (let i = 0; i < n; i++) rest += (values[i] as number) - rough;
  return rough + rest / n;
}

/**
 * Variance of the slope by Newey & West (Econometrica 1987). With x centred and an intercept in the model, the slope's
 * element of the sandwich is that of the moments dx·e alone.
 */
function neweyWestVariance(dx: Float64Array, residuals: Float64Array, xx: number, lags: number): number {
  const n = dx.length;
  requireArgument(
    Number.isInteger(lags) && lags >= 0 && lags < n,
    `neweyWestLags must be an integer from 0 to ${n - 1}, got ${lags}.`,
  );
  const moments = dx.map((distance, i) => distance * (residuals[i] as number));
  let sum = 0;
  for (let lag = 0; lag <= lags; lag++) {
    let product = 0;
    for (let i = lag; i < n; i++) product += (moments[i] as number) * (moments[i - lag] as number);
    sum += (lag === 0 ? 1 : 2 * (1 - lag / (lags + 1))) * product;
  }
  return ((sum / xx) * (n / (n - 2))) / xx;
}

export interface Projection {
  readonly value: number;
  /** Interval in which one further value at x is expected. Wider the farther x lies from the data. */
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
}

/**
 * What a fitted line expects at `x`, with the prediction interval of one new value
 * (s · √(1 + 1/n + (x − mean)² / Σ(x − mean)²)). The residuals must be independent; what the line cannot know, such as
 * a bend beyond the data, is not in the interval.
 *
 * @throws MettleError `STATS_ARGUMENT_INVALID` unless x is finite
 */
export function projection(trend: LinearTrend, x: number, confidence: number = trend.confidence): Projection {
  requireConfidence(confidence);
  requireArgument(Number.isFinite(x), `A projection needs a finite x, got ${x}.`);
  const distance = x - trend.meanX;
  const error = trend.residualDeviation * Math.sqrt(1 + 1 / trend.count + (distance * distance) / trend.sumOfSquaresX);
  const half = studentTCritical(confidence, trend.count - 2) * error;
  const value = trend.intercept + trend.slope * x;
  return { value, low: value - half, high: value + half, confidence };
}
