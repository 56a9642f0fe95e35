/** The median of already sorted values. */
export function medianOfSorted(sorted: ArrayLike<number>): number {
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/** The median of `values[from … to)`. Not modified. */
export function medianOf(values: ArrayLike<number>, from = 0, to: number = values.length): number {
  return medianOfSorted(sortedSlice(values, from, to));
}

/** A sorted copy of `values[from … to)`. */
export function sortedSlice(values: ArrayLike<number>, from: number, to: number): Float64Array {
  const copy = new Float64Array(to - from);
  for (let i = from; i < to; i++) copy[i - from] = values[i] as number;
  return copy.sort();
}

/** 1 / Φ⁻¹(3/4): makes a median absolute deviation estimate the standard deviation of a normal sample. */
export const normalConsistency = 1.482602218505602;

/** Median absolute deviation about `centre`, scaled to estimate the standard deviation of a normal sample. */
export function medianAbsoluteDeviation(values: ArrayLike<number>, centre: number): number {
  const deviations = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) deviations[i] = Math.abs((values[i] as number) - centre);
  return normalConsistency * medianOfSorted(deviations.sort());
}
