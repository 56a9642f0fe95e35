import type { MetricDefinition } from "../metrics/recorder.ts";

const time = (name: string): MetricDefinition => ({ name, kind: "trend", contains: "time" });
const trend = (name: string): MetricDefinition => ({ name, kind: "trend", contains: "default" });
const counter = (name: string): MetricDefinition => ({ name, kind: "counter", contains: "default" });
const gauge = (name: string): MetricDefinition => ({ name, kind: "gauge", contains: "default" });
const rate = (name: string): MetricDefinition => ({ name, kind: "rate", contains: "default" });

export type RequestMetric =
  | "requests"
  | "failed"
  | "scheduleDelay"
  | "timeToFirstToken"
  | "timeToFirstTokenFromScheduled"
  | "timeToFirstOutputToken"
  | "timeToSecondToken"
  | "endToEnd"
  | "timePerOutputToken"
  | "interTokenLatency"
  | "normalizedTimePerOutputToken"
  | "tokensPerSecondPerUser"
  | "prefillTokensPerSecond"
  | "inputTokens"
  | "cachedInputTokens"
  | "outputTokens"
  | "reasoningTokens"
  | "good"
  | "goodOutputTokens"
  | "cost"
  | "errors"
  | "activeAt"
  | "inFlight";

/**
 * The metrics of model requests, each tagged with `model`. Times are milliseconds. Thresholds name them as they stand:
 * `llm_ttft: ["p(95)<800"]`.
 */
export const requestMetrics: Readonly<Record<RequestMetric, MetricDefinition>> = {
  requests: counter("llm_requests"),
  failed: rate("llm_failed"),
  scheduleDelay: time("llm_schedule_delay"),
  timeToFirstToken: time("llm_ttft"),
  timeToFirstTokenFromScheduled: time("llm_ttft_scheduled"),
  timeToFirstOutputToken: time("llm_ttfot"),
  timeToSecondToken: time("llm_ttst"),
  endToEnd: time("llm_duration"),
  timePerOutputToken: time("llm_tpot"),
  interTokenLatency: time("llm_itl"),
  normalizedTimePerOutputToken: time("llm_ntpot"),
  tokensPerSecondPerUser: trend("llm_user_tokens_per_second"),
  prefillTokensPerSecond: trend("llm_prefill_tokens_per_second"),
  inputTokens: counter("llm_input_tokens"),
  cachedInputTokens: counter("llm_cached_input_tokens"),
  outputTokens: counter("llm_output_tokens"),
  reasoningTokens: counter("llm_reasoning_tokens"),
  /** Share of requests that succeeded within every objective; only with objectives. */
  good: rate("llm_good"),
  goodOutputTokens: counter("llm_good_output_tokens"),
  cost: trend("llm_cost"),
  /** Failed requests, tagged with `code` too: `HTTP_429`, `STREAM_TRUNCATED`. */
  errors: counter("llm_errors"),
  /** When requests began and responses ended, epoch ms: its least and greatest are the span that rates are taken over. */
  activeAt: gauge("llm_active_at"),
  /** Requests in flight in one worker; with one worker its greatest is the peak of the run. */
  inFlight: gauge("llm_in_flight"),
};

export type TaskMetric =
  | "tasks"
  | "passed"
  | "duration"
  | "steps"
  | "llmCalls"
  | "toolCalls"
  | "tokens"
  | "cost"
  | "toolDuration"
  | "toolFailed"
  | "toolRetried"
  | "orchestrationOverhead"
  | "criticalPathShare"
  | "parallelism"
  | "queueWait"
  | "timeToFirstAction"
  | "cancelledAfterFailure";

/** The metrics of whole tasks, tagged with `task`; those of tools with `tool` too. */
export const taskMetrics: Readonly<Record<TaskMetric, MetricDefinition>> = {
  tasks: counter("agent_tasks"),
  passed: rate("agent_task_passed"),
  duration: time("agent_task_duration"),
  steps: trend("agent_task_steps"),
  llmCalls: trend("agent_task_llm_calls"),
  toolCalls: trend("agent_task_tool_calls"),
  tokens: trend("agent_task_tokens"),
  cost: trend("agent_task_cost"),
  toolDuration: time("agent_tool_duration"),
  toolFailed: rate("agent_tool_failed"),
  toolRetried: rate("agent_tool_retried"),
  orchestrationOverhead: time("agent_orchestration_overhead"),
  /** Tagged with `kind`: `llm`, `tool`. */
  criticalPathShare: trend("agent_critical_path_share"),
  parallelism: trend("agent_parallelism"),
  queueWait: time("agent_queue_wait"),
  timeToFirstAction: time("agent_time_to_first_action"),
  cancelledAfterFailure: counter("agent_cancelled_after_failure"),
};

export type SessionMetric = "sessions" | "success" | "duration" | "completed" | "cancelled" | "tokens" | "prefixReuse";

/** The metrics of sessions: several tasks or turns of one user. */
export const sessionMetrics: Readonly<Record<SessionMetric, MetricDefinition>> = {
  sessions: counter("agent_sessions"),
  success: rate("agent_session_success"),
  duration: time("agent_session_duration"),
  completed: trend("agent_session_completed"),
  cancelled: trend("agent_session_cancelled"),
  tokens: trend("agent_session_tokens"),
  /** `cached input / input`. */
  prefixReuse: trend("agent_session_prefix_reuse"),
};

/** By which tags these metrics are told apart in results, beside their totals. */
export const agentSplits: Readonly<Record<string, readonly string[]>> = Object.fromEntries([
  ...by("model", [
    requestMetrics.requests,
    requestMetrics.failed,
    requestMetrics.timeToFirstToken,
    requestMetrics.timeToFirstTokenFromScheduled,
    requestMetrics.endToEnd,
    requestMetrics.timePerOutputToken,
    requestMetrics.interTokenLatency,
    requestMetrics.outputTokens,
    requestMetrics.good,
    requestMetrics.cost,
  ]),
  ...by("code", [requestMetrics.errors]),
  ...by("task", [
    taskMetrics.tasks,
    taskMetrics.passed,
    taskMetrics.duration,
    taskMetrics.steps,
    taskMetrics.cost,
    taskMetrics.orchestrationOverhead,
  ]),
  ...by("tool", [taskMetrics.toolDuration, taskMetrics.toolFailed, taskMetrics.toolRetried]),
  ...by("kind", [taskMetrics.criticalPathShare]),
  ...by("session", [
    sessionMetrics.sessions,
    sessionMetrics.success,
    sessionMetrics.duration,
    sessionMetrics.completed,
  ]),
]);

function by(tag: string, metrics: readonly MetricDefinition[]): readonly (readonly [string, readonly string[]])[] {
  return metrics.map(({ name }) => [name, [tag]]);
}

const named = (metrics: readonly MetricDefinition[]): ReadonlySet<string> => new Set(metrics.map(({ name }) => name));

/** Of the metrics that are no times: which are better high, which low. */
export const agentHigherIsBetter: ReadonlySet<string> = named([
  requestMetrics.tokensPerSecondPerUser,
  requestMetrics.prefillTokensPerSecond,
  requestMetrics.good,
  requestMetrics.goodOutputTokens,
  taskMetrics.passed,
  sessionMetrics.success,
  sessionMetrics.prefixReuse,
]);
export const agentLowerIsBetter: ReadonlySet<string> = named([
  requestMetrics.failed,
  requestMetrics.errors,
  requestMetrics.cost,
  taskMetrics.cost,
  taskMetrics.toolFailed,
  taskMetrics.toolRetried,
  taskMetrics.cancelledAfterFailure,
  sessionMetrics.cancelled,
]);
