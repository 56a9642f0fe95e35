import type { Measurement } from "@mettle/results";
import { Histogram } from "@mettle/stats";
import type { PushFormat, PushMoment } from "./pushed.ts";

/** Buckets a doubling as a power of two: each is 2.2 % wide. */
const SCALE = 5;
const CUMULATIVE = 2;

/** OTLP/HTTP with JSON: distributions as exponential histograms, counters as sums, all cumulative. Times in seconds. */
export function otlpFormat(service: string): PushFormat {
  return {
    name: "OTLP",
    headers: { "Content-Type": "application/json" },
    encode: (measurements, moment) =>
      JSON.stringify({
        resourceMetrics: [
          {
            resource: { attributes: attributesOf({ "service.name": service }) },
            scopeMetrics: [{ scope: { name: "mettle" }, metrics: measurements.map((each) => metricOf(each, moment)) }],
          },
        ],
      }),
  };
}

const attributesOf = (tags: Readonly<Record<string, string>>): object[] =>
  Object.entries(tags).map(([key, value]) => ({ key, value: { stringValue: value } }));

/** 64-bit integers are texts in OTLP's JSON. */
const nanos = (ms: number): string => `${Math.round(ms)}000000`;

const units: Readonly<Record<string, readonly [unit: string, factor: number]>> = {
  ns: ["s", 1e-9],
  bytes: ["By", 1],
  count: ["1", 1],
  "1": ["1", 1],
};

function metricOf(measurement: Measurement, { startedAtMs, atMs }: PushMoment): object {
  const { metric, unit, tags, summary, histogram } = measurement;
  const [otlpUnit, factor] = units[unit] ?? [unit, 1];
  const point = {
    attributes: attributesOf(tags),
    startTimeUnixNano: nanos(startedAtMs),
    timeUnixNano: nanos(atMs),
  };
  const named = { name: metric, unit: otlpUnit };
  if (histogram) {
    const exponential = exponentialOf(Histogram.decode(histogram), factor);
    const { min, max } = histogram;
    const dataPoint = { ...point, ...exponential, sum: histogram.sum * factor, min: min * factor, max: max * factor };
    return { ...named, exponentialHistogram: { aggregationTemporality: CUMULATIVE, dataPoints: [dataPoint] } };
  }
  if (summary.sum !== undefined) {
    const dataPoints = [{ ...point, asDouble: summary.sum * factor }];
    return { ...named, sum: { aggregationTemporality: CUMULATIVE, isMonotonic: true, dataPoints } };
  }
  const value = (summary.rate ?? summary.last ?? summary.mean ?? 0) * factor;
  return { ...named, gauge: { dataPoints: [{ ...point, asDouble: value }] } };
}

/** Our log-linear buckets as exponential ones: each goes where its middle lies. */
export function exponentialOf(
  histogram: Histogram,
  factor: number,
): {
  readonly count: string;
  readonly scale: number;
  readonly zeroCount: string;
  readonly positive: { readonly offset: number; readonly bucketCounts: readonly string[] };
} {
  const counts = new Map<number, number>();
  let zeroCount = 0;
  for (const { from, to, count } of histogram.buckets()) {
    const middle = ((from + to) / 2) * factor;
    if (middle <= 0) zeroCount += count;
    else {
      // Bucket i holds (base^i, base^(i+1)] with base = 2^(2^-scale).
      const index = Math.ceil(Math.log2(middle) * 2 ** SCALE) - 1;
      counts.set(index, (counts.get(index) ?? 0) + count);
    }
  }
  const indices = [...counts.keys()];
  const offset = indices.length > 0 ? Math.min(...indices) : 0;
  const length = indices.length > 0 ? Math.max(...indices) - offset + 1 : 0;
  return {
    count: String(histogram.count),
    scale: SCALE,
    zeroCount: String(zeroCount),
    positive: { offset, bucketCounts: Array.from({ length }, (_, i) => String(counts.get(offset + i) ?? 0)) },
  };
}
