import type { Measurement } from "@mettle/results";
import { type CellHalf, openReader, Tally } from "./cell.ts";
import { MetricRow, type SeriesLayout } from "./metric-row.ts";
import type { MetricDefinition, Tags } from "./recorder.ts";
import type { CellAnnouncement, Submetric } from "./worker-recorder.ts";

interface ReadCell {
  readonly halves: readonly [CellHalf, CellHalf];
  readonly rows: readonly MetricRow[];
}

/** Keeps what all workers record: one row for each line of the results. Lives on the main thread. */
export class MetricBoard {
  readonly #submetrics: readonly Submetric[];
  readonly #layout: SeriesLayout;
  readonly #rows = new Map<string, MetricRow>();
  readonly #cells = new Map<number, ReadCell[]>();

  constructor(submetrics: readonly Submetric[], layout: SeriesLayout) {
    this.#submetrics = submetrics;
    this.#layout = layout;
  }

  /** New cells of a worker, in the order of their ids. */
  announce(worker: number, fresh: readonly CellAnnouncement[]): void {
    const cells = this.#cells.get(worker) ?? [];
    this.#cells.set(worker, cells);
    for (const cell of fresh) {
      const { definition, part, submetrics } = cell;
      const rows = new Set([this.row(definition, {})]);
      if (part) rows.add(this.row(definition, part));
      for (const index of submetrics) {
        const wanted = this.#submetrics[index];
        if (wanted) rows.add(this.row(definition, wanted.tags));
      }
      cells[cell.id] = { halves: openReader(cell), rows: [...rows] };
    }
  }

  /** Takes in and clears the halves that a worker let go. */
  absorb(worker: number, half: 0 | 1): void {
    for (const { halves, rows } of this.#cells.get(worker) ?? []) {
      const released = halves[half];
      if (released.count === 0 && released.rejected === 0) continue;
      for (const row of rows) row.absorb(released);
      released.reset();
    }
  }

  /** A value that the main thread itself knows, such as the number of virtual users. */
  add(definition: MetricDefinition, value: number, at: number): void {
    const tally = new Tally();
    tally.add(value, at);
    this.row(definition, {}).absorb(tally);
  }

  /** Ends a point of every series. */
  closePoints(atMs: number, seconds: number): void {
    for (const row of this.#rows.values()) row.closePoint(atMs, seconds);
  }

  /** The rows, in the order in which they were first heard of. */
  get rows(): readonly MetricRow[] {
    return [...this.#rows.values()];
  }

  find(metric: string, tags: Tags = {}): MetricRow | undefined {
    return this.#rows.get(keyOf(metric, tags));
  }

  /** Everything with samples, as a run document holds it. */
  measurements(seconds: number): readonly Measurement[] {
    return this.rows.filter(({ count, rejected }) => count > 0 || rejected > 0).map((row) => row.measurement(seconds));
  }

  row(definition: MetricDefinition, tags: Tags): MetricRow {
    const key = keyOf(definition.name, tags);
    const known = this.#rows.get(key);
    if (known) return known;
    const made = new MetricRow(definition, tags, this.#layout);
    this.#rows.set(key, made);
    return made;
  }
}

function keyOf(metric: string, tags: Tags): string {
  const names = Object.keys(tags).sort();
  return names.length === 0 ? metric : `${metric}${JSON.stringify(names.map((name) => [name, tags[name]]))}`;
}
