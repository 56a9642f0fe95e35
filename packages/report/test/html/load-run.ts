import { Random } from "@mettle/core";
import type { Measurement, Run, Series } from "@mettle/results";
import { Histogram } from "@mettle/stats";
import { run } from "../builders.ts";

export interface LoadShape {
  readonly seconds: number;
  readonly operations: readonly string[];
  /** Seconds between two points. @defaultValue 1 */
  readonly step?: number;
  /** Median time of an operation at a second, in ns. @defaultValue 20 ms */
  readonly median?: (operation: number, second: number) => number;
  /** Share of failed requests. @defaultValue 0 */
  readonly failing?: (operation: number, second: number) => number;
  /** When an operation begins and ends, in seconds. @defaultValue the whole run */
  readonly active?: (operation: number) => readonly [number, number];
}

const RATE = 20;

/** A run as `mettle load` writes it, with the same metrics, columns and tags; every figure from a seed. */
export function loadRun(shape: LoadShape, more: Partial<Run> = {}): Run {
  const { seconds, operations } = shape;
  const random = new Random(7);
  const parts = operations.map((name, i) => operation(name, i, shape, random));
  const all = new Histogram({ bits: 7, resolution: 1 });
  for (const { histogram } of parts) all.merge(histogram);
  const failed = parts.reduce((sum, part) => sum + part.failed, 0);
  const requests = parts.reduce((sum, part) => sum + part.requests, 0);
  const first = parts[0]?.times.series;
  return run({
    kind: "load",
    name: "shop",
    durationMs: seconds * 1000,
    measurements: [
      counter("http_reqs", {}, requests, seconds, first),
      counter("iterations", {}, requests, seconds, first),
      rate("http_req_failed", {}, failed / requests, requests, first),
      trend("http_req_response_time", {}, all, first),
      trend("iteration_start_delay", {}, all, first),
      ...parts.flatMap((part) => part.measurements),
    ],
    ...more,
  });
}

function operation(name: string, index: number, shape: LoadShape, random: Random) {
  const { seconds, step = 1, median = () => 20e6, failing = () => 0, active = () => [0, seconds] as const } = shape;
  const tags = { name, scenario: `s-${index}` };
  const histogram = new Histogram({ bits: 7, resolution: 1 });
  const columns: Record<string, (number | null)[]> = {
    mean: [],
    min: [],
    p50: [],
    p95: [],
    p99: [],
    max: [],
    count: [],
  };
  const [failures, atMs]: [(number | null)[], number[]] = [[], []];
  const [from, to] = active(index);
  let failed = 0;
  for (let second = from; second < to; second += step) {
    const times = Array.from(
      { length: RATE },
      () => median(index, second) * Math.exp(0.4 * (random.uniform() + random.uniform() - 1)),
    );
    times.sort((a, b) => a - b);
    for (const time of times) histogram.record(Math.round(time));
    const at = (q: number): number => times[Math.ceil(q * RATE) - 1] ?? 0;
    atMs.push((second + step) * 1000);
    const point = { mean: at(0.5), min: at(0.01), p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1), count: RATE };
    for (const [column, value] of Object.entries(point)) columns[column]?.push(value);
    failures.push(failing(index, second));
    failed += failing(index, second) * RATE;
  }
  const requests = atMs.length * RATE;
  const series: Series = { atMs, values: columns };
  const sums: Series = { atMs, values: { perSecond: atMs.map(() => RATE / step), sum: atMs.map(() => RATE) } };
  const shares: Series = { atMs, values: { rate: failures, count: atMs.map(() => RATE) } };
  const times = trend("http_req_response_time", tags, histogram, series);
  return {
    times,
    histogram,
    failed,
    requests,
    measurements: [
      times,
      counter("http_reqs", tags, requests, seconds, sums),
      rate("http_req_failed", tags, failed / requests, requests, shares),
      counter("iterations", { scenario: `s-${index}` }, requests, seconds, sums),
    ],
  };
}

const trend = (
  metric: string,
  tags: Measurement["tags"],
  histogram: Histogram,
  series: Series | undefined,
): Measurement => ({
  metric,
  unit: "ns",
  direction: "lower",
  tags,
  summary: histogram.summary(),
  histogram: histogram.encode(),
  ...(series && { series }),
});

const counter = (
  metric: string,
  tags: Measurement["tags"],
  sum: number,
  seconds: number,
  series: Series | undefined,
): Measurement => ({
  metric,
  unit: "count",
  direction: "higher",
  tags,
  summary: { count: sum, sum, perSecond: sum / seconds },
  ...(series && {
    series: { atMs: series.atMs, values: { perSecond: series.atMs.map(() => RATE), sum: series.atMs.map(() => RATE) } },
  }),
});

const rate = (
  metric: string,
  tags: Measurement["tags"],
  share: number,
  count: number,
  series: Series | undefined,
): Measurement => ({
  metric,
  unit: "1",
  direction: "lower",
  tags,
  summary: { count, rate: share },
  ...(series && { series }),
});
