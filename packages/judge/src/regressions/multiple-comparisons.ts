/**
 * p-values adjusted for the false discovery rate: rejecting those at or under q keeps the expected share of false
 * alarms among all alarms at or under q. In the order given.
 *
 * @see Benjamini & Hochberg, Controlling the False Discovery Rate, JRSS B 57 (1995)
 */
export function benjaminiHochberg(pValues: readonly number[]): readonly number[] {
  const adjusted = new Array<number>(pValues.length).fill(1);
  const descending = pValues.map((pValue, index) => ({ pValue, index })).sort((a, b) => b.pValue - a.pValue);
  let least = 1;
  descending.forEach(({ pValue, index }, position) => {
    least = Math.min(least, (pValue * pValues.length) / (pValues.length - position));
    adjusted[index] = least;
  });
  return adjusted;
}
