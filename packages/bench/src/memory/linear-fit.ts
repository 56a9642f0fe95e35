/** A straight line through points, by ordinary least squares. */
export interface LinearFit {
  readonly slope: number;
  readonly intercept: number;
  /** Standard error of the slope under independent residuals. */
  readonly standardError: number;
  readonly degreesOfFreedom: number;
  /** In the order of the points given. */
  readonly residuals: readonly number[];
}

/**
 * Ordinary least squares. O(n).
 *
 * @returns undefined for fewer than three points or when all `x` are equal: no slope, or no error of it, exists
 */
export function fitLine(xs: readonly number[], ys: readonly number[]): LinearFit | undefined {
  const n = xs.length;
  if (n < 3 || ys.length !== n) return undefined;
  const meanX = mean(xs);
  const meanY = mean(ys);
  let sxx = 0;
  let sxy = 0;
  for (const [i, x] of xs.entries()) {
    sxx += (x - meanX) ** 2;
    sxy += (x - meanX) * ((ys[i] ?? Number.NaN) - meanY);
  }
  if (!(sxx > 0)) return undefined;
  const slope = sxy / sxx;
  const intercept = meanY - slope * meanX;
  const residuals = xs.map((x, i) => (ys[i] ?? Number.NaN) - intercept - slope * x);
  const squares = residuals.reduce((sum, residual) => sum + residual ** 2, 0);
  return {
    slope,
    intercept,
    standardError: Math.sqrt(squares / (n - 2) / sxx),
    degreesOfFreedom: n - 2,
    residuals,
  };
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Two-sided quantile of Student's t: `P(|T| <= result) = confidence`. By bisection of the distribution function.
 *
 * @param degreesOfFreedom - above 0, fractions allowed
 * @param confidence - above 0 and below 1
 */
export function studentT(degreesOfFreedom: number, confidence: number): number {
  // P(|T| > t) is the regularized incomplete beta I_x(nu/2, 1/2) at x = nu / (nu + t^2): Abramowitz & Stegun 26.7.1.
  const outside = (t: number): number =>
    regularizedBeta(degreesOfFreedom / (degreesOfFreedom + t * t), degreesOfFreedom / 2, 0.5);
  let low = 0;
  let high = 1;
  while (outside(high) > 1 - confidence && high < 1e15) high *= 2;
  for (let step = 0; step < 200 && high - low > 1e-13 * high; step++) {
    const middle = (low + high) / 2;
    if (outside(middle) > 1 - confidence) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** I_x(a, b) by its continued fraction (DLMF 8.17.22), evaluated by Lentz's method. */
function regularizedBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - regularizedBeta(1 - x, b, a);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
  const guard = (value: number): number => (Math.abs(value) < 1e-300 ? 1e-300 : value);
  let c = 1;
  let d = 1 / guard(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m < 500; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / guard(1 + even * d);
    c = guard(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / guard(1 + odd * d);
    c = guard(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return front * fraction;
}

/** ln Γ(z), z > 0: Stirling's series (DLMF 5.11.1) after shifting z to 10 or more; about 14 digits. */
function logGamma(z: number): number {
  let shift = 0;
  let at = z;
  for (; at < 10; at++) shift += Math.log(at);
  const square = at * at;
  const series = (1 / 12 - (1 / 360 - (1 / 1260 - 1 / 1680 / square) / square) / square) / at;
  return (at - 0.5) * Math.log(at) - at + 0.5 * Math.log(2 * Math.PI) + series - shift;
}
