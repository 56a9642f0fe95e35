import type { MetricUnit } from "@mettle/core";
import type { Direction, Interval, Measurement, Series } from "@mettle/results";
import { Histogram, summarize } from "@mettle/stats";

export type Tags = Readonly<Record<string, string>>;

/** What a metric is, beside its figures. */
export interface MetricOptions {
  readonly tags?: Tags;
  /** Ids that it answers, beside those of its scenario. */
  readonly requirement?: readonly string[];
  readonly notes?: readonly string[];
}

export interface ValueOptions extends MetricOptions {
  readonly unit: MetricUnit;
  readonly direction: Direction;
  readonly interval?: Interval;
}

/** Times of one operation, in ns, with the attempts that failed: what every scenario is measured with (S2-130). */
export interface OperationTimes {
  readonly times: Histogram;
  /** A failed attempt has no time: it is counted by its kind. */
  fail(kind: string): void;
}

interface Timed extends MetricOptions {
  readonly metric: string;
  readonly times: Histogram;
  readonly failures: Map<string, number>;
}

/** Collects what a scenario measures. Every figure comes from samples given here: there is no way to enter a percentile. */
export class Recorder {
  readonly #requirement: readonly string[];
  readonly #shared: Tags;
  readonly #timed = new Map<string, Timed>();
  readonly #others: Measurement[] = [];

  /** @param shared - tags of everything recorded, such as the platform */
  constructor(requirement: readonly string[], shared: Tags) {
    this.#requirement = requirement;
    this.#shared = shared;
  }

  /**
   * The times of an operation; asked for again, the same.
   *
   * @param limitsNs - counted exactly, for objectives such as "99.9 % under 10 ms"
   */
  operation(metric: string, options: MetricOptions & { readonly limitsNs?: readonly number[] } = {}): OperationTimes {
    const key = `${metric} ${JSON.stringify(options.tags ?? {})}`;
    let timed = this.#timed.get(key);
    if (timed === undefined) {
      const { limitsNs = [], ...rest } = options;
      timed = { metric, ...rest, times: new Histogram({ limits: limitsNs }), failures: new Map() };
      this.#timed.set(key, timed);
    }
    const { times, failures } = timed;
    return { times, fail: (kind) => void failures.set(kind, (failures.get(kind) ?? 0) + 1) };
  }

  /** A figure measured once, or the mean of several samples of it. */
  value(metric: string, samples: number | readonly number[], options: ValueOptions): void {
    const list = typeof samples === "number" ? [samples] : samples;
    if (list.length === 0) return; // not measured is absent
    const { unit, direction, interval } = options;
    this.#others.push({
      ...this.#named(metric, options),
      unit,
      direction,
      summary: summarize(list),
      ...(interval && { interval }),
    });
  }

  /** The share of attempts that went well. */
  rate(
    metric: string,
    good: number,
    total: number,
    options: MetricOptions & { readonly direction?: Direction } = {},
  ): void {
    if (total === 0) return;
    this.#others.push({
      ...this.#named(metric, options),
      unit: "1",
      direction: options.direction ?? "higher",
      summary: { count: total, rate: good / total },
    });
  }

  /** A figure over time. */
  series(metric: string, series: Series, options: ValueOptions): void {
    const values = (series.values["value"] ?? []).filter((value) => value !== null);
    if (values.length === 0) return;
    const { unit, direction } = options;
    this.#others.push({ ...this.#named(metric, options), unit, direction, summary: summarize(values), series });
  }

  /** The document's form of everything recorded. */
  measurements(): Measurement[] {
    const times = [...this.#timed.values()].map((timed): Measurement => {
      const { metric, times, failures } = timed;
      const count = [...failures.values()].reduce((sum, each) => sum + each, 0);
      return {
        ...this.#named(metric, timed),
        unit: "ns",
        direction: "lower",
        summary: times.summary(),
        ...(times.count > 0 && { histogram: times.encode() }),
        ...(count > 0 && { errors: { count, kinds: Object.fromEntries(failures) } }),
      };
    });
    return [...times, ...this.#others];
  }

  #named(metric: string, options: MetricOptions): Pick<Measurement, "metric" | "tags" | "requirement" | "notes"> {
    const requirement = [...new Set([...this.#requirement, ...(options.requirement ?? [])])];
    return {
      metric,
      tags: { ...options.tags, ...this.#shared },
      ...(requirement.length > 0 && { requirement }),
      ...(options.notes && options.notes.length > 0 && { notes: options.notes }),
    };
  }
}
