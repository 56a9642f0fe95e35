import type { MetricDefinition } from "../metrics/recorder.ts";

const time = (name: string): MetricDefinition => ({ name, kind: "trend", contains: "time" });
const trend = (name: string): MetricDefinition => ({ name, kind: "trend", contains: "default" });
const counter = (name: string): MetricDefinition => ({ name, kind: "counter", contains: "default" });
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
  | "cost";

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
