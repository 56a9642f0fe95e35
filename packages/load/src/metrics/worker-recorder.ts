import type { Clock } from "@mettle/core";
import { loadErrors } from "../engine/errors.ts";
import { allocateCell, type CellMemory, type CellWriter, openWriter } from "./cell.ts";
import { splitDefaults } from "./built-in.ts";
import type { Metric, MetricDefinition, MetricKind, MetricRecorder, TagSet, Tags } from "./recorder.ts";
import { SampleBook } from "./sample-book.ts";
import { OTHER, TagSets } from "./tag-sets.ts";

/** A part of a metric that a threshold speaks of: `http_req_duration{status:200}`. */
export interface Submetric {
  readonly metric: string;
  readonly tags: Tags;
}

export interface RecorderOptions {
  /** Kept exactly, whatever the caps say. */
  readonly submetrics?: readonly Submetric[];
  /** Tags that a metric is told apart by in the results, beside its total. @defaultValue by scenario and name, check, group */
  readonly splitBy?: Readonly<Record<string, readonly string[]>>;
  /** Most parts of one metric; what comes later is one part named `other`. @defaultValue 64 */
  readonly maxSeries?: number;
  /** Most distinct sets of tags a worker remembers. @defaultValue 10 000 */
  readonly maxTagSets?: number;
}
export const recorderDefaults: Required<RecorderOptions> = {
  submetrics: [],
  splitBy: splitDefaults,
  maxSeries: 64,
  maxTagSets: 10_000,
};

/** A new cell, told to the main thread once. */
export interface CellAnnouncement extends CellMemory {
  readonly id: number;
  /** Absent: the metric is not told apart by tags, or these samples carried none of them. */
  readonly part?: Tags;
  /** Positions in `RecorderOptions.submetrics` that these samples belong to. */
  readonly submetrics: readonly number[];
}

/** Takes every single sample, for outputs that stream them. Hot when there is one. */
export interface SampleSink {
  sample(metric: number, value: number, tags: TagSet): void;
}

/**
 * The recorder of one worker thread. Every sample goes to exactly one cell, that of its metric and the tags that
 * results tell apart; totals and submetrics are merged from the cells once a second by the main thread.
 */
export class WorkerRecorder implements MetricRecorder {
  readonly book: SampleBook = new SampleBook();
  readonly #options: Required<RecorderOptions>;
  readonly #tagSets: TagSets;
  readonly #metrics = new Map<string, RecordedMetric>();
  readonly #clock: Clock;
  readonly #sink: SampleSink | undefined;
  #fresh: CellAnnouncement[] = [];
  #cells: CellWriter[] = [];
  /** Which half of every cell is being recorded into. */
  #active: 0 | 1 = 0;

  constructor(clock: Clock, options: RecorderOptions = {}, sink?: SampleSink) {
    this.#options = { ...recorderDefaults, ...options };
    this.#clock = clock;
    this.#sink = sink;
    const { submetrics, splitBy, maxTagSets } = this.#options;
    const wanted = submetrics.map(({ tags }) => tags);
    const essential = [...wanted.flatMap((tags) => Object.keys(tags)), ...Object.values(splitBy).flat()];
    this.#tagSets = new TagSets(maxTagSets, essential, wanted);
  }

