import type { Measurement } from "@mettle/results";
import { Histogram } from "@mettle/stats";

/** The values of a measurement, as far as its document kept them: its histogram, or else its raw blocks. */
export interface Values {
  readonly count: number;
  readonly least: number;
  readonly greatest: number;
  /** Values at or below `value`, 0 … 1. */
  shareAtOrBelow(value: number): number;
  /** The value at nearest rank. */
  quantile(q: number): number;
}

const known = new WeakMap<Measurement, Values | "none">();

/** Undefined where only a summary was kept. Decoded once for each measurement. */
export function valuesOf(measurement: Measurement): Values | undefined {
  let values = known.get(measurement);
  if (values === undefined) {
    values = fromHistogram(measurement) ?? fromBlocks(measurement) ?? "none";
    known.set(measurement, values);
  }
  return values === "none" ? undefined : values;
}

function fromHistogram({ histogram }: Measurement): Values | undefined {
  if (!histogram || histogram.count < 2) return undefined;
  const decoded = Histogram.decode(histogram);
  const { count, min = 0, max = 0 } = decoded;
  return {
    count,
    least: min,
    greatest: max,
    shareAtOrBelow: (value) => decoded.estimateCountAtOrBelow(value) / count,
    quantile: (q) => decoded.quantile(q) ?? max,
  };
}

function fromBlocks({ raw }: Measurement): Values | undefined {
  const all = Float64Array.from((raw?.processes ?? []).flatMap((block) => [...blockOf(block)])).sort();
  const count = all.length;
  if (count < 2) return undefined;
  return {
    count,
    least: all[0] ?? 0,
    greatest: all[count - 1] ?? 0,
    shareAtOrBelow: (value) => firstAbove(all, value) / count,
    quantile: (q) => all[Math.max(0, Math.ceil(q * count) - 1)] ?? 0,
  };
}

/** The blocks of one process, in the order measured. */
export function blockOf(base64: string): Float32Array {
  const bytes = Buffer.from(base64, "base64");
  const values = new Float32Array(Math.floor(bytes.length / 4));
  for (let i = 0; i < values.length; i++) values[i] = bytes.readFloatLE(i * 4);
  return values;
}

function firstAbove(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
