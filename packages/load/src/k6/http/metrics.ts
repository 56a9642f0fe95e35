import type { MetricDefinition } from "../../metrics/recorder.ts";

const time = (name: string): MetricDefinition => ({ name, kind: "trend", contains: "time" });

/** What k6 records by itself, under k6's names. `vus`, `iterations` and the like are the engine's. */
export const httpMetrics = {
  requests: { name: "http_reqs", kind: "counter", contains: "default" },
  duration: time("http_req_duration"),
  blocked: time("http_req_blocked"),
  connecting: time("http_req_connecting"),
  tlsHandshaking: time("http_req_tls_handshaking"),
  sending: time("http_req_sending"),
  waiting: time("http_req_waiting"),
  receiving: time("http_req_receiving"),
  failed: { name: "http_req_failed", kind: "rate", contains: "default" },
  dataSent: { name: "data_sent", kind: "counter", contains: "data" },
  dataReceived: { name: "data_received", kind: "counter", contains: "data" },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

export const checksMetric: MetricDefinition = { name: "checks", kind: "rate", contains: "default" };
export const groupDurationMetric: MetricDefinition = time("group_duration");

export const webSocketMetrics = {
  sessions: { name: "ws_sessions", kind: "counter", contains: "default" },
  connecting: time("ws_connecting"),
  sessionDuration: time("ws_session_duration"),
  sent: { name: "ws_msgs_sent", kind: "counter", contains: "default" },
  received: { name: "ws_msgs_received", kind: "counter", contains: "default" },
  ping: time("ws_ping"),
} as const satisfies Readonly<Record<string, MetricDefinition>>;
