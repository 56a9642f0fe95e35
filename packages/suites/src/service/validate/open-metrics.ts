import type { Summary } from "@mettle/results";
import { nearestRank, summaryPercentiles } from "@mettle/stats";

export type Labels = Readonly<Record<string, string>>;

interface Sample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

/** `name{label="value",…} value`, as OpenMetrics and Prometheus write a sample; what follows the value is left aside. */
const sampleForm = /^([A-Za-z_:][\w:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?\s+(\S+)/;
const labelForm = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const unescaped = (text: string): string =>
  text.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));

function sampleOf(line: string): Sample | undefined {
  const [, name, labels = "", written = ""] = sampleForm.exec(line) ?? [];
  const value = written === "+Inf" ? Number.POSITIVE_INFINITY : Number(written);
  if (name === undefined || Number.isNaN(value)) return undefined;
  const pairs = [...labels.matchAll(labelForm)].map(([, label = "", text = ""]) => [label, unescaped(text)] as const);
  return { name, labels: Object.fromEntries(pairs), value };
}

const matches = (labels: Labels, wanted: Labels): boolean =>
  Object.entries(wanted).every(([name, value]) => labels[name] === value);

/** How often something took how long. */
export interface DurationCounts {
  /** Upper bound of each bucket, seconds, ascending; what lies above the last is in none. */
  readonly bounds: readonly number[];
  /** What lies in each bucket, and not in the one before it. */
  readonly counts: readonly number[];
  readonly count: number;
  /** Seconds. */
  readonly sum: number;
}

/** What a service told at /metrics at one moment. */
export class MetricsSnapshot {
  readonly #samples: ReadonlyMap<string, readonly Sample[]>;

  /** @param text - OpenMetrics, or Prometheus' older format; lines that are neither are left aside */
  constructor(text: string) {
    const samples = new Map<string, Sample[]>();
    for (const line of text.split("\n")) {
      const sample = line.startsWith("#") ? undefined : sampleOf(line);
      if (!sample) continue;
      const known = samples.get(sample.name);
      if (known) known.push(sample);
      else samples.set(sample.name, [sample]);
    }
    this.#samples = samples;
  }

  /** The one sample, or the sum of all that carry these labels; undefined where there is none. */
  value(name: string, labels: Labels = {}): number | undefined {
    const found = (this.#samples.get(name) ?? []).filter((sample) => matches(sample.labels, labels));
    return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
  }

  /** A histogram; undefined where there is none of this name. Those that differ in other labels are added up. */
  durations(name: string, labels: Labels = {}): DurationCounts | undefined {
    const below = new Map<number, number>();
    for (const sample of this.#samples.get(`${name}_bucket`) ?? []) {
      const bound = sample.labels["le"] === "+Inf" ? Number.POSITIVE_INFINITY : Number(sample.labels["le"]);
      if (matches(sample.labels, labels)) below.set(bound, (below.get(bound) ?? 0) + sample.value);
    }
    if (below.size === 0) return undefined;
    const cumulative = [...below].toSorted(([a], [b]) => a - b);
    const finite = cumulative.filter(([bound]) => Number.isFinite(bound));
    return {
      bounds: finite.map(([bound]) => bound),
      counts: finite.map(([, count], i) => count - (finite[i - 1]?.[1] ?? 0)),
      count: this.value(`${name}_count`, labels) ?? cumulative.at(-1)?.[1] ?? 0,
      sum: this.value(`${name}_sum`, labels) ?? Number.NaN,
    };
  }
}

/**
 * What happened between two readings.
 *
 * @returns undefined where the buckets are not the same, or a counter went back: the service was started again in between
 */
export function durationsSince(before: DurationCounts | undefined, after: DurationCounts): DurationCounts | undefined {
  if (!before) return after;
  if (before.bounds.length !== after.bounds.length || before.bounds.some((bound, i) => bound !== after.bounds[i]))
    return undefined;
  const counts = after.counts.map((count, i) => count - (before.counts[i] ?? 0));
  if (counts.some((count) => count < 0) || after.count < before.count) return undefined;
  return { bounds: after.bounds, counts, count: after.count - before.count, sum: after.sum - before.sum };
}

/** Both together; of the same buckets. */
export const addDurations = (a: DurationCounts | undefined, b: DurationCounts): DurationCounts =>
  a
    ? {
        bounds: b.bounds,
        counts: b.counts.map((count, i) => count + (a.counts[i] ?? 0)),
        count: a.count + b.count,
        sum: a.sum + b.sum,
      }
    : b;

/**
 * Mean and percentiles, ns. A percentile is the upper bound of the bucket that holds its nearest rank, so that what is said
 * to be met is met; one that lies above all bounds, or that so few samples do not support, is absent.
 */
export function summaryOfDurations({ bounds, counts, count, sum }: DurationCounts): Summary {
  const percentiles: Partial<Record<(typeof summaryPercentiles)[number][0], number>> = {};
  for (const [name, q, minimumCount] of summaryPercentiles) {
    const bound = count >= minimumCount ? boundAtRank(bounds, counts, nearestRank(q, count)) : undefined;
    if (bound !== undefined) percentiles[name] = bound * 1e9;
  }
  return { count, ...(count > 0 && Number.isFinite(sum) && { mean: (sum / count) * 1e9 }), ...percentiles };
}

function boundAtRank(bounds: readonly number[], counts: readonly number[], rank: number): number | undefined {
  let below = 0;
  for (const [i, bound] of bounds.entries()) {
    below += counts[i] ?? 0;
    if (below >= rank) return bound;
  }
  return undefined;
}
