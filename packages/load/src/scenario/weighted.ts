/**
 * The name at a position between 0 and 1 when names take up room by weight. Weights are shares of their sum (T-22).
 *
 * @throws Error for weights that are negative, not finite, or all 0
 */
export function choose<Name extends string>(weights: Readonly<Record<Name, number>>, position: number): Name {
  const entries = Object.entries(weights) as [Name, number][];
  const total = entries.reduce((sum, [, weight]) => sum + weight, 0);
  if (!(total > 0) || entries.some(([, weight]) => !(weight >= 0))) {
    throw new Error(`weights must be 0 or more and not all 0, got ${JSON.stringify(weights)}`);
  }
  let rest = position * total;
  for (const [name, weight] of entries) {
    rest -= weight;
    if (rest < 0) return name;
  }
  // Only rounding leads here: the last that can be chosen.
  return entries.findLast(([, weight]) => weight > 0)![0];
}
