import { Histogram } from "@mettle/stats";
import { measurementKey } from "../measurement-key.ts";
import type { Measurement, Summary } from "../run.ts";
import { type K6Metric, type K6Meaning, k6Meaning } from "./k6-metrics.ts";

type Tags = Readonly<Record<string, string>>;

export interface AggregateOptions {
  /** Split every metric by these tags as well, one measurement for each combination seen. */
  readonly splitBy: readonly string[];
  /** Combinations kept apart; the samples of all further ones go to one tagged `series: other`. */
  readonly maxSeries: number;
}

interface Definition extends K6Metric, K6Meaning {
  /** Of all its samples; absent while there is none. */
  overall: Accumulator | undefined;
  /** Those that the script declared as submetrics. */
  readonly submetrics: Submetric[];
}

interface Submetric {
  readonly tags: Tags;
  /** The tags as pairs, taken apart once. */
  readonly wanted: readonly (readonly [string, string])[];
  series: Accumulator | undefined;
}
const submetricOf = (tags: Tags): Submetric => ({ tags, wanted: Object.entries(tags), series: undefined });

/** The samples of one metric and tag set. */
interface Accumulator {
  readonly metric: string;
  readonly tags: Tags;
  readonly definition: Definition;
  /** Trends only. */
  readonly histogram: Histogram | undefined;
  count: number;
  sum: number;
  min: number;
  max: number;
  last: number;
  lastAtMs: number;
  trues: number;
}

/** Values of a trend of plain numbers are kept to this; times to the nanosecond, sizes to the byte. */
const PLAIN_RESOLUTION = 0.001;

/** Sums up k6's samples as they pass: memory grows with metrics and tag sets, never with samples. */
export class K6Aggregate {
  readonly #options: AggregateOptions;
  readonly #definitions = new Map<string, Definition>();
  readonly #series = new Map<string, Accumulator>();
  /** By metric and values of the tags split by. */
  readonly #splits = new Map<string, Accumulator | "elsewhere">();
  #splitSeries = 0;
  #overflowed = 0;
  #firstMs = Number.POSITIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;
  #samples = 0;

  constructor(options: AggregateOptions) {
    this.#options = options;
  }

  /** Declares a metric; later samples refer to it. Declaring it again adds submetrics. */
  define(name: string, metric: K6Metric, submetrics: readonly Tags[] = []): void {
    const known = this.#definitions.get(name);
    if (known) known.submetrics.push(...submetrics.map(submetricOf));
    else {
      const definition = {
        ...metric,
        ...k6Meaning(name, metric),
        overall: undefined,
        submetrics: submetrics.map(submetricOf),
      };
      this.#definitions.set(name, definition);
    }
  }

  isDefined(name: string): boolean {
    return this.#definitions.has(name);
  }

