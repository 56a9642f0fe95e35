import { medianSorted, normalConsistency } from "./quantile.ts";

/** The median of `values[from … to)`. Not modified, not checked. */
export function medianOf(values: ArrayLike<number>, from = 0, to: number = values.length): number {
  return medianSorted(sortedSlice(values, from, to));
}

/** A sorted copy of `values[from … to)`. */
export function sortedSlice(values: ArrayLike<number>, from: number, to: number): Float64Array {
  const copy = new Float64Array(to - from);
  for (let i = from; i < to; i++) copy[i - from] = values[i] as number;
  return copy.sort();
}

/** Median absolute deviation about `centre`, scaled to estimate the standard deviation of a normal sample. Unchecked. */
export function robustDeviation(values: ArrayLike<number>, centre: number): number {
  const distances = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) distances[i] = Math.abs((values[i] as number) - centre);
  return normalConsistency * medianSorted(distances.sort());
}
