import type { MetricUnit } from "@mettle/core";
import type { Direction, Measurement, Summary } from "@mettle/results";
import { Histogram } from "@mettle/stats";
import { agentHigherIsBetter, agentLowerIsBetter } from "../agent/metric-names.ts";
import { type CellHalf, emptyHistogram, Tally } from "./cell.ts";
import type { MetricDefinition, Tags } from "./recorder.ts";
import { type SeriesColumn, SeriesPoints } from "./series-points.ts";

const trendColumns: readonly SeriesColumn[] = [
  { name: "mean", joining: "mean" },
  { name: "min", joining: "least" },
  { name: "p50", joining: "greatest" },
  { name: "p95", joining: "greatest" },
  { name: "p99", joining: "greatest" },
  { name: "max", joining: "greatest" },
  { name: "count", joining: "sum" },
];
const columns: Readonly<Record<MetricDefinition["kind"], readonly SeriesColumn[]>> = {
  trend: trendColumns,
  rate: [
    { name: "rate", joining: "mean" },
    { name: "count", joining: "sum" },
  ],
  counter: [
    { name: "perSecond", joining: "mean" },
    { name: "sum", joining: "sum" },
  ],
  gauge: [
    { name: "value", joining: "last" },
    { name: "min", joining: "least" },
    { name: "max", joining: "greatest" },
  ],
};

export interface SeriesLayout {
  readonly points: number;
  readonly stepMs: number;
}

/** One line of the results: a metric in total, one of its parts, or a submetric that a threshold names. */
export class MetricRow {
  readonly definition: MetricDefinition;
  readonly tags: Tags;
  readonly #total: Histogram | Tally;
  readonly #open: Histogram | Tally;
  readonly #points: SeriesPoints;
  #rejected = 0;
  #lastStep: readonly number[] = [];

  constructor(definition: MetricDefinition, tags: Tags, layout: SeriesLayout) {
    this.definition = definition;
    this.tags = tags;
    this.#total = accumulatorOf(definition);
    this.#open = accumulatorOf(definition);
    this.#points = new SeriesPoints(columns[definition.kind], layout.points, layout.stepMs);
  }

  /** Samples so far, the open point's included. */
  get count(): number {
    return this.#total.count + this.#open.count;
  }

  get rejected(): number {
    return this.#rejected + this.#open.rejected;
  }

  get points(): SeriesPoints {
    return this.#points;
  }

