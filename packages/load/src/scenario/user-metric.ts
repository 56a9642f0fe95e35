import type { Metric, MetricDefinition, TagSet, Tags } from "../metrics/recorder.ts";

/** A metric of a script's own, as one user records it. */
export class UserMetric implements MetricDefinition {
  readonly name: string;
  readonly kind: MetricDefinition["kind"];
  readonly contains: MetricDefinition["contains"];
  readonly #metric: Metric;
  readonly #tagSet: (tags: Tags) => TagSet;

  constructor(metric: Metric, tagSet: (tags: Tags) => TagSet) {
    this.name = metric.name;
    this.kind = metric.kind;
    this.contains = metric.contains;
    this.#metric = metric;
    this.#tagSet = tagSet;
  }

  /** A counter's `add()` counts one; a rate takes a truth. */
  add(value: number | boolean = 1, tags: Tags = {}): void {
    this.#metric.add(Number(value), this.#tagSet(tags));
  }
}
