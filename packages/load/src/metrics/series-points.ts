import type { Series } from "@mettle/results";

/** How two points of a column become one when the series runs out of room. */
export type Joining = "sum" | "mean" | "least" | "greatest" | "last";

export interface SeriesColumn {
  readonly name: string;
  /** `mean` is weighted by the column `count`, or by time where there is none. */
  readonly joining: Joining;
}

/**
 * Points over time in memory fixed beforehand. When it is full, neighbours are joined and the step doubles: least and
 * greatest values stay true for any length of run, sums and means too; a percentile becomes the greater of the two,
 * which is what the percentile of both together is at most.
 */
export class SeriesPoints {
  readonly #columns: readonly SeriesColumn[];
  readonly #capacity: number;
  readonly #stepMs: number;
  readonly #atMs: Float64Array;
  readonly #values: readonly Float64Array[];
  #length = 0;
  /** Steps that one point stands for: 1, 2, 4 … */
  #width = 1;
  /** Steps in the last point. */
  #filled = 0;

  /** @param capacity - points at most, even */
  constructor(columns: readonly SeriesColumn[], capacity: number, stepMs: number) {
    this.#columns = columns;
    this.#capacity = Math.max(2, capacity - (capacity % 2));
    this.#stepMs = stepMs;
    this.#atMs = new Float64Array(this.#capacity);
    this.#values = columns.map(() => new Float64Array(this.#capacity));
  }

  /** One step's values, in the order of the columns; NaN where there was nothing. */
  push(atMs: number, values: readonly number[]): void {
    if (this.#length > 0 && this.#filled < this.#width) {
      this.#joinInto(this.#length - 1, (column) => values[column] ?? Number.NaN, this.#filled, 1);
      this.#filled += 1;
      return;
    }
    if (this.#length === this.#capacity) this.#halve();
    this.#atMs[this.#length] = atMs;
    this.#values.forEach((column, index) => {
      column[this.#length] = values[index] ?? Number.NaN;
    });
    this.#length += 1;
    this.#filled = 1;
  }

  /** Absent while there is no point. */
  series(): Series | undefined {
    if (this.#length === 0) return undefined;
    const shown = (column: Float64Array): (number | null)[] =>
      Array.from(column.subarray(0, this.#length), (value) => (Number.isNaN(value) ? null : value));
    return {
      atMs: Array.from(this.#atMs.subarray(0, this.#length)),
      values: Object.fromEntries(this.#columns.map(({ name }, index) => [name, shown(this.#values[index]!)])),
    };
  }

  /** How far apart points lie now. */
  get stepMs(): number {
    return this.#stepMs * this.#width;
  }

  /** The newest `count` values of a column, NaN where there was nothing. */
  latest(name: string, count: number): readonly number[] {
    const index = this.#columns.findIndex((column) => column.name === name);
    const column = this.#values[index];
    return column ? Array.from(column.subarray(Math.max(0, this.#length - count), this.#length)) : [];
  }

  #halve(): void {
    const half = this.#capacity / 2;
    for (let target = 0; target < half; target++) {
      const [from, next] = [2 * target, 2 * target + 1];
      this.#atMs[target] = this.#atMs[from]!;
      const second = this.#values.map((column) => column[next]!);
      for (const column of this.#values) column[target] = column[from]!;
      this.#joinInto(target, (column) => second[column]!, this.#width, this.#width);
    }
    this.#length = half;
    this.#width *= 2;
  }

  /** @param before - steps that the point holds already; @param added - steps that the other values stand for */
  #joinInto(point: number, valueOf: (column: number) => number, before: number, added: number): void {
    const counts = this.#columns.findIndex(({ name }) => name === "count");
    const weights: readonly [number, number] =
      counts < 0 ? [before, added] : [this.#values[counts]![point]!, valueOf(counts)];
    this.#columns.forEach(({ joining }, index) => {
      const column = this.#values[index]!;
      column[point] = joined(joining, column[point]!, valueOf(index), weights);
    });
  }
}

function joined(joining: Joining, a: number, b: number, [weightA, weightB]: readonly [number, number]): number {
  if (Number.isNaN(a)) return b;
  if (Number.isNaN(b)) return a;
  switch (joining) {
    case "sum":
      return a + b;
    case "mean":
      return weightA + weightB > 0 ? (a * weightA + b * weightB) / (weightA + weightB) : b;
    case "least":
      return Math.min(a, b);
    case "greatest":
      return Math.max(a, b);
    case "last":
      return b;
  }
}
