import type { Measurement } from "@mettle/results";
import type { PushFormat } from "./pushed.ts";
import { ProtobufWriter } from "./protobuf.ts";
import { snappyStored } from "./snappy.ts";

/** Prometheus remote write 1.0. Names as k6's: `k6_http_req_duration_p95`, `k6_http_reqs_total`; times in seconds. */
export const prometheusFormat: PushFormat = {
  name: "Prometheus remote write",
  headers: {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
  },
  encode: (measurements, { atMs }) => snappyStored(writeRequest(measurements.flatMap(seriesOf), Math.round(atMs))),
};

/** One figure with its labels. */
export interface PrometheusSeries {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const trendStatistics = ["min", "mean", "p50", "p90", "p95", "p99", "max"] as const;

export function seriesOf({ metric, unit, tags, summary }: Measurement): readonly PrometheusSeries[] {
  const factor = unit === "ns" ? 1e-9 : 1;
  const base = `k6_${safeName(metric)}`;
  const of = (suffix: string, value: number | undefined): PrometheusSeries[] =>
    value === undefined ? [] : [{ name: `${base}${suffix}`, labels: tags, value }];
  if (summary.sum !== undefined) return of("_total", summary.sum * factor);
  if (summary.rate !== undefined) return of("_rate", summary.rate);
  if (summary.last !== undefined) return of("", summary.last * factor);
  return [
    ...of("_count", summary.count),
    ...trendStatistics.flatMap((name) => of(name === "mean" ? "_avg" : `_${name}`, scaled(summary[name], factor))),
  ];
}

const scaled = (value: number | undefined, factor: number): number | undefined =>
  value === undefined ? undefined : value * factor;

const safeName = (name: string): string => name.replaceAll(/[^a-zA-Z0-9_]/g, "_");

/** The message `prometheus.WriteRequest`. Labels are sorted by name, as receivers demand. */
export function writeRequest(series: readonly PrometheusSeries[], atMs: number): Uint8Array {
  const request = new ProtobufWriter();
  for (const { name, labels, value } of series) {
    const timeseries = new ProtobufWriter();
    const pairs: [string, string][] = [
      ["__name__", name],
      ...Object.entries(labels).map(([key, text]): [string, string] => [safeName(key), text]),
    ];
    for (const [key, text] of pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))) {
      timeseries.message(1, new ProtobufWriter().text(1, key).text(2, text));
    }
    timeseries.message(2, new ProtobufWriter().double(1, value).integer(2, atMs));
    request.message(1, timeseries);
  }
  return request.finish();
}
