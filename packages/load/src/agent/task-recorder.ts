import type { DriverSession, StepOutcome } from "../drivers/driver.ts";
import type { Tags } from "../metrics/recorder.ts";
import type { AgentMetrics, StepRecording } from "./agent-metrics.ts";
import type { CostModel } from "./cost.ts";
import type { RequestObjectives } from "./objectives.ts";
import type { TaskMeasures, TaskSpan } from "./task-measures.ts";

export interface TaskRecorderOptions {
  readonly name: string;
  readonly metrics: AgentMetrics;
  readonly costs?: CostModel;
  /** On everything of this task. */
  readonly tags?: Tags;
  /** When it was due. */
  readonly queuedAt?: number;
  /** Monotonic milliseconds. @defaultValue performance.now */
  readonly now?: () => number;
}

/**
 * Follows one task while user code runs it: model calls and tool calls go through it, and `finish` records the whole.
 *
 * @example
 * const task = new TaskRecorder({ name: "triage", metrics });
 * const answer = await task.llm("m", session, { messages });
 * const found = await task.tool("search", () => search(answer.text));
 * task.finish(found.length > 0);
 */
export class TaskRecorder {
  readonly #options: TaskRecorderOptions;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #spans: TaskSpan[] = [];
  readonly #failedTools = new Set<string>();
  #steps = 0;
  #cancelled = 0;
  #finished: TaskMeasures | undefined;

  constructor(options: TaskRecorderOptions) {
    this.#options = options;
    this.#now = options.now ?? ((): number => performance.now());
    this.#startedAt = this.#now();
  }

  /** One request to a model, through a driver's session; one step of the task. */
  async llm<Step>(
    model: string,
    session: DriverSession<Step>,
    step: Step,
    options: { readonly scheduledAt?: number; readonly objectives?: RequestObjectives } = {},
  ): Promise<StepOutcome> {
    this.#steps++;
    const recording: StepRecording = this.#options.metrics.request(
      model,
      this.#now(),
      options.scheduledAt,
      options.objectives,
      this.#options.tags,
    );
    const outcome = await recorded(recording, () => session.send(step, recording.onEvent), this.#now);
    const { cost } = recording.finish(outcome);
    const { input, output } = outcome.usage ?? {};
    this.#spans.push({
      kind: "llm",
      name: model,
      start: outcome.startedAt,
      end: outcome.endedAt,
      failed: !outcome.ok,
      ...(input !== undefined && output !== undefined && { tokens: input + output }),
      ...(cost !== undefined && { cost }),
    });
    return outcome;
  }

  /**
   * One call of a tool. A call of the same tool after one that failed counts as a retry.
   *
   * @returns what it returned; what it throws passes through, counted as failed
   */
  async tool<Result>(name: string, run: () => Promise<Result> | Result): Promise<Result> {
    const start = this.#now();
    const retry = this.#failedTools.delete(name);
    let failed = true;
    try {
      const result = await run();
      failed = isFailedOutcome(result);
      return result;
    } finally {
      if (failed) this.#failedTools.add(name);
      const { costs } = this.#options;
      const cost = costs === undefined ? undefined : (costs.ofTool(name) ?? (costs.pricesTools ? undefined : 0));
      this.#spans.push({
        kind: "tool",
        name,
        start,
        end: this.#now(),
        failed,
        retry,
        ...(cost !== undefined && { cost }),
      });
    }
  }

  /** Calls that were given up because one they depended on failed. */
  cancelled(calls: number): void {
    this.#cancelled += calls;
  }

  /** @param passed - the user's judgement of the task; leave it out where there is none. Later calls change nothing. */
  finish(passed?: boolean): TaskMeasures {
    const { metrics, name, queuedAt, tags } = this.#options;
    this.#finished ??= metrics.task(
      {
        name,
        ...(queuedAt !== undefined && { queuedAt }),
        startedAt: this.#startedAt,
        endedAt: this.#now(),
        steps: this.#steps,
        spans: this.#spans,
        ...(passed !== undefined && { passed }),
        cancelledAfterFailure: this.#cancelled,
      },
      tags,
    );
    return this.#finished;
  }
}

/** Sends a step; one that the driver throws on instead is not left in flight. */
export async function recorded(
  recording: StepRecording,
  send: () => Promise<StepOutcome>,
  now: () => number = () => performance.now(),
): Promise<StepOutcome> {
  try {
    return await send();
  } catch (thrown) {
    recording.abandon(now());
    throw thrown;
  }
}

/** The outcome of a driver's step, such as a call over MCP, says itself whether it failed. */
const isFailedOutcome = (result: unknown): boolean =>
  typeof result === "object" && result !== null && "ok" in result && result.ok === false;
