import type { MetricDefinition } from "../../metrics/recorder.ts";

type WebSocketMetric = "sessions" | "connecting" | "sessionDuration" | "sent" | "received" | "ping";

const time = (name: string): MetricDefinition => ({ name, kind: "trend", contains: "time" });
const count = (name: string): MetricDefinition => ({ name, kind: "counter", contains: "default" });

/** What k6 records of WebSockets, under its names. */
export const webSocketMetrics: Readonly<Record<WebSocketMetric, MetricDefinition>> = {
  sessions: count("ws_sessions"),
  connecting: time("ws_connecting"),
  sessionDuration: time("ws_session_duration"),
  sent: count("ws_msgs_sent"),
  received: count("ws_msgs_received"),
  ping: time("ws_ping"),
};
