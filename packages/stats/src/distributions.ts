import { argumentInvalid, requireFraction } from "./samples.ts";
import { complementaryErrorFunction, incompleteBeta, incompleteGamma, logBeta } from "./special-functions.ts";

const SQRT_HALF = Math.SQRT1_2;
const SQRT_TAU = Math.sqrt(2 * Math.PI);

/** Density of the standard normal distribution. */
export function normalDensity(x: number): number {
  return Math.exp(-0.5 * x * x) / SQRT_TAU;
}

/** P(Z ≤ x) of the standard normal distribution; relative error about 1e-15, far tails included. */
export function normalCdf(x: number): number {
  return 0.5 * complementaryErrorFunction(-x * SQRT_HALF);
}

/** P(Z > x), precise where 1 − `normalCdf(x)` would be 0. */
export function normalSurvival(x: number): number {
  return 0.5 * complementaryErrorFunction(x * SQRT_HALF);
}

/** Two-sided p-value of a standard normal statistic. */
export function normalTwoSided(z: number): number {
  return 2 * normalSurvival(Math.abs(z));
}

// Coefficients of M. J. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied
// Statistics 37 (1988), routine PPND16, from the constant up.
const centreTop = [
  3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987, 67265.7709270087,
  33430.57558358813, 2509.0809287301227,
];
const centreBottom = [
  1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271, 28729.085735721943,
  5226.495278852854,
];
const middleTop = [
  1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684, 0.2417807251774506,
  0.022723844989269184, 0.0007745450142783414,
];
const middleBottom = [
  1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
  0.0005475938084995345, 1.0507500716444169e-9,
];
const tailTop = [
  6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
  0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7,
];
const tailBottom = [
  1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133, 1.8463183175100548e-5,
  1.421511758316446e-7, 2.0442631033899397e-15,
];

const polynomial = (x: number, coefficients: readonly number[]): number =>
  coefficients.reduceRight((value, coefficient) => value * x + coefficient, 0);

/**
 * The x with P(Z ≤ x) = p of the standard normal distribution; relative error about 1e-15.
 *
 * @param p - 0 … 1, whose ends give −∞ and ∞
 * @throws MettleError `STATS_ARGUMENT_INVALID` for p outside 0 … 1
 */
export function normalQuantile(p: number): number {
  requireFraction(p, "p");
  const distance = p - 0.5;
  if (Math.abs(distance) <= 0.425) {
    const square = 0.180625 - distance * distance;
    return (distance * polynomial(square, centreTop)) / polynomial(square, centreBottom);
  }
  const tail = distance < 0 ? p : 1 - p;
  if (tail === 0) return distance < 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const root = Math.sqrt(-Math.log(tail));
  const size =
    root <= 5
      ? polynomial(root - 1.6, middleTop) / polynomial(root - 1.6, middleBottom)
      : polynomial(root - 5, tailTop) / polynomial(root - 5, tailBottom);
  return distance < 0 ? -size : size;
}

/** From here on Student's distribution differs from the normal one by less than 1e-11. */
const NORMAL_FROM_DEGREES = 1e11;

/**
 * P(T > t) of Student's t distribution; relative error about 1e-13, far tails included.
 *
 * @param degrees - degrees of freedom, above 0, fractions allowed, ∞ for the normal distribution
 * @throws MettleError `STATS_ARGUMENT_INVALID` for degrees not above 0
 */
export function studentTSurvival(t: number, degrees: number): number {
  requireDegrees(degrees);
  if (degrees >= NORMAL_FROM_DEGREES) return normalSurvival(t);
  if (!Number.isFinite(t)) return t > 0 ? 0 : t < 0 ? 1 : Number.NaN;
  // Ratios arranged so that t² cannot overflow.
  const ratio = (t / degrees) * t;
  const inside = Number.isFinite(ratio) ? 1 / (1 + ratio) : degrees / t / t;
  const outside = Number.isFinite(ratio) ? ratio / (1 + ratio) : 1;
  const tail = 0.5 * incompleteBeta(inside, outside === 0 ? Number.MIN_VALUE : outside, degrees / 2, 0.5);
  if (t === 0) return 0.5;
  return t > 0 ? tail : 1 - tail;
}

/** P(T ≤ t) of Student's t distribution. Throws as `studentTSurvival` does. */
export function studentTCdf(t: number, degrees: number): number {
  return studentTSurvival(-t, degrees);
}

/**
 * The t with P(T ≤ t) = p of Student's t distribution; relative error about 1e-12.
 *
 * @param p - 0 … 1, whose ends give −∞ and ∞. For a far upper tail ask for `-studentTQuantile(tail, …)`
 * @throws MettleError `STATS_ARGUMENT_INVALID` for p outside 0 … 1 or degrees not above 0
 */