  /** Hot: once per sample. `name` must be defined. */
  add(name: string, atMs: number, value: number, tags: Tags): void {
    const definition = this.#definitions.get(name);
    if (!definition) return;
    this.#samples++;
    if (atMs < this.#firstMs) this.#firstMs = atMs;
    if (atMs > this.#lastMs) this.#lastMs = atMs;
    definition.overall ??= this.#accumulator(name, {}, definition);
    record(definition.overall, atMs, value);
    for (const submetric of definition.submetrics) {
      if (!includes(tags, submetric.wanted)) continue;
      submetric.series ??= this.#accumulator(name, submetric.tags, definition);
      record(submetric.series, atMs, value);
    }
    if (this.#options.splitBy.length > 0) this.#addSplit(name, atMs, value, tags, definition);
  }

  get samples(): number {
    return this.#samples;
  }
  /** When the first sample was taken; undefined while there is none. */
  get startedAtMs(): number | undefined {
    return this.#samples > 0 ? this.#firstMs : undefined;
  }
  get durationMs(): number {
    return this.#samples > 0 ? this.#lastMs - this.#firstMs : 0;
  }
  /** Samples that went to the `other` series because there were too many tag sets. */
  get overflowed(): number {
    return this.#overflowed;
  }

  measurements(): readonly Measurement[] {
    return [...this.#series.values()].map((series) => measurementOf(series, this.durationMs));
  }

  #addSplit(name: string, atMs: number, value: number, tags: Tags, definition: Definition): void {
    let id = name;
    for (const tag of this.#options.splitBy) id += Object.hasOwn(tags, tag) ? `\0=${tags[tag]}` : "\0";
    const known = this.#splits.get(id);
    const series = known ?? this.#newSplit(name, tags, definition);
    if (series === "other") {
      // Beyond the limit nothing is remembered: memory must not grow with the tag sets.
      this.#overflowed++;
      record(this.#accumulator(name, { series: "other" }, definition), atMs, value);
      return;
    }
    if (known === undefined) this.#splits.set(id, series);
    // A submetric declared after the first samples may be the same series: its samples are recorded there.
    if (series !== "elsewhere" && !definition.submetrics.some((declared) => declared.series === series)) {
      record(series, atMs, value);
    }
  }

  /** `elsewhere`: the samples are those of the whole metric, or of a declared submetric. */
  #newSplit(name: string, tags: Tags, definition: Definition): Accumulator | "elsewhere" | "other" {
    const chosen = Object.fromEntries(
      this.#options.splitBy.filter((tag) => Object.hasOwn(tags, tag)).map((tag) => [tag, tags[tag] ?? ""]),
    );
    const isDeclared = definition.submetrics.some((declared) => isEqual(declared.tags, chosen));
    if (Object.keys(chosen).length === 0 || isDeclared) return "elsewhere";
    if (this.#splitSeries >= this.#options.maxSeries) return "other";
    this.#splitSeries++;
    return this.#accumulator(name, chosen, definition);
  }

  #accumulator(metric: string, tags: Tags, definition: Definition): Accumulator {
    const key = measurementKey({ metric, tags });
    let series = this.#series.get(key);
    if (!series) {
      const resolution = definition.contains === "default" ? PLAIN_RESOLUTION : 1;
      series = {
        metric,
        tags,
        definition,
        histogram: definition.type === "trend" ? new Histogram({ resolution }) : undefined,
        count: 0,
        sum: 0,
        min: Number.POSITIVE_INFINITY,
        max: Number.NEGATIVE_INFINITY,
        last: Number.NaN,
        lastAtMs: Number.NEGATIVE_INFINITY,
        trues: 0,
      };
      this.#series.set(key, series);
    }
    return series;
  }
}

function record(series: Accumulator, atMs: number, value: number): void {
  const scaled = value * series.definition.factor;
  series.count++;
  series.sum += scaled;
  if (scaled < series.min) series.min = scaled;
  if (scaled > series.max) series.max = scaled;
  if (atMs >= series.lastAtMs) {
    series.lastAtMs = atMs;
    series.last = scaled;
  }
  if (value !== 0) series.trues++;
  series.histogram?.record(scaled);
}

const includes = (tags: Tags, wanted: Submetric["wanted"]): boolean =>
  wanted.every(([tag, value]) => Object.hasOwn(tags, tag) && tags[tag] === value);
const isEqual = (a: Tags, b: Tags): boolean =>
  Object.keys(a).length === Object.keys(b).length && includes(a, Object.entries(b));

function measurementOf(series: Accumulator, durationMs: number): Measurement {
  const { metric, tags, definition, histogram } = series;
  const rejected = histogram?.rejected ?? 0;
  return {
    metric,
    unit: definition.unit,
    direction: definition.direction,
    tags,
    summary: summaryOf(series, durationMs),
    ...(histogram && histogram.count > 0 ? { histogram: histogram.encode() } : {}),
    ...(rejected > 0 ? { notes: [`${rejected} negative samples are not in these figures`] } : {}),
  };
}

function summaryOf(series: Accumulator, durationMs: number): Summary {
  const { count, sum, min, max, last, trues, definition, histogram } = series;
  if (definition.type === "trend") return histogram?.summary() ?? { count };
  if (definition.type === "rate") return { count, rate: trues / count };
  if (definition.type === "gauge") return { count, min, max, last };
  return { count, sum, ...(durationMs > 0 ? { perSecond: sum / (durationMs / 1000) } : {}) };
}
