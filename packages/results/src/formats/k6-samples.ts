import { Histogram } from "@mettle/stats";
import { measurementKey } from "../measurement-key.ts";
import type { Measurement, RawBlocks, Run } from "../run.ts";
import { type K6Metric, k6MetricOf } from "./k6-metrics.ts";

export interface K6ExportOptions {
  /** Most samples written for one measurement; beyond it, evenly spread ranks stand for all. @defaultValue 100 000 */
  readonly maxSamples?: number;
}
export const k6ExportDefaults: Required<K6ExportOptions> = { maxSamples: 100_000 };

/** k6's output of a run, line by line: a long one should not have to be held in memory. */
export interface K6Export {
  /** Without newlines. */
  readonly lines: Iterable<string>;
  /** What the format cannot carry, in words. */
  readonly lost: readonly string[];
}

/** One of our measurements as k6 would have reported it. */
export interface K6Series {
  readonly name: string;
  readonly metric: K6Metric;
  readonly tags: Readonly<Record<string, string>>;
  /** In k6's unit. */
  readonly values: Iterable<number>;
  readonly count: number;
}

/**
 * Samples that have a run's distributions. k6's formats hold samples, a run holds summaries, so: raw blocks are written
 * as they are; a histogram as values at evenly spread ranks; a counter as one sample, a gauge as least, greatest and last
 * value, a rate as ones and zeros. A distribution known by summary alone has no samples, and none are made up.
 */
export function k6Series(run: Run, options: K6ExportOptions): { series: readonly K6Series[]; lost: readonly string[] } {
  const { maxSamples } = { ...k6ExportDefaults, ...options };
  const untagged = new Set(run.measurements.filter(isUntagged).map(({ metric }) => metric));
  const lost = new Set<string>([
    "the order and the times of samples: they are spread evenly over the run",
    "environment, revision, intervals, comparisons, notes and requirement ids",
  ]);
  const series: K6Series[] = [];
  for (const measurement of run.measurements) {
    const key = measurementKey(measurement);
    if (!isUntagged(measurement) && untagged.has(measurement.metric)) {
      lost.add(`${key}: its samples are among those of ${measurement.metric}`);
      continue;
    }
    const samples = samplesOf(measurement, maxSamples, run.durationMs);
    if (!samples) {
      lost.add(`${key}: it has no samples, only a summary`);
      continue;
    }
    if (samples.count < measurement.summary.count && samples.reduced) {
      lost.add(`${key}: ${samples.count} of ${measurement.summary.count} samples are written`);
    }
    const { type, contains } = k6MetricOf(measurement);
    const { metric: name, tags } = measurement;
    series.push({ name, metric: { type, contains }, tags, values: samples.values, count: samples.count });
  }
  return { series, lost: [...lost] };
}

const isUntagged = ({ tags }: Measurement): boolean => Object.keys(tags).length === 0;

interface Samples {
  readonly values: Iterable<number>;
  readonly count: number;
  /** True when fewer values stand for more samples. */
  readonly reduced: boolean;
}

function samplesOf(measurement: Measurement, maxSamples: number, durationMs: number): Samples | undefined {
  const { type, factor } = k6MetricOf(measurement);
  const { summary } = measurement;
  const list = (values: readonly (number | undefined)[]): Samples | undefined => {
    const present = values.filter((value) => value !== undefined).map((value) => value * factor);
    return present.length === 0 ? undefined : { values: present, count: present.length, reduced: false };
  };
  if (type === "rate")
    return summary.rate === undefined ? undefined : rateSamples(summary.rate, summary.count, maxSamples);
  if (type === "gauge") return list([summary.min, summary.max, summary.last]);
  if (type === "counter") {
    return list([
      summary.sum ?? (summary.perSecond === undefined ? undefined : summary.perSecond * (durationMs / 1000)),
    ]);
  }
  return trendSamples(measurement, factor, maxSamples);
}

function rateSamples(rate: number, samples: number, maxSamples: number): Samples {
  const count = Math.min(samples, maxSamples);
  const ones = Math.round(rate * count);
  return {
    values: Array.from({ length: count }, (_, index) => (index < ones ? 1 : 0)),
    count,
    reduced: count < samples,
  };
}

function trendSamples(measurement: Measurement, factor: number, maxSamples: number): Samples | undefined {
  const raw = measurement.raw && rawValues(measurement.raw);
  if (raw && raw.length <= maxSamples)
    return { values: raw.map((value) => value * factor), count: raw.length, reduced: false };
  const total = raw?.length ?? measurement.histogram?.count ?? 0;
  if (total === 0) return undefined;
  const count = Math.min(total, maxSamples);
  const sorted = raw?.toSorted((a, b) => a - b);
  const histogram = sorted || !measurement.histogram ? undefined : Histogram.decode(measurement.histogram);
  const at = (q: number): number => sorted?.[Math.floor(q * sorted.length)] ?? histogram?.quantile(q) ?? Number.NaN;
  return {
    count,
    reduced: count < total,
    values: {
      *[Symbol.iterator]() {
        // The ends are exact in either source; between them, the middle of each rank's share.
        for (let i = 0; i < count; i++)
          yield at(i === 0 ? 0 : i === count - 1 ? 1 - Number.EPSILON : (i + 0.5) / count) * factor;
      },
    },
  };
}

/** Every process's values, one after the other. */
function rawValues({ processes }: RawBlocks): number[] {
  return processes.flatMap((encoded) => {
    const bytes = Buffer.from(encoded, "base64");
    return Array.from({ length: bytes.length >> 2 }, (_, index) => bytes.readFloatLE(index * 4));
  });
}
