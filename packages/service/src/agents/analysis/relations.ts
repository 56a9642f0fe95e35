import { linearRegression, mean, probit, sampleCorrelation } from "simple-statistics";
import type { NumberColumn, TextColumn, TimeColumn } from "./columns.ts";
import { quantileOf } from "./describe.ts";

export interface Correlation {
  readonly columns: readonly [string, string];
  /** Pearson's. */
  readonly coefficient: number;
  /** Of 95 % for all pairs that were compared together; it does not contain zero. */
  readonly interval: readonly [number, number];
  readonly pairs: number;
}

export interface Trend {
  readonly column: string;
  readonly over: string;
  /** `none` where chance alone would do. */
  readonly direction: "rising" | "falling" | "none";
  /** Of the straight line through all points. */
  readonly change_per_day: number;
  readonly points: number;
}

export interface Grouping {
  readonly by: string;
  readonly groups: readonly {
    readonly value: string;
    readonly rows: number;
    readonly columns: Readonly<Record<string, { count: number; mean: number; median: number; sum: number }>>;
  }[];
  /** How much of each column's variance lies between the groups, 0…1 (the correlation ratio η²). */
  readonly explains: Readonly<Record<string, number>>;
}

/** With fewer points Fisher's interval is a guess. */
const pointsAtLeast = 8;
const correlationsShown = 20;
const dayMs = 86_400_000;
const uncertain = 0.05;

/** Pairs of columns that go together, beyond what so many comparisons would show by chance; the strongest first. */
export async function correlationsOf(
  columns: readonly NumberColumn[],
  breathe: () => Promise<void>,
): Promise<readonly Correlation[]> {
  const comparisons = (columns.length * (columns.length - 1)) / 2;
  const found: Correlation[] = [];
  for (const [i, a] of columns.entries()) {
    await breathe();
    for (const b of columns.slice(i + 1)) {
      const [xs, ys] = complete(a.numbers, b.numbers);
      const correlation = beyondChance(xs, ys, comparisons);
      if (correlation) found.push({ columns: [a.name, b.name], ...correlation, pairs: xs.length });
    }
  }
  return found.toSorted((a, b) => Math.abs(b.coefficient) - Math.abs(a.coefficient)).slice(0, correlationsShown);
}

/** Whether columns rise or fall with time. Values that follow from the ones before make chance look like a trend. */
export function trendsOf(columns: readonly NumberColumn[], { name, times }: TimeColumn): readonly Trend[] {
  const start = times.reduce((least, time) => (time < least ? time : least), Number.POSITIVE_INFINITY);
  const days = times.map((time) => (time - start) / dayMs);
  return columns.flatMap((column): Trend[] => {
    const [xs, ys] = complete(days, column.numbers);
    if (xs.length < pointsAtLeast || xs.every((x) => x === xs[0])) return [];
    const { m: change } = linearRegression(xs.map((x, i) => [x, ys[i] as number]));
    const shown = beyondChance(xs, ys, columns.length) !== undefined;
    const direction = !shown ? "none" : change > 0 ? "rising" : "falling";
    return [{ column: column.name, over: name, direction, change_per_day: change, points: xs.length }];
  });
}

/** The columns' figures in each group of rows. @param by - rows without a value are in no group */
export function groupingOf(by: TextColumn, columns: readonly NumberColumn[]): Grouping {
  const rows = new Map<string, number[]>();
  for (const [i, text] of by.texts.entries()) {
    if (text === undefined) continue;
    const known = rows.get(text);
    if (known) known.push(i);
    else rows.set(text, [i]);
  }
  const valuesIn = (column: NumberColumn, indices: readonly number[]): number[] =>
    indices.map((i) => column.numbers[i] as number).filter((value) => !Number.isNaN(value));
  const groups = [...rows]
    .toSorted(([a, m], [b, n]) => n.length - m.length || (a < b ? -1 : 1))
    .map(([value, indices]) => ({
      value: value.slice(0, 200),
      rows: indices.length,
      columns: Object.fromEntries(
        columns.flatMap((column) => {
          const sorted = valuesIn(column, indices).toSorted((a, b) => a - b);
          const average = sorted.length > 0 ? mean(sorted) : 0;
          const figures = {
            count: sorted.length,
            mean: average,
            median: quantileOf(sorted, 0.5),
            sum: average * sorted.length,
          };
          return sorted.length > 0 ? [[column.name, figures] as const] : [];
        }),
      ),
    }));
  const explains = columns.flatMap((column) => {
    const ratio = correlationRatio([...rows.values()].map((indices) => valuesIn(column, indices)));
    return ratio === undefined ? [] : [[column.name, ratio] as const];
  });
  return { by: by.name, groups, explains: Object.fromEntries(explains) };
}

function correlationRatio(groups: readonly (readonly number[])[]): number | undefined {
  const filled = groups.filter((group) => group.length > 0);
  const all = filled.flat();
  if (filled.length < 2 || all.length <= filled.length) return undefined;
  const overall = mean(all);
  const total = all.reduce((sum, value) => sum + (value - overall) ** 2, 0);
  const between = filled.reduce((sum, group) => sum + group.length * (mean([...group]) - overall) ** 2, 0);
  return total > 0 ? between / total : undefined;
}

function complete(a: Float64Array, b: Float64Array): readonly [number[], number[]] {
  const xs: number[] = [];
  const ys: number[] = [];
  for (const [i, x] of a.entries()) {
    const y = b[i] as number;
    if (Number.isNaN(x) || Number.isNaN(y)) continue;
    xs.push(x);
    ys.push(y);
  }
  return [xs, ys];
}

/** Pearson's coefficient when its interval, widened for so many comparisons (Bonferroni), leaves out zero. */
function beyondChance(
  xs: readonly number[],
  ys: readonly number[],
  comparisons: number,
): { readonly coefficient: number; readonly interval: readonly [number, number] } | undefined {
  if (xs.length < pointsAtLeast) return undefined;
  const coefficient = Math.min(1, Math.max(-1, sampleCorrelation([...xs], [...ys])));
  if (Number.isNaN(coefficient)) return undefined; // one of them never changes
  // Fisher's transformation makes it nearly normal. Points on a line have no width at all.
  const width = probit(1 - uncertain / Math.max(1, comparisons) / 2) / Math.sqrt(xs.length - 3);
  const at = Math.atanh(coefficient);
  const interval = [Math.tanh(at - width), Math.tanh(at + width)] as const;
  return interval[0] > 0 || interval[1] < 0 ? { coefficient, interval } : undefined;
}
