import type { SampleBook } from "./sample-book.ts";

/** What is recorded while a load test runs. The names of kinds are k6's. */
export type MetricKind = "trend" | "counter" | "gauge" | "rate";

export interface MetricDefinition {
  /** As k6 or the user names it, e.g. `http_req_duration`. */
  readonly name: string;
  readonly kind: MetricKind;
  /** What the values are: times are milliseconds, data is bytes, anything else is plain numbers. */
  readonly contains: "time" | "data" | "default";
}

export type Tags = Readonly<Record<string, string>>;

/** An interned set of tags: a small number, equal for equal tags within one worker. */
export type TagSet = number;

/**
 * Where samples go. One a worker thread. Hot: `add` allocates nothing and keeps no sample, only histograms and sums per
 * (metric, tag set); beyond the cap on tag sets everything falls into one series named `other`, which is reported.
 */
export interface MetricRecorder {
  /** The same definition twice gives the same handle; another kind under a used name throws `LOAD_METRIC_CONFLICT`. */
  metric(definition: MetricDefinition): Metric;
  tagSet(tags: Tags): TagSet;
  /** Where the slowest samples and kinds of failure are kept; absent where nobody asks for them. */
  readonly book?: SampleBook;
}

export interface Metric extends MetricDefinition {
  /** Trend: a value. Counter: an amount ≥ 0. Gauge: the value now. Rate: 0 or 1. Not finite: counted as rejected. */
  add(value: number, tags: TagSet): void;
}
