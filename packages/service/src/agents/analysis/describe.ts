import { mean, sampleStandardDeviation } from "simple-statistics";
import type { Column, NumberColumn } from "./columns.ts";

interface Outlier {
  /** Counted from 1. */
  readonly row: number;
  readonly value: number;
}

/** What one column holds. Figures that its values do not give are absent. */
export type ColumnProfile = { readonly name: string; readonly count: number; readonly missing: number } & (
  | ({ readonly type: "number"; readonly unreadable: number } & NumberFigures)
  | { readonly type: "time"; readonly earliest?: string; readonly latest?: string }
  | {
      readonly type: "text" | "boolean";
      readonly distinct: number;
      readonly most_frequent: readonly { readonly value: string; readonly count: number }[];
    }
);

interface NumberFigures {
  readonly mean?: number;
  /** Of a sample: divided by n − 1. */
  readonly standard_deviation?: number;
  readonly min?: number;
  readonly quartiles?: readonly [number, number, number];
  readonly max?: number;
  /** Beyond 1.5 times the distance between the quartiles (Tukey 1977); the farthest of them. */
  readonly outliers?: { readonly count: number; readonly farthest: readonly Outlier[] };
}

const frequentShown = 5;
const outliersShown = 10;
const fence = 1.5;

export function profileOf(column: Column): ColumnProfile {
  const { name, missing } = column;
  if (column.type === "number") {
    const count = column.numbers.length - missing - column.unreadable;
    return { name, type: "number", count, missing, unreadable: column.unreadable, ...figuresOf(column) };
  }
  if (column.type === "time") {
    const times = column.times.filter((time) => !Number.isNaN(time)).toSorted();
    const [earliest] = times;
    const latest = times.at(-1);
    const iso = (time: number): string => new Date(time).toISOString();
    return {
      name,
      type: "time",
      count: times.length,
      missing,
      ...(earliest !== undefined && latest !== undefined && { earliest: iso(earliest), latest: iso(latest) }),
    };
  }
  const counts = new Map<string, number>();
  for (const text of column.texts) if (text !== undefined) counts.set(text, (counts.get(text) ?? 0) + 1);
  const frequent = [...counts].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, frequentShown);
  return {
    name,
    type: column.type,
    count: column.texts.length - missing,
    missing,
    distinct: counts.size,
    most_frequent: frequent.map(([value, count]) => ({ value: value.slice(0, 200), count })),
  };
}

function figuresOf({ numbers }: NumberColumn): NumberFigures {
  const sorted = [...numbers].filter((value) => !Number.isNaN(value)).toSorted((a, b) => a - b);
  const [min] = sorted;
  const max = sorted.at(-1);
  if (min === undefined || max === undefined) return {};
  const quartiles = [0.25, 0.5, 0.75].map((share) => quantileOf(sorted, share)) as unknown as [number, number, number];
  const reach = fence * (quartiles[2] - quartiles[0]);
  const outside: Outlier[] = [];
  for (const [i, value] of numbers.entries()) {
    if (value < quartiles[0] - reach || value > quartiles[2] + reach) outside.push({ row: i + 1, value });
  }
  const farthest = outside.toSorted((a, b) => Math.abs(b.value - quartiles[1]) - Math.abs(a.value - quartiles[1]));
  return {
    mean: mean(sorted),
    ...(sorted.length > 1 && { standard_deviation: sampleStandardDeviation(sorted) }),
    min,
    quartiles,
    max,
    // Where half of the values are one and the same, everything else would be far.
    ...(reach > 0 && { outliers: { count: outside.length, farthest: farthest.slice(0, outliersShown) } }),
  };
}

/** Between the neighbours in proportion, as R and NumPy do unless told otherwise (Hyndman and Fan's type 7). */
export function quantileOf(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] as number;
  const high = sorted[Math.ceil(at)] as number;
  return Math.min(high, low + (high - low) * (at - Math.floor(at)));
}
