import type { MetricUnit } from "@mettle/core";
import type { Direction, Measurement } from "../run.ts";

export const k6Types = ["counter", "gauge", "rate", "trend"] as const;
export type K6Type = (typeof k6Types)[number];
export const k6Contents = ["default", "time", "data"] as const;
export type K6Contents = (typeof k6Contents)[number];

/** How k6 declares a metric. */
export interface K6Metric {
  readonly type: K6Type;
  /** What its values are: milliseconds, bytes, or plain numbers. */
  readonly contains: K6Contents;
}

/** A metric's kind in our terms. */
export interface K6Meaning {
  readonly unit: MetricUnit;
  readonly direction: Direction;
  /** From k6's unit to ours. */
  readonly factor: number;
}

const timeTrends = [
  "http_req_blocked",
  "http_req_connecting",
  "http_req_duration",
  "http_req_receiving",
  "http_req_sending",
  "http_req_tls_handshaking",
  "http_req_waiting",
  "iteration_duration",
  "group_duration",
  "ws_connecting",
  "ws_ping",
  "ws_session_duration",
  "grpc_req_duration",
];
const counters = ["http_reqs", "iterations", "dropped_iterations", "ws_sessions", "ws_msgs_sent", "ws_msgs_received"];

/** k6's built-in metrics: its CSV and its summary do not say what a metric is. */
export const k6BuiltIn: ReadonlyMap<string, K6Metric> = new Map<string, K6Metric>([
  ...timeTrends.map((name): [string, K6Metric] => [name, { type: "trend", contains: "time" }]),
  ...counters.map((name): [string, K6Metric] => [name, { type: "counter", contains: "default" }]),
  ["data_sent", { type: "counter", contains: "data" }],
  ["data_received", { type: "counter", contains: "data" }],
  ["vus", { type: "gauge", contains: "default" }],
  ["vus_max", { type: "gauge", contains: "default" }],
  ["checks", { type: "rate", contains: "default" }],
  ["http_req_failed", { type: "rate", contains: "default" }],
]);

const higherIsBetter = new Set(["checks", "http_reqs", "iterations"]);
const lowerIsBetter = new Set(["http_req_failed", "dropped_iterations"]);
const counted = new Set(["vus", "vus_max"]);

/** Unit, direction and factor. k6 has no direction: times are better low; other metrics of a script's own have none. */
export function k6Meaning(name: string, metric: K6Metric): K6Meaning {
  const direction: Direction = higherIsBetter.has(name)
    ? "higher"
    : lowerIsBetter.has(name) || (metric.type === "trend" && metric.contains === "time")
      ? "lower"
      : "none";
  if (metric.type === "rate") return { unit: "1", direction, factor: 1 };
  if (metric.contains === "time") return { unit: "ns", direction, factor: 1e6 };
  if (metric.contains === "data") return { unit: "bytes", direction, factor: 1 };
  return { unit: metric.type === "counter" || counted.has(name) ? "count" : "1", direction, factor: 1 };
}

/** What k6 would call one of our measurements, and the factor from our unit to k6's. */
export function k6MetricOf({ metric, unit, summary }: Measurement): K6Metric & { readonly factor: number } {
  const contains = unit === "ns" ? "time" : unit === "bytes" ? "data" : "default";
  const type = k6BuiltIn.get(metric)?.type ?? typeOf(summary);
  return { type, contains, factor: contains === "time" ? 1e-6 : 1 };
}

function typeOf(summary: Measurement["summary"]): K6Type {
  if (summary.rate !== undefined) return "rate";
  if (summary.p50 !== undefined || summary.p95 !== undefined) return "trend";
  if (summary.last !== undefined) return "gauge";
  return summary.sum === undefined ? "trend" : "counter";
}