export function studentTQuantile(p: number, degrees: number): number {
  requireFraction(p, "p");
  requireDegrees(degrees);
  if (p === 0.5) return 0;
  if (p > 0.5) return -studentTQuantile(1 - p, degrees);
  if (p === 0 || degrees >= NORMAL_FROM_DEGREES) return normalQuantile(p);
  // Newton from the left on the survival function, which is convex there: every step stays on the left of the root.
  // The normal quantile is on the left, since Student's tails are heavier.
  const logScale = -0.5 * Math.log(degrees) - logBeta(degrees / 2, 0.5);
  let t = -normalQuantile(p);
  for (let step = 0; step < 1000; step++) {
    const logDensity = logScale - ((degrees + 1) / 2) * Math.log1p((t / degrees) * t);
    const move = (studentTSurvival(t, degrees) - p) / Math.exp(logDensity);
    t += move;
    if (!(move > t * 1e-15)) break;
  }
  return -t;
}

/** Two-sided p-value of a t statistic. Throws as `studentTSurvival` does. */
export function studentTTwoSided(t: number, degrees: number): number {
  return 2 * studentTSurvival(Math.abs(t), degrees);
}

/**
 * The t with P(|T| ≤ t) = `confidence`: half the width of an interval in standard errors.
 *
 * @throws MettleError `STATS_ARGUMENT_INVALID` for a confidence outside 0 … 1 or degrees not above 0
 */
export function studentTCritical(confidence: number, degrees: number): number {
  return -studentTQuantile((1 - confidence) / 2, degrees);
}

/**
 * P(X ≤ x) of the chi-squared distribution.
 *
 * @throws MettleError `STATS_ARGUMENT_INVALID` for degrees not above 0
 */
export function chiSquaredCdf(x: number, degrees: number): number {
  requireFiniteDegrees(degrees);
  return incompleteGamma(degrees / 2, x / 2).lower;
}

/** P(X > x) of the chi-squared distribution, far tail included. Throws as `chiSquaredCdf` does. */
export function chiSquaredSurvival(x: number, degrees: number): number {
  requireFiniteDegrees(degrees);
  return incompleteGamma(degrees / 2, x / 2).upper;
}

/** The x with P(X ≤ x) = p of the chi-squared distribution; relative error about 1e-12. */
export function chiSquaredQuantile(p: number, degrees: number): number {
  requireFraction(p, "p");
  requireFiniteDegrees(degrees);
  return quantileFromTails(p, (x) => {
    const { lower, upper } = incompleteGamma(degrees / 2, x / 2);
    return [lower, upper];
  });
}

/**
 * P(X ≤ x) of the F distribution.
 *
 * @throws MettleError `STATS_ARGUMENT_INVALID` for degrees not above 0
 */
export function fCdf(x: number, numeratorDegrees: number, denominatorDegrees: number): number {
  requireFiniteDegrees(numeratorDegrees);
  requireFiniteDegrees(denominatorDegrees);
  return fTails(x, numeratorDegrees, denominatorDegrees)[0];
}

/** P(X > x) of the F distribution, far tail included. Throws as `fCdf` does. */
export function fSurvival(x: number, numeratorDegrees: number, denominatorDegrees: number): number {
  requireFiniteDegrees(numeratorDegrees);
  requireFiniteDegrees(denominatorDegrees);
  return fTails(x, numeratorDegrees, denominatorDegrees)[1];
}

/** The x with P(X ≤ x) = p of the F distribution; relative error about 1e-12. */
export function fQuantile(p: number, numeratorDegrees: number, denominatorDegrees: number): number {
  requireFraction(p, "p");
  requireFiniteDegrees(numeratorDegrees);
  requireFiniteDegrees(denominatorDegrees);
  return quantileFromTails(p, (x) => fTails(x, numeratorDegrees, denominatorDegrees));
}

function fTails(x: number, d1: number, d2: number): readonly [lower: number, upper: number] {
  if (x <= 0) return [0, 1];
  if (x === Number.POSITIVE_INFINITY) return [1, 0];
  const whole = d1 * x + d2;
  const [share, rest] = [(d1 * x) / whole, d2 / whole];
  return [incompleteBeta(share, rest, d1 / 2, d2 / 2), incompleteBeta(rest, share, d2 / 2, d1 / 2)];
}

/**
 * Inverts a distribution on 0 … ∞ by bisection of the exponent and then of the value: slow (about 1100 + 60 halvings
 * at the very most, usually under 80) but it cannot miss. Compares whichever tail is smaller.
 */
function quantileFromTails(p: number, tails: (x: number) => readonly [lower: number, upper: number]): number {
  if (p === 0) return 0;
  if (p === 1) return Number.POSITIVE_INFINITY;
  const below = (x: number): boolean => {
    const [lower, upper] = tails(x);
    return p <= 0.5 ? lower < p : upper > 1 - p;
  };
  let low = 1;
  let high = 1;
  while (low > 0 && !below(low)) {
    high = low;
    low /= 2;
  }
  while (Number.isFinite(high) && below(high)) {
    low = high;
    high *= 2;
  }
  for (;;) {
    const middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return middle;
    if (below(middle)) low = middle;
    else high = middle;
  }
}

function requireDegrees(degrees: number): void {
  if (!(degrees > 0)) throw argumentInvalid("degrees", degrees, "must be above 0");
}

function requireFiniteDegrees(degrees: number): void {
  if (!(degrees > 0 && Number.isFinite(degrees)))
    throw argumentInvalid("degrees", degrees, "must be above 0 and finite");
}
