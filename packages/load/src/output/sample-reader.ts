import type { SampleBatch } from "../engine/protocol.ts";
import type { MetricDefinition, Tags } from "../metrics/recorder.ts";

/** One sample, in the recorder's unit: times in ms. */
export interface Sample {
  readonly metric: MetricDefinition;
  readonly value: number;
  /** Wall time in ms. */
  readonly atMs: number;
  readonly tags: Tags;
}

/** Reads batches of samples: tag sets are told once and then by number, for each worker apart. */
export class SampleReader {
  readonly #tags = new Map<number, Tags[]>();

  *read(worker: number, batch: SampleBatch): Generator<Sample> {
    const known = this.#tags.get(worker) ?? [];
    this.#tags.set(worker, known);
    for (const [set, tags] of batch.newTags) known[set] = tags;
    for (let i = 0; i < batch.metric.length; i++) {
      const metric = batch.metrics[batch.metric[i] ?? 0];
      if (!metric) continue;
      yield {
        metric,
        value: batch.value[i] ?? Number.NaN,
        atMs: batch.at[i] ?? 0,
        tags: known[batch.tags[i] ?? 0] ?? {},
      };
    }
  }
}
