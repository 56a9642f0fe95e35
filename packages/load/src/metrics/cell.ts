import { Histogram } from "@mettle/stats";
import type { MetricDefinition, MetricKind } from "./recorder.ts";

/**
 * Where the samples of one (metric, kept tags) go, in memory that two threads share. It has two halves: a worker records
 * into one while the main thread reads and clears the other; they change places once a second, by a message, so that
 * recording takes no lock and copies nothing.
 */
export interface CellMemory {
  readonly definition: MetricDefinition;
  readonly halves: readonly [SharedArrayBuffer, SharedArrayBuffer];
}

/** From the unit that the recorder takes to that of the run document: times are milliseconds there, nanoseconds here. */
const factorOf = ({ contains }: MetricDefinition): number => (contains === "time" ? 1e6 : 1);

/** Times to the nanosecond, sizes to the byte, other numbers to a millionth. */
const resolutionOf = ({ contains }: MetricDefinition): number => (contains === "default" ? 1e-6 : 1);

const histogramOf = (definition: MetricDefinition, buffer?: SharedArrayBuffer): Histogram =>
  new Histogram({ resolution: resolutionOf(definition), ...(buffer && { buffer }) });

export const emptyHistogram = (definition: MetricDefinition): Histogram => histogramOf(definition);

// Words of a half that holds a counter, a rate or a gauge.
const COUNT = 0;
const SUM = 1;
const MINIMUM = 2;
const MAXIMUM = 3;
const LAST = 4;
const LAST_AT = 5;
const REJECTED = 6;
const WORDS = 7;

/** Sums of a counter (amounts), a rate (ones) or a gauge (values). Plain numbers, mergeable. */
export class Tally {
  readonly #words: Float64Array;

  constructor(buffer: ArrayBufferLike = new ArrayBuffer(WORDS * 8)) {
    this.#words = new Float64Array(buffer);
  }

  static readonly byteLength: number = WORDS * 8;

  get count(): number {
    return this.#words[COUNT] ?? 0;
  }
  get sum(): number {
    return this.#words[SUM] ?? 0;
  }
  get min(): number {
    return this.#words[MINIMUM] ?? 0;
  }
  get max(): number {
    return this.#words[MAXIMUM] ?? 0;
  }
  get last(): number {
    return this.#words[LAST] ?? 0;
  }
  get lastAt(): number {
    return this.#words[LAST_AT] ?? 0;
  }
  get rejected(): number {
    return this.#words[REJECTED] ?? 0;
  }

  /** Hot. @param at - moment of a gauge's value, on one clock for all threads; 0 where it does not matter */
  add(value: number, at: number): void {
    const words = this.#words;
    if (!Number.isFinite(value)) {
      words[REJECTED]! += 1;
      return;
    }
    if (this.count === 0) {
      words[MINIMUM] = value;
      words[MAXIMUM] = value;
    } else {
      if (value < words[MINIMUM]!) words[MINIMUM] = value;
      if (value > words[MAXIMUM]!) words[MAXIMUM] = value;
    }
    words[COUNT]! += 1;
    words[SUM]! += value;
    words[LAST] = value;
    words[LAST_AT] = at;
  }

  reject(): void {
    this.#words[REJECTED]! += 1;
  }

  /** A copy of everything, as `Tally.of` reads it. */
  words(): Float64Array {
    return this.#words.slice();
  }

  /** @throws Error for what `words` did not give */
  static of(words: Float64Array): Tally {
    if (words.length !== WORDS || !words.every(Number.isFinite)) throw new Error("these are not the words of a tally");
    return new Tally(words.slice().buffer);
  }

  /**
   * From the wall clock of another machine to that of this one: when a gauge had its last value, and its values where they
   * are moments.
   *
   * @param offsetMs - that clock minus this one
   */
  onOwnTime(offsetMs: number, holdsMoments: boolean): this {
    const words = this.#words;
    if (this.count === 0) return this;
    words[LAST_AT]! -= offsetMs;
    if (!holdsMoments) return this;
    for (const word of [MINIMUM, MAXIMUM, LAST]) words[word]! -= offsetMs;
    words[SUM]! -= offsetMs * this.count;
    return this;
  }

  merge(other: Tally): void {
    const words = this.#words;
    words[REJECTED]! += other.rejected;
    if (other.count === 0) return;
    const first = this.count === 0;
    words[MINIMUM] = first ? other.min : Math.min(this.min, other.min);
    words[MAXIMUM] = first ? other.max : Math.max(this.max, other.max);
    if (first || other.lastAt >= this.lastAt) {
      words[LAST] = other.last;
      words[LAST_AT] = other.lastAt;
    }
    words[COUNT]! += other.count;
    words[SUM]! += other.sum;
  }

  reset(): void {
    this.#words.fill(0);
  }
}

/** A worker's end of a cell. Hot: `add` is one comparison and one recording. */
export interface CellWriter {
  add(value: number, at: number): void;
  /** Records into the other half from now on. */
  flip(): void;
}

class TrendWriter implements CellWriter {
  #active: Histogram;
  #idle: Histogram;
  readonly #factor: number;

  constructor({ definition, halves }: CellMemory) {
    this.#active = histogramOf(definition, halves[0]);
    this.#idle = histogramOf(definition, halves[1]);
    this.#factor = factorOf(definition);
  }

  add(value: number): void {
    this.#active.record(value * this.#factor);
  }

  flip(): void {
    [this.#active, this.#idle] = [this.#idle, this.#active];
  }
}

class TallyWriter implements CellWriter {
  #active: Tally;
  #idle: Tally;
  readonly #kind: MetricKind;
  readonly #factor: number;

  constructor({ definition, halves }: CellMemory) {
    this.#active = new Tally(halves[0]);
    this.#idle = new Tally(halves[1]);
    this.#kind = definition.kind;
    this.#factor = factorOf(definition);
  }

  add(value: number, at: number): void {
    // A counter only grows: a negative amount is a mistake of the script that must not hide in a sum.
    if (this.#kind === "counter" && value < 0) this.#active.reject();
    else this.#active.add(this.#kind === "rate" ? (value ? 1 : 0) : value * this.#factor, at);
  }

  flip(): void {
    [this.#active, this.#idle] = [this.#idle, this.#active];
  }
}

export function allocateCell(definition: MetricDefinition): CellMemory {
  const length =
    definition.kind === "trend" ? Histogram.byteLength({ resolution: resolutionOf(definition) }) : Tally.byteLength;
  const half = (): SharedArrayBuffer => new SharedArrayBuffer(length);
  return { definition, halves: [half(), half()] };
}

export const openWriter = (memory: CellMemory): CellWriter =>
  memory.definition.kind === "trend" ? new TrendWriter(memory) : new TallyWriter(memory);

/** The main thread's end of a cell: one accumulator for each half. */
export type CellHalf = Histogram | Tally;

export const openReader = ({ definition, halves }: CellMemory): readonly [CellHalf, CellHalf] =>
  definition.kind === "trend"
    ? [histogramOf(definition, halves[0]), histogramOf(definition, halves[1])]
    : [new Tally(halves[0]), new Tally(halves[1])];
