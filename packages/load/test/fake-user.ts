import { systemClock } from "@mettle/core";
import type { VirtualUser } from "../src/engine/virtual-user.ts";
import type { HttpClient } from "../src/http/exchange.ts";
import type { Metric, MetricDefinition, MetricRecorder, Tags } from "../src/metrics/recorder.ts";
import { HttpEngine } from "../src/http/http-client.ts";

/** Keeps every sample, to be looked at. */
export class KeepingRecorder implements MetricRecorder {
  readonly samples: { readonly metric: string; readonly value: number; readonly tags: Tags }[] = [];
  readonly #tagSets: Tags[] = [];

  metric(definition: MetricDefinition): Metric {
    return {
      ...definition,
      add: (value, tags) => {
        this.samples.push({ metric: definition.name, value, tags: this.#tagSets[tags] ?? {} });
      },
    };
  }

  tagSet(tags: Tags): number {
    return this.#tagSets.push(tags) - 1;
  }

  of(metric: string): number[] {
    return this.samples.filter((sample) => sample.metric === metric).map(({ value }) => value);
  }
}

export function fakeUser(
  http: HttpClient = new HttpEngine().client(),
  signal = new AbortController().signal,
): VirtualUser {
  return {
    id: 1,
    scenario: "test",
    tags: {},
    environment: {},
    http,
    recorder: new KeepingRecorder(),
    clock: systemClock,
    signal,
    sleep: () => Promise.resolve(),
  };
}
