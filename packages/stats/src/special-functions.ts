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
 * @see DiDonato & Morris, ACM Transactions on Mathematical Software 18 (1992), for the continued fraction, the even part
 * of NIST DLMF 8.17.22; evaluated by Lentz's method
 */
export function incompleteBeta(x: number, complement: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (complement <= 0) return 1;
  if (a * complement < b * x) return 1 - incompleteBetaTail(complement, x, b, a);
  return incompleteBetaTail(x, complement, a, b);
}

/** I_x(a, b) for x at most the mean a / (a + b), where the fraction converges fast and without cancellation. */
function incompleteBetaTail(x: number, complement: number, a: number, b: number): number {
  const logX = x < 0.5 ? Math.log(x) : Math.log1p(-complement);
  const logComplement = complement < 0.5 ? Math.log(complement) : Math.log1p(-x);
  const front = Math.exp(a * logX + b * logComplement - logBeta(a, b));
  // How far x lies below the mean. As a − (a + b) x it would lose all its digits for large a.
  const margin = a * complement - b * x;
  let c = awayFromZero((a / (a + 1)) * (margin + 1));
  let d = 0;
  let fraction = c;
  for (let n = 1; n < MAXIMUM_STEPS; n++) {
    const odd = a + 2 * n - 1;
    const numerator = ((a + n - 1) / odd) * ((a + b + n - 1) / odd) * n * (b - n) * x * x;
    const denominator = n + (n * (b - n) * x) / odd + ((a + n) / (odd + 2)) * (margin + 1 + n * (1 + complement));
    d = 1 / awayFromZero(denominator + numerator * d);
    c = awayFromZero(denominator + numerator / c);
    fraction *= c * d;
    if (Math.abs(c * d - 1) < 1e-16) break;
  }
  return front / fraction;
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
const centreTop = [3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694, 0.18577770618460315];
const centreBottom = [23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171];
const middleTop = [
  0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001, 881.952221241769, 1712.0476126340707,
  2051.0783778260716, 1230.3393547979972, 2.1531153547440383e-8,
];
const middleBottom = [
  15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597, 4362.619090143247,
  3439.3676741437216, 1230.3393548037495,
];
const tailTop = [
  0.30532663496123236, 0.36034489994980445, 0.12578172611122926, 0.016083785148742275, 0.0006587491615298378,
  0.016315387137302097,
];
const tailBottom = [
  2.568520192289822, 1.8729528499234673, 0.5279051029514285, 0.06051834131244132, 0.0023352049762686918,
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
  // exp(−x²) is below the least number there is; the split below would make ∞ − ∞ of an infinite x.
  if (size > 28) return x < 0 ? 2 : 0;
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