  metric(definition: MetricDefinition): Metric {
    const known = this.#metrics.get(definition.name);
    if (!known) {
      const made = new RecordedMetric(definition, this.#metrics.size, this, this.#clock, this.#sink);
      this.#metrics.set(definition.name, made);
      return made;
    }
    if (known.kind !== definition.kind || known.contains !== definition.contains) {
      const { name, kind, contains } = known;
      throw loadErrors.create(
        "LOAD_METRIC_CONFLICT",
        `The metric ${name} is a ${kind} of ${contains}; it cannot also be a ${definition.kind} of ${definition.contains}.`,
        { details: { metric: name, known: { kind, contains }, asked: definition } },
      );
    }
    return known;
  }

  tagSet(tags: Tags): TagSet {
    return this.#tagSets.intern(tags);
  }

  /** Requests for tag sets that lost tags to the cap. */
  get overflowed(): number {
    return this.#tagSets.overflowed;
  }

  tagsOf(set: TagSet): Tags {
    return this.#tagSets.tags(set);
  }

  get definitions(): readonly MetricDefinition[] {
    return [...this.#metrics.values()].map(({ name, kind, contains }) => ({ name, kind, contains }));
  }

  /**
   * Every cell records into its other half from now on. The half let go must be read and cleared before the next call.
   *
   * @returns the half let go, and the cells made since the last call
   */
  flip(): { readonly half: 0 | 1; readonly fresh: readonly CellAnnouncement[] } {
    const half = this.#active;
    this.#active = half === 0 ? 1 : 0;
    for (const cell of this.#cells) cell.flip();
    const fresh = this.#fresh;
    this.#fresh = [];
    return { half, fresh };
  }

  /** Cold: the first sample of a metric with a tag set. */
  openCell(metric: RecordedMetric, set: TagSet): CellWriter {
    const { submetrics, splitBy, maxSeries } = this.#options;
    const tags = this.#tagSets.tags(set);
    const matched = submetrics.flatMap((wanted, index) => (belongsTo(wanted, metric.name, tags) ? [index] : []));
    const part = set === OTHER ? undefined : partOf(tags, splitBy[metric.name] ?? []);
    const key = `${part ? JSON.stringify(part) : ""}|${matched.join()}`;
    const known = metric.cells.get(key);
    if (known) return known;
    if (part && metric.parts.size >= maxSeries && !metric.parts.has(JSON.stringify(part))) {
      return this.#makeCell(metric, overflowPart(splitBy[metric.name] ?? []), matched);
    }
    if (part) metric.parts.add(JSON.stringify(part));
    return this.#makeCell(metric, part, matched);
  }

  #makeCell(metric: RecordedMetric, part: Tags | undefined, matched: readonly number[]): CellWriter {
    const key = `${part ? JSON.stringify(part) : ""}|${matched.join()}`;
    const known = metric.cells.get(key);
    if (known) return known;
    const { name, kind, contains } = metric;
    const memory = allocateCell({ name, kind, contains });
    const writer = openWriter(memory);
    if (this.#active === 1) writer.flip();
    this.#fresh.push({ ...memory, id: this.#cells.length, submetrics: matched, ...(part && { part }) });
    this.#cells.push(writer);
    metric.cells.set(key, writer);
    return writer;
  }
}

class RecordedMetric implements Metric {
  readonly name: string;
  readonly kind: MetricKind;
  readonly contains: "time" | "data" | "default";
  readonly cells: Map<string, CellWriter> = new Map();
  readonly parts: Set<string> = new Set();
  readonly #index: number;
  readonly #bySet: (CellWriter | undefined)[] = [];
  readonly #recorder: WorkerRecorder;
  readonly #clock: Clock;
  readonly #sink: SampleSink | undefined;

  constructor(
    definition: MetricDefinition,
    index: number,
    recorder: WorkerRecorder,
    clock: Clock,
    sink: SampleSink | undefined,
  ) {
    this.name = definition.name;
    this.kind = definition.kind;
    this.contains = definition.contains;
    this.#index = index;
    this.#recorder = recorder;
    this.#clock = clock;
    this.#sink = sink;
  }

  /** Hot: several times a request. */
  add(value: number, tags: TagSet): void {
    let cell = this.#bySet[tags];
    if (cell === undefined) {
      cell = this.#recorder.openCell(this, tags);
      // Filled from the front, so that the array stays a dense one.
      while (this.#bySet.length < tags) this.#bySet.push(undefined);
      this.#bySet[tags] = cell;
    }
    cell.add(value, this.kind === "gauge" ? this.#clock.wallTime() : 0);
    if (this.#sink !== undefined) this.#sink.sample(this.#index, value, tags);
  }
}

function belongsTo(wanted: Submetric, metric: string, tags: Tags): boolean {
  return wanted.metric === metric && Object.entries(wanted.tags).every(([name, value]) => tags[name] === value);
}

/** The tags that results tell apart; undefined where the sample carries none of them. */
function partOf(tags: Tags, names: readonly string[]): Tags | undefined {
  const kept = names.flatMap((name): [string, string][] => {
    const value = tags[name];
    return value === undefined ? [] : [[name, value]];
  });
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

const overflowPart = (names: readonly string[]): Tags => Object.fromEntries(names.map((name) => [name, "other"]));
