/** Functions that the distributions are made of. Arguments are trusted: the distributions check theirs. */

const LN_SQRT_TAU = 0.9189385332046727;
/** B(2k) / (2k (2k − 1)): the coefficients of Stirling's series. */
const stirling: readonly number[] = [
  1 / 12,
  -1 / 360,
  1 / 1260,
  -1 / 1680,
  1 / 1188,
  -691 / 360_360,
  1 / 156,
  -3617 / 122_400,
];
/** From here on the series with these terms is exact to the last place. */
const STIRLING_FROM = 15;

/** What Stirling's formula leaves out of ln Γ(x); x ≥ 15. */
function stirlingRest(x: number): number {
  const inverseSquare = 1 / (x * x);
  return stirling.reduceRight((rest, coefficient) => coefficient + rest * inverseSquare, 0) / x;
}

/**
 * ln Γ(x) for x > 0, within 1e-14 (absolute below 1, relative above).
 *
 * @see NIST Digital Library of Mathematical Functions, 5.11.1 (Stirling's series) and 5.5.1 (recurrence)
 */
export function logGamma(x: number): number {
  let product = 1;
  let shifted = x;
  while (shifted < STIRLING_FROM) {
    product *= shifted;
    shifted += 1;
  }
  return (shifted - 0.5) * Math.log(shifted) - shifted + LN_SQRT_TAU + stirlingRest(shifted) - Math.log(product);
}

/** ln B(a, b). For large arguments from Stirling's rests, since the three ln Γ would cancel. */
export function logBeta(a: number, b: number): number {
  const small = Math.min(a, b);
  const large = Math.max(a, b);
  if (large < STIRLING_FROM) return logGamma(a) + logGamma(b) - logGamma(a + b);
  const rest = stirlingRest(large) - stirlingRest(a + b);
  // ln Γ(large) − ln Γ(large + small) without its rest
  const ratio = -(large - 0.5) * Math.log1p(small / large) - small * Math.log(a + b) + small;
  if (small < STIRLING_FROM) return logGamma(small) + ratio + rest;
  const smallGamma = (small - 0.5) * Math.log(small / (a + b)) + LN_SQRT_TAU + stirlingRest(small);
  return smallGamma - (large - 0.5) * Math.log1p(small / large) - 0.5 * Math.log(a + b) + rest;
}

/** Convergence is reached after about √(largest argument) steps; this allows arguments of 10^10. */
const MAXIMUM_STEPS = 200_000;
const TINY = 1e-300;

/**
 * Regularized incomplete beta I_x(a, b), 0 … 1.
 *
 * @param complement - 1 − x, given apart because it may be known better than the difference
 * @see NIST DLMF 8.17.22 (continued fraction), evaluated by Lentz's method
 */
export function incompleteBeta(x: number, complement: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (complement <= 0) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBetaTail(complement, x, b, a);
  return incompleteBetaTail(x, complement, a, b);
}