  absorb(half: CellHalf): void {
    if (half.count === 0 && half.rejected === 0) return;
    merge(this.#open, half);
  }

  /** Ends a point of the series. @param seconds - that it lasted */
  closePoint(atMs: number, seconds: number): void {
    this.#lastStep = pointOf(this.definition, this.#open, seconds);
    this.#points.push(atMs, this.#lastStep);
    this.#rejected += this.#open.rejected;
    if (this.#open.count === 0 && this.#open.rejected === 0) return;
    merge(this.#total, this.#open);
    this.#open.reset();
  }

  /**
   * The value at a quantile of everything recorded so far, in the unit of the run document; undefined for anything but a
   * trend, and without values. Much cheaper than `measurement`: for what is asked every second.
   */
  quantile(q: number): number | undefined {
    const all = this.#all();
    return all instanceof Histogram ? all.quantile(q) : undefined;
  }

  /** A column of the last step alone, however many steps a point of the series stands for; undefined without values. */
  lastStep(column: string): number | undefined {
    const value = this.#lastStep[columns[this.definition.kind].findIndex(({ name }) => name === column)];
    return value === undefined || Number.isNaN(value) ? undefined : value;
  }

  /** How many values are at or below one, as `Histogram` estimates it; undefined for anything but a trend. */
  countAtOrBelow(value: number): number | undefined {
    const all = this.#all();
    return all instanceof Histogram ? all.estimateCountAtOrBelow(value) : undefined;
  }

  /** The filled buckets of everything recorded so far, ascending; none for anything but a trend. Only to be read. */
  buckets(): Iterable<{ readonly from: number; readonly to: number; readonly count: number }> {
    const all = this.#all();
    return all instanceof Histogram ? all.buckets() : [];
  }

  /** All values added up; undefined without values. */
  get sum(): number | undefined {
    const all = this.#all();
    return all.count > 0 ? all.sum : undefined;
  }

  /** Both accumulators as one. Between two points, where the open one is empty, that is the total itself: only to be read. */
  #all(): Histogram | Tally {
    if (this.#open.count === 0 && this.#open.rejected === 0) return this.#total;
    const all = accumulatorOf(this.definition);
    merge(all, this.#total);
    merge(all, this.#open);
    return all;
  }

  /** Everything recorded so far. @param seconds - that the run lasted; rates per second are taken over it */
  measurement(seconds: number): Measurement {
    const all = this.#all();
    const series = this.#points.series();
    const { rejected } = all;
    return {
      metric: this.definition.name,
      ...meaningOf(this.definition),
      tags: this.tags,
      summary: summaryOf(this.definition, all, seconds),
      ...(all instanceof Histogram && all.count > 0 && { histogram: all.encode() }),
      ...(series && { series }),
      ...(rejected > 0 && {
        notes: [`${rejected} values were no values of a ${this.definition.kind} (negative, infinite or NaN)`],
      }),
    };
  }
}

function accumulatorOf(definition: MetricDefinition): Histogram | Tally {
  return definition.kind === "trend" ? emptyHistogram(definition) : new Tally();
}

function merge(into: Histogram | Tally, from: Histogram | Tally): void {
  if (into instanceof Histogram && from instanceof Histogram) into.merge(from);
  else if (into instanceof Tally && from instanceof Tally) into.merge(from);
  else throw new Error("a trend and a tally cannot be merged");
}

function pointOf({ kind }: MetricDefinition, open: Histogram | Tally, seconds: number): readonly number[] {
  if (open instanceof Histogram) {
    if (open.count === 0) return [...Array.from({ length: 6 }, () => Number.NaN), 0];
    const at = (q: number): number => open.quantile(q) ?? Number.NaN;
    return [open.mean ?? Number.NaN, at(0), at(0.5), at(0.95), at(0.99), at(1), open.count];
  }
  if (kind === "rate") return [open.count > 0 ? open.sum / open.count : Number.NaN, open.count];
  if (kind === "counter") return [open.sum / seconds, open.sum];
  return open.count > 0 ? [open.last, open.min, open.max] : [Number.NaN, Number.NaN, Number.NaN];
}

function summaryOf({ kind }: MetricDefinition, all: Histogram | Tally, seconds: number): Summary {
  if (all instanceof Histogram) return all.summary();
  const { count, sum, min, max, last } = all;
  if (kind === "counter") return { count, sum, ...(seconds > 0 && { perSecond: sum / seconds }) };
  if (count === 0) return { count };
  return kind === "rate" ? { count, rate: sum / count } : { count, mean: sum / count, min, max, last };
}

const higherIsBetter = new Set(["checks", "http_reqs", "iterations", ...agentHigherIsBetter]);
const lowerIsBetter = new Set([
  ...agentLowerIsBetter,
  "http_req_failed",
  "dropped_iterations",
  "iteration_failed",
  "interrupted_iterations",
  "unstarted_iterations",
]);
const counted = new Set(["vus", "vus_max"]);

/** Unit and direction in the run document. Times are better low; of a script's own other metrics nothing is known. */
function meaningOf({ name, kind, contains }: MetricDefinition): {
  readonly unit: MetricUnit;
  readonly direction: Direction;
} {
  const direction: Direction = higherIsBetter.has(name)
    ? "higher"
    : lowerIsBetter.has(name) || (kind === "trend" && contains === "time")
      ? "lower"
      : "none";
  if (kind === "rate") return { unit: "1", direction };
  if (contains === "time") return { unit: "ns", direction };
  if (contains === "data") return { unit: "bytes", direction };
  return { unit: kind === "counter" || counted.has(name) ? "count" : "1", direction };
}
