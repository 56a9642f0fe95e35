import type { Metric, MetricDefinition, MetricRecorder, TagSet, Tags } from "../../src/metrics/recorder.ts";

export interface Sample {
  readonly metric: string;
  readonly value: number;
  readonly tags: Tags;
}

/** Keeps every sample, for tests to look at. */
export class SampleRecorder implements MetricRecorder {
  readonly samples: Sample[] = [];
  readonly #metrics = new Map<string, Metric>();
  readonly #sets: Tags[] = [];
  readonly #keys = new Map<string, TagSet>();

  metric(definition: MetricDefinition): Metric {
    const known = this.#metrics.get(definition.name);
    if (known) return known;
    const metric: Metric = {
      ...definition,
      add: (value, set) => void this.samples.push({ metric: definition.name, value, tags: this.#sets[set] as Tags }),
    };
    this.#metrics.set(definition.name, metric);
    return metric;
  }

  tagSet(tags: Tags): TagSet {
    const key = JSON.stringify(Object.entries(tags).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    const known = this.#keys.get(key) ?? this.#sets.push({ ...tags }) - 1;
    this.#keys.set(key, known);
    return known;
  }

  of(metric: string): Sample[] {
    return this.samples.filter((sample) => sample.metric === metric);
  }

  values(metric: string): number[] {
    return this.of(metric).map(({ value }) => value);
  }

  tags(metric: string, name: string): (string | undefined)[] {
    return this.of(metric).map(({ tags }) => tags[name]);
  }
}