/** I_x(a, b) where the fraction converges fast: x at most about a / (a + b). */
function incompleteBetaTail(x: number, complement: number, a: number, b: number): number {
  const logX = x < 0.5 ? Math.log(x) : Math.log1p(-complement);
  const logComplement = complement < 0.5 ? Math.log(complement) : Math.log1p(-x);
  const front = Math.exp(a * logX + b * logComplement - logBeta(a, b)) / a;
  let c = 1;
  let d = 1 / awayFromZero(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m < MAXIMUM_STEPS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / awayFromZero(1 + even * d);
    c = awayFromZero(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / awayFromZero(1 + odd * d);
    c = awayFromZero(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return front * fraction;
}

const awayFromZero = (value: number): number => (Math.abs(value) < TINY ? TINY : value);

/**
 * Both regularized incomplete gamma functions: lower P(a, x) and upper Q(a, x) = 1 − P, each as precise as the other.
 *
 * @see NIST DLMF 8.11.4 (series, for x < a + 1) and 8.9.2 (continued fraction, above)
 */
export function incompleteGamma(a: number, x: number): { readonly lower: number; readonly upper: number } {
  if (x <= 0) return { lower: 0, upper: 1 };
  const front = Math.exp(logGammaDensity(a, x));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; n < MAXIMUM_STEPS && term > sum * 1e-17; n++) {
      term *= x / (a + n);
      sum += term;
    }
    const lower = front * sum;
    return { lower, upper: 1 - lower };
  }
  let b = x + 1 - a;
  let c = 1 / TINY;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < MAXIMUM_STEPS; n++) {
    const coefficient = -n * (n - a);
    b += 2;
    d = 1 / awayFromZero(coefficient * d + b);
    c = awayFromZero(b + coefficient / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  const upper = front * fraction;
  return { lower: 1 - upper, upper };
}

/** ln(x^a e^−x / Γ(a)); for large a around x = a without cancellation. */
function logGammaDensity(a: number, x: number): number {
  if (a < STIRLING_FROM) return a * Math.log(x) - x - logGamma(a);
  const excess = (x - a) / a;
  return a * logMinusExcess(excess) + 0.5 * Math.log(a) - LN_SQRT_TAU - stirlingRest(a);
}

/** ln(1 + u) − u, by its series where the difference would cancel. */
function logMinusExcess(u: number): number {
  if (Math.abs(u) > 0.1) return Math.log1p(u) - u;
  let sum = 0;
  let power = u;
  for (let k = 2; k <= 20; k++) {
    power *= -u;
    sum += power / k;
  }
  return sum;
}

// The coefficients of the three rational approximations of erf and erfc.
// W. J. Cody, "Rational Chebyshev approximations for the error function", Mathematics of Computation 23 (1969).
const centreTop = [
  3.1611237438705656, 113.864154151050156, 377.485237685302021, 3209.37758913846947, 0.185777706184603153,
];
const centreBottom = [23.6012909523441209, 244.024637934444173, 1282.61652607737228, 2844.23683343917062];
const middleTop = [
  0.564188496988670089, 8.88314979438837594, 66.1191906371416295, 298.635138197400131, 881.95222124176909,
  1712.04761263407058, 2051.07837782607147, 1230.33935479799725, 2.15311535474403846e-8,
];
const middleBottom = [
  15.7449261107098347, 117.693950891312499, 537.181101862009858, 1621.38957456669019, 3290.79923573345963,
  4362.61909014324716, 3439.36767414372164, 1230.33935480374942,
];
const tailTop = [
  0.305326634961232344, 0.360344899949804439, 0.125781726111229246, 0.0160837851487422766, 0.000658749161529837803,
  0.0163153871373020978,
];
const tailBottom = [
  2.56852019228982242, 1.87295284992346725, 0.527905102951428412, 0.0605183413124413191, 0.00233520497626869185,
];

/** The quotient of two polynomials of one degree as Cody writes them: the leading coefficient of the top comes last. */
function rational(x: number, top: readonly number[], bottom: readonly number[]): number {
  const degree = bottom.length;
  let numerator = (top[degree] ?? 0) * x;
  let denominator = x;
  for (let i = 0; i < degree - 1; i++) {
    numerator = (numerator + (top[i] ?? 0)) * x;
    denominator = (denominator + (bottom[i] ?? 0)) * x;
  }
  return (numerator + (top[degree - 1] ?? 0)) / (denominator + (bottom[degree - 1] ?? 0));
}

/** Complementary error function 1 − erf(x), relative error about 1e-15 down to 1e-300. */
export function complementaryErrorFunction(x: number): number {
  const size = Math.abs(x);
  if (size <= 0.46875) return 1 - x * rational(x * x, centreTop, centreBottom);
  // exp(−x²) split at a sixteenth, so that the rounding of x² is not magnified.
  const coarse = Math.trunc(size * 16) / 16;
  const scale = Math.exp(-coarse * coarse) * Math.exp(-(size - coarse) * (size + coarse));
  const inverseSquare = 1 / (size * size);
  const upper =
    size <= 4
      ? scale * rational(size, middleTop, middleBottom)
      : (scale * (0.5641895835477563 - inverseSquare * rational(inverseSquare, tailTop, tailBottom))) / size;
  return x < 0 ? 2 - upper : upper;
}
