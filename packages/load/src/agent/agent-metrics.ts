import type { StepEvent, StepOutcome } from "../drivers/driver.ts";
import { ABORTED } from "../drivers/http-step.ts";
import type { Metric, MetricRecorder, Tags, TagSet } from "../metrics/recorder.ts";
import type { CostModel } from "./cost.ts";
import { ConcurrencyMeter } from "./intervals.ts";
import {
  type RequestMetric,
  requestMetrics,
  type SessionMetric,
  sessionMetrics,
  type TaskMetric,
  taskMetrics,
} from "./metric-names.ts";
import { checkObjectives, isGood, type RequestObjectives } from "./objectives.ts";
import { type StepMeasures, StepMeter } from "./step-measures.ts";
import { measureTask, type TaskMeasures, type TaskRecord, type TaskSpan } from "./task-measures.ts";
import { type AgentSummary, AgentTotals, summarizeTotals } from "./totals.ts";

export interface AgentMetricsOptions {
  readonly objectives?: RequestObjectives;
  readonly costs?: CostModel;
  /** Put on everything, over the user's own. */
  readonly tags?: Tags;
}

/** One request being followed. */
export interface StepRecording {
  /** For `DriverSession.send`. */
  readonly onEvent: (event: StepEvent) => void;
  /** Records and returns what was measured; `cost` where it is known. */
  finish(outcome: StepOutcome): { readonly measures: StepMeasures; readonly cost?: number };
  /** Instead of `finish`, where the driver threw: there was no request, and none is in flight any more. */
  abandon(at: number): void;
}

/** What one session was: several turns or tasks of one user. Milliseconds. */
export interface SessionRecord {
  readonly name: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly completed: number;
  readonly cancelled: number;
  readonly succeeded: boolean;
  readonly inputTokens?: number;
  readonly cachedInputTokens?: number;
  readonly outputTokens?: number;
}

type Handles<Names extends string> = Readonly<Record<Names, Metric>>;

/**
 * The agent layer's metrics, written into a worker's recorder. Memory is that of the recorder plus a few sums: nothing
 * is kept of a request once it ended.
 */
export class AgentMetrics {
  readonly totals: AgentTotals = new AgentTotals();
  readonly #recorder: MetricRecorder;
  readonly #options: AgentMetricsOptions;
  readonly #requests: Handles<RequestMetric>;
  readonly #tasks: Handles<TaskMetric>;
  readonly #sessions: Handles<SessionMetric>;
  readonly #tagSets = new WeakMap<Tags, Map<string, TagSet>>();
  readonly #inFlight = new ConcurrencyMeter();

  /** @throws MettleError `SLO_INVALID`; `LOAD_METRIC_CONFLICT` of the recorder */
  constructor(recorder: MetricRecorder, options: AgentMetricsOptions = {}) {
    checkObjectives(options.objectives ?? {});
    this.#recorder = recorder;
    this.#options = options;
    this.#requests = handles(recorder, requestMetrics);
    this.#tasks = handles(recorder, taskMetrics);
    this.#sessions = handles(recorder, sessionMetrics);
  }

  /**
   * Follows one request.
   *
   * @param at - now, ms of the monotonic clock
   * @param scheduledAt - when it was due
   * @param objectives - of this request alone, over those of the run
   * @param around - tags of the user; the same object gives the same tag sets without looking
   */
  request(
    model: string,
    at: number,
    scheduledAt?: number,
    objectives?: RequestObjectives,
    around: Tags = noTags,
  ): StepRecording {
    const tags = this.#tagSet(around, "model", model);
    const gaps = this.#requests.interTokenLatency;
    const meter = new StepMeter(scheduledAt, (gap) => gaps.add(gap, tags));
    this.#inFlight.start(at);
    this.#requests.inFlight.add(this.#inFlight.current, tags);
    this.#requests.activeAt.add(performance.timeOrigin + at, tags);
    return {
      onEvent: (event) => meter.event(event),
      abandon: (endedAt) => this.#inFlight.end(endedAt),
      finish: (outcome) => {
        if (outcome.error?.code === ABORTED) {
          this.#inFlight.end(outcome.endedAt);
          return { measures: meter.measures(outcome) };
        }
        // That there was none is a measurement too: a threshold on it must find a 0, not nothing.
        if (outcome.ok) this.#requests.errors.add(0, tags);
        else {
          const code = outcome.error?.code ?? "UNKNOWN";
          this.#requests.errors.add(1, this.#tagSet(around, "model", model, "code", code));
        }
        return this.#finish(model, tags, meter, outcome, objectives);
      },
    };
  }

