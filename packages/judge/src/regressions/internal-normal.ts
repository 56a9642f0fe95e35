/** P(|Z| >= z) of a standard normal: erfc(z / √2), by its series for x < 2 and its continued fraction (Lentz) above. */
export function normalTwoSided(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  if (x < 2) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum) && n < 200; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  if (!Number.isFinite(x)) return 0;
  let fraction = 0;
  for (let k = 120; k >= 1; k--) fraction = k / 2 / (x + fraction);
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * (x + fraction));
}

/** The z with P(|Z| <= z) = confidence, by bisection on `normalTwoSided`. */
export function normalCritical(confidence: number): number {
  let low = 0;
  let high = 40;
  while (high - low > 1e-13 * Math.max(1, high)) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (1 - normalTwoSided(middle) < confidence) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
