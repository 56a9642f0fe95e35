import type { Clock } from "@mettle/core";
import type { TagSet, Tags } from "../metrics/recorder.ts";
import type { SampleSink } from "../metrics/worker-recorder.ts";
import type { SampleBatch } from "./protocol.ts";
import type { MetricDefinition } from "../metrics/recorder.ts";

const BATCH = 4096;

/** Gathers single samples into batches for outputs that want each of them. */
export class SampleStream implements SampleSink {
  readonly #clock: Clock;
  readonly #send: (batch: SampleBatch) => void;
  #metric = new Uint16Array(BATCH);
  #value = new Float64Array(BATCH);
  #at = new Float64Array(BATCH);
  #tags = new Uint32Array(BATCH);
  #length = 0;
  #toldTags = 0;
  /** Set once the recorder exists: it and this know each other. */
  source: { readonly definitions: readonly MetricDefinition[]; tagsOf(set: TagSet): Tags } | undefined;

  constructor(clock: Clock, send: (batch: SampleBatch) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  /** Hot: once a sample. */
  sample(metric: number, value: number, tags: TagSet): void {
    const at = this.#length;
    this.#metric[at] = metric;
    this.#value[at] = value;
    this.#at[at] = this.#clock.wallTime();
    this.#tags[at] = tags;
    this.#length = at + 1;
    if (this.#length === BATCH) this.flush();
  }

  flush(): void {
    const length = this.#length;
    if (length === 0 || !this.source) return;
    const newTags: [number, Tags][] = [];
    for (let i = 0; i < length; i++) {
      // Numbers are given in ascending order, so one mark tells which are new.
      for (; this.#toldTags <= this.#tags[i]!; this.#toldTags++) {
        newTags.push([this.#toldTags, this.source.tagsOf(this.#toldTags)]);
      }
    }
    this.#send({
      metric: this.#metric.slice(0, length),
      value: this.#value.slice(0, length),
      at: this.#at.slice(0, length),
      tags: this.#tags.slice(0, length),
      metrics: this.source.definitions,
      newTags,
    });
    this.#length = 0;
  }
}