  /** @throws MettleError `TASK_INVALID` */
  task(task: TaskRecord, around: Tags = noTags): TaskMeasures {
    const measures = measureTask(task);
    const tags = this.#tagSet(around, "task", task.name);
    const metrics = this.#tasks;
    metrics.tasks.add(1, tags);
    if (task.passed !== undefined) metrics.passed.add(task.passed ? 1 : 0, tags);
    metrics.duration.add(measures.endToEnd, tags);
    metrics.steps.add(measures.steps, tags);
    metrics.llmCalls.add(measures.llmCalls, tags);
    metrics.toolCalls.add(measures.toolCalls, tags);
    metrics.orchestrationOverhead.add(measures.orchestrationOverhead, tags);
    metrics.cancelledAfterFailure.add(measures.cancelledAfterFailure, tags);
    addIfMeasured(metrics.tokens, measures.tokens, tags);
    addIfMeasured(metrics.cost, measures.cost, tags);
    addIfMeasured(metrics.parallelism, measures.parallelism, tags);
    addIfMeasured(metrics.queueWait, measures.queueWait, tags);
    addIfMeasured(metrics.timeToFirstAction, measures.timeToFirstAction, tags);
    for (const kind of ["llm", "tool"] as const) {
      const share = measures.criticalPath?.[kind];
      if (share !== undefined)
        metrics.criticalPathShare.add(share, this.#tagSet(around, "task", task.name, "kind", kind));
    }
    for (const span of task.spans) if (span.kind === "tool") this.tool(span, around);
    this.totals.addTask(task.name, task.passed, measures.cost);
    return measures;
  }

  session(session: SessionRecord, around: Tags = noTags): void {
    const tags = this.#tagSet(around, "session", session.name);
    const metrics = this.#sessions;
    const { inputTokens, outputTokens, cachedInputTokens } = session;
    metrics.sessions.add(1, tags);
    metrics.success.add(session.succeeded ? 1 : 0, tags);
    metrics.duration.add(session.endedAt - session.startedAt, tags);
    metrics.completed.add(session.completed, tags);
    metrics.cancelled.add(session.cancelled, tags);
    if (inputTokens !== undefined && outputTokens !== undefined) metrics.tokens.add(inputTokens + outputTokens, tags);
    if (inputTokens !== undefined && inputTokens > 0 && cachedInputTokens !== undefined) {
      metrics.prefixReuse.add(cachedInputTokens / inputTokens, tags);
    }
  }

  /** Of this worker. */
  summary(powers?: readonly number[]): AgentSummary {
    return summarizeTotals(this.totals, {
      objectives: this.#options.objectives !== undefined,
      ...(powers && { powers }),
    });
  }

  #finish(
    model: string,
    tags: TagSet,
    meter: StepMeter,
    outcome: StepOutcome,
    override: RequestObjectives | undefined,
  ): { readonly measures: StepMeasures; readonly cost?: number } {
    this.#inFlight.end(outcome.endedAt);
    this.totals.peakConcurrency = this.#inFlight.peak;
    const measures = meter.measures(outcome);
    const { objectives } = this.#options;
    const judged = objectives !== undefined || override !== undefined;
    const good = judged && isGood(measures, objectives ?? {}, override);
    const cost = this.#options.costs?.ofRequest(model, outcome.usage);
    this.#record(measures, tags);
    if (judged) this.#requests.good.add(good ? 1 : 0, tags);
    if (good) addIfMeasured(this.#requests.goodOutputTokens, measures.outputTokens, tags);
    addIfMeasured(this.#requests.cost, cost, tags);
    this.#requests.activeAt.add(performance.timeOrigin + outcome.endedAt, tags);
    this.totals.addRequest(measures, good, cost);
    return { measures, ...(cost !== undefined && { cost }) };
  }

  #record(measures: StepMeasures, tags: TagSet): void {
    const metrics = this.#requests;
    metrics.requests.add(1, tags);
    metrics.failed.add(measures.ok ? 0 : 1, tags);
    addIfMeasured(metrics.scheduleDelay, measures.scheduleDelay, tags);
    addIfMeasured(metrics.timeToFirstToken, measures.timeToFirstToken, tags);
    addIfMeasured(metrics.timeToFirstTokenFromScheduled, measures.timeToFirstTokenFromScheduled, tags);
    addIfMeasured(metrics.timeToFirstOutputToken, measures.timeToFirstOutputToken, tags);
    addIfMeasured(metrics.timeToSecondToken, measures.timeToSecondToken, tags);
    metrics.endToEnd.add(measures.endToEnd, tags);
    addIfMeasured(metrics.timePerOutputToken, measures.timePerOutputToken, tags);
    addIfMeasured(metrics.normalizedTimePerOutputToken, measures.normalizedTimePerOutputToken, tags);
    addIfMeasured(metrics.tokensPerSecondPerUser, measures.tokensPerSecondPerUser, tags);
    addIfMeasured(metrics.prefillTokensPerSecond, measures.prefillTokensPerSecond, tags);
    addIfMeasured(metrics.inputTokens, measures.inputTokens, tags);
    addIfMeasured(metrics.cachedInputTokens, measures.cachedInputTokens, tags);
    addIfMeasured(metrics.outputTokens, measures.outputTokens, tags);
    addIfMeasured(metrics.reasoningTokens, measures.reasoningTokens, tags);
  }

  /** One call of a tool outside any task; those of a task are recorded with it. */
  tool(span: Pick<TaskSpan, "name" | "start" | "end" | "failed" | "retry">, around: Tags = noTags): void {
    const tags = this.#tagSet(around, "tool", span.name);
    this.#tasks.toolDuration.add(span.end - span.start, tags);
    this.#tasks.toolFailed.add(span.failed ? 1 : 0, tags);
    this.#tasks.toolRetried.add(span.retry === true ? 1 : 0, tags);
  }

  #tagSet(around: Tags, ...pairs: readonly string[]): TagSet {
    let known = this.#tagSets.get(around);
    if (!known) this.#tagSets.set(around, (known = new Map<string, TagSet>()));
    const key = pairs.join("\u0000");
    let tagSet = known.get(key);
    if (tagSet === undefined) {
      const own: Record<string, string> = { ...around, ...this.#options.tags };
      for (let i = 0; i + 1 < pairs.length; i += 2) own[pairs[i] ?? ""] = pairs[i + 1] ?? "";
      tagSet = this.#recorder.tagSet(own);
      // The recorder caps tag sets; this map of ours must not grow past them either.
      if (known.size < TAG_SETS) known.set(key, tagSet);
    }
    return tagSet;
  }
}

const noTags: Tags = {};
const TAG_SETS = 10_000;

function addIfMeasured(metric: Metric, value: number | undefined, tags: TagSet): void {
  if (value !== undefined) metric.add(value, tags);
}

function handles<Names extends string>(
  recorder: MetricRecorder,
  definitions: Readonly<Record<Names, Parameters<MetricRecorder["metric"]>[0]>>,
): Handles<Names> {
  const names = Object.keys(definitions) as Names[];
  return Object.fromEntries(names.map((name) => [name, recorder.metric(definitions[name])])) as Handles<Names>;
}
