import { agentSplits } from "../agent/metric-names.ts";
import type { MetricDefinition } from "./recorder.ts";

const time = (name: string): MetricDefinition => ({ name, kind: "trend", contains: "time" });
const count = (name: string): MetricDefinition => ({ name, kind: "counter", contains: "default" });
const bytes = (name: string): MetricDefinition => ({ name, kind: "counter", contains: "data" });
const share = (name: string): MetricDefinition => ({ name, kind: "rate", contains: "default" });
const level = (name: string): MetricDefinition => ({ name, kind: "gauge", contains: "default" });

type BuiltIn =
  | "virtualUsers"
  | "virtualUsersMax"
  | "iterations"
  | "iterationDuration"
  | "iterationResponseTime"
  | "iterationStartDelay"
  | "droppedIterations"
  | "interruptedIterations"
  | "unstartedIterations"
  | "failedIterations"
  | "groupDuration"
  | "checks"
  | "dataSent"
  | "dataReceived"
  | "dispatchDelay"
  | "httpRequests"
  | "httpFailed"
  | "httpDuration"
  | "httpResponseTime"
  | "httpBlocked"
  | "httpConnecting"
  | "httpTls"
  | "httpSending"
  | "httpWaiting"
  | "httpReceiving";

/** Metrics that the engine and its HTTP layer record. Those that k6 has bear k6's names and mean the same. */
export const builtIn: Readonly<Record<BuiltIn, MetricDefinition>> = {
  virtualUsers: level("vus"),
  virtualUsersMax: level("vus_max"),
  iterations: count("iterations"),
  /** From the start of an iteration to its end: service time. */
  iterationDuration: time("iteration_duration"),
  /** From the scheduled moment to the end: what a caller who came at that moment waits. Only with a schedule. */
  iterationResponseTime: time("iteration_response_time"),
  /** From the scheduled moment to the start, whatever the reason: lateness of sending. Only with a schedule. */
  iterationStartDelay: time("iteration_start_delay"),
  /** Nobody was free for them, where arrivals do not wait; or the time was over, where iterations are counted. */
  droppedIterations: count("dropped_iterations"),
  /** Cut off at the end, after the grace period. */
  interruptedIterations: count("interrupted_iterations"),
  /** Scheduled, but the run ended before a user was free for them. */
  unstartedIterations: count("unstarted_iterations"),
  /** Iterations whose code threw. */
  failedIterations: share("iteration_failed"),
  groupDuration: time("group_duration"),
  checks: share("checks"),
  dataSent: bytes("data_sent"),
  dataReceived: bytes("data_received"),
  /** How late the generator itself looked at its schedule. What is left of `iteration_start_delay` is waiting for a user. */
  dispatchDelay: time("generator_dispatch_delay"),
  httpRequests: count("http_reqs"),
  httpFailed: share("http_req_failed"),
  httpDuration: time("http_req_duration"),
  /** From the moment a request was due to its last byte: waiting for a connection and lateness included. */
  httpResponseTime: time("http_req_response_time"),
  httpBlocked: time("http_req_blocked"),
  httpConnecting: time("http_req_connecting"),
  httpTls: time("http_req_tls_handshaking"),
  httpSending: time("http_req_sending"),
  httpWaiting: time("http_req_waiting"),
  httpReceiving: time("http_req_receiving"),
};

/**
 * Tags by which a metric's values are told apart in the results, beside its total. Every other metric has only its total
 * and the submetrics that thresholds name.
 */
export const splitDefaults: Readonly<Record<string, readonly string[]>> = {
  http_reqs: ["scenario", "name"],
  http_req_failed: ["scenario", "name"],
  http_req_duration: ["scenario", "name"],
  http_req_response_time: ["scenario", "name"],
  checks: ["check"],
  group_duration: ["group"],
  iterations: ["scenario"],
  iteration_duration: ["scenario"],
  iteration_response_time: ["scenario"],
  iteration_start_delay: ["scenario"],
  iteration_failed: ["scenario"],
  ...agentSplits,
};
