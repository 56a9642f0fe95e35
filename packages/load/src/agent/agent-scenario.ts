import type { VirtualUser } from "../engine/virtual-user.ts";
import type { Tags } from "../metrics/recorder.ts";
import { AgentMetrics, type AgentMetricsOptions } from "./agent-metrics.ts";
import { runSession, type SessionWorkloadOptions } from "./session-workload.ts";
import { SessionGenerator } from "./session-profile.ts";
import { TaskRecorder } from "./task-recorder.ts";

/** What these functions need of a scenario's user; `LoadUser` is one. */
export interface ScenarioUser {
  readonly virtualUser: VirtualUser;
  /** Of the scenario, and what the script added. */
  readonly tags: Tags;
  /** Of this user, from 0. */
  readonly iteration: number;
  readonly iterationInScenario: number;
  readonly scheduledAt: number | undefined;
}

const known = new WeakMap<VirtualUser["recorder"], Map<AgentMetricsOptions, AgentMetrics>>();

/**
 * The agent layer's metrics of a user's worker. The same options object gives the same metrics, so that requests in flight
 * and sums are those of all users: keep it outside the scenario's function.
 */
export function agentMetrics(user: ScenarioUser, options: AgentMetricsOptions = none): AgentMetrics {
  const { recorder } = user.virtualUser;
  let ofRecorder = known.get(recorder);
  if (!ofRecorder) known.set(recorder, (ofRecorder = new Map<AgentMetricsOptions, AgentMetrics>()));
  let metrics = ofRecorder.get(options);
  if (!metrics) ofRecorder.set(options, (metrics = new AgentMetrics(recorder, options)));
  return metrics;
}

const none: AgentMetricsOptions = {};

/**
 * Begins a task of a scenario: model and tool calls go through what it returns, `finish` records the whole.
 *
 * @example
 * const chat = openAiChat({ url: "http://127.0.0.1:4010/v1", model: "mock-model" });
 * export default defineLoad({ scenarios: { triage: { rate: 5, duration: "1m", run: async (user) => {
 *   const task = agentTask(user, "triage");
 *   const session = await chat.open(user.virtualUser);
 *   const answer = await task.llm("mock-model", session, { messages: [{ role: "user", content: "…" }] });
 *   task.finish(answer.ok && answer.text.length > 0);
 *   await session.close();
 * } } } });
 */
export function agentTask(user: ScenarioUser, name: string, options: AgentMetricsOptions = none): TaskRecorder {
  const { scheduledAt } = user;
  return new TaskRecorder({
    name,
    metrics: agentMetrics(user, options),
    tags: user.tags,
    ...(options.costs && { costs: options.costs }),
    ...(scheduledAt !== undefined && { queuedAt: scheduledAt }),
  });
}

/** Sessions of several turns as the function of a scenario: `run: agentSessions({ … })`. */
export function agentSessions<Step>(options: SessionWorkloadOptions<Step>): (user: ScenarioUser) => Promise<void> {
  const generator = new SessionGenerator(options.profile);
  return (user) =>
    runSession(options, generator, agentMetrics(user, options), user.virtualUser, {
      number: user.iteration,
      numberInScenario: user.iterationInScenario,
      ...(user.scheduledAt !== undefined && { scheduledAt: user.scheduledAt }),
    });
}
