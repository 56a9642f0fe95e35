import { argumentInvalid } from "./samples.ts";

/**
 * Adjusts p values for their number by Benjamini and Hochberg: calling all adjusted values at or below q findings keeps
 * the expected share of false ones among them at or below q. In the order given.
 *
 * @param pValues - 0 … 1 each; not modified
 * @throws MettleError `STATS_ARGUMENT_INVALID` for a value outside 0 … 1
 * @see Benjamini & Hochberg, Journal of the Royal Statistical Society B 57 (1995)
 */
export function benjaminiHochberg(pValues: ArrayLike<number>): Float64Array {
  const count = pValues.length;
  for (let i = 0; i < count; i++) {
    const p = pValues[i];
    if (p === undefined || !(p >= 0 && p <= 1)) throw argumentInvalid(`p value ${i}`, p, "must lie between 0 and 1");
  }
  const descending = Uint32Array.from({ length: count }, (_, i) => i).sort((a, b) => pValues[b]! - pValues[a]!);
  const adjusted = new Float64Array(count);
  let least = 1;
  descending.forEach((original, position) => {
    least = Math.min(least, (pValues[original]! * count) / (count - position));
    adjusted[original] = least;
  });
  return adjusted;
}
