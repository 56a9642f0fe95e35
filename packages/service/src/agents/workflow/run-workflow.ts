import { messageOf, ms } from "@mettle/core";
import { type AgentTask, type TaskContext, TaskFailure } from "../agent-type.ts";
import type { TaskSchemas } from "../task-schemas.ts";
import { resolved } from "./references.ts";
import { holds, type Step, stepsBefore, type Workflow } from "./workflow.ts";

/** What became of a step. */
type StepOutcome =
  | { readonly state: "succeeded"; readonly attempts: number; readonly result: unknown }
  | { readonly state: "failed"; readonly attempts: number; readonly error: { code: string; message: string } }
  | { readonly state: "skipped"; readonly attempts: 0; readonly reason: string };

export type Outcomes = Readonly<Record<string, StepOutcome>>;

export interface WorkflowParts {
  readonly taskOf: (agentType: string, taskType: string) => AgentTask | undefined;
  readonly schemas: TaskSchemas;
  /** Steps at once. */
  readonly parallel: number;
}

const backoffUnlessGivenMs = 200;
const backoffAtMostMs = 60_000;

/**
 * Runs a graph of steps, each as soon as those before it have ended. After each step what has ended is saved: an attempt
 * that follows one that was cut off goes on from there.
 *
 * @throws TaskFailure `WORKFLOW_STEP_FAILED` when a step fails that the others cannot do without
 */
export async function runWorkflow(workflow: Workflow, parts: WorkflowParts, context: TaskContext): Promise<Outcomes> {
  return new WorkflowRun(workflow, parts, context).run();
}

class WorkflowRun {
  readonly #steps: readonly Step[];
  readonly #parts: WorkflowParts;
  readonly #context: TaskContext;
  readonly #outcomes: Map<string, StepOutcome>;
  readonly #running = new Map<string, Promise<void>>();
  /** Ends the other steps when one fails that they cannot do without. */
  readonly #over = new AbortController();
  #failure: TaskFailure | undefined;

  constructor({ steps }: Workflow, parts: WorkflowParts, context: TaskContext) {
    this.#steps = steps;
    this.#parts = parts;
    this.#context = context;
    this.#outcomes = new Map(Object.entries((context.saved ?? {}) as Outcomes));
  }

  async run(): Promise<Outcomes> {
    try {
      while (this.#outcomes.size < this.#steps.length && !this.#failure) {
        this.#context.signal.throwIfAborted();
        this.#startReady();
        if (this.#running.size > 0) await Promise.race(this.#running.values());
      }
    } finally {
      this.#over.abort();
    }
    await Promise.all(this.#running.values());
    if (this.#failure) throw this.#failure;
    return Object.fromEntries(this.#steps.map(({ id }) => [id, this.#outcomes.get(id) as StepOutcome]));
  }

  /** Skipping a step may make others ready: until nothing changes. As there are no circles, steps are left only if some run. */
  #startReady(): void {
    for (let changed = true; changed; ) {
      changed = false;
      for (const step of this.#steps) {
        if (this.#outcomes.has(step.id) || this.#running.has(step.id)) continue;
        const before = stepsBefore(step).map((id) => this.#outcomes.get(id));
        if (before.includes(undefined)) continue;
        const reason = this.#reasonToSkip(step, before as readonly StepOutcome[]);
        if (reason !== undefined) {
          this.#outcomes.set(step.id, { state: "skipped", attempts: 0, reason });
          changed = true;
        } else if (this.#running.size < this.#parts.parallel) {
          this.#running.set(step.id, this.#runStep(step));
        }
      }
    }
  }

  #reasonToSkip(step: Step, before: readonly StepOutcome[]): string | undefined {
    const succeeded = before.filter(({ state }) => state === "succeeded").length;
    const enough = step.join === "any" ? succeeded > 0 || before.length === 0 : succeeded === before.length;
    if (!enough) return "a step before it did not succeed";
    return holds(step.when, this.#resultOf) ? undefined : "its condition does not hold";
  }

  readonly #resultOf = (id: string): unknown => {
    const outcome = this.#outcomes.get(id);
    return outcome?.state === "succeeded" ? outcome.result : undefined;
  };

  async #runStep(step: Step): Promise<void> {
    try {
      const outcome = await this.#outcomeOf(step);
      if (this.#over.signal.aborted || this.#context.signal.aborted) return;
      this.#outcomes.set(step.id, outcome);
      this.#context.progress(this.#outcomes.size / this.#steps.length, `${step.id}: ${outcome.state}`);
      if (outcome.state === "failed" && step.on_failure !== "continue") {
        const { attempts, error } = outcome;
        const times = attempts === 1 ? "" : ` ${attempts} times`;
        this.#failure ??= new TaskFailure(
          "WORKFLOW_STEP_FAILED",
          `Step ${step.id} failed${times}: ${error.code}: ${error.message}`,
        );
      } else await this.#context.save(Object.fromEntries(this.#outcomes));
    } finally {
      this.#running.delete(step.id);
    }
  }

  async #outcomeOf(step: Step): Promise<StepOutcome> {
    const { retries = 0, backoff_ms: backoffMs = backoffUnlessGivenMs } = step;
    for (let attempts = 1; ; attempts++) {
      try {
        return { state: "succeeded", attempts, result: await this.#attempt(step) };
      } catch (thrown) {
        const ended = this.#over.signal.aborted || this.#context.signal.aborted;
        const lasting = thrown instanceof TaskFailure && !thrown.retryable;
        if (ended || lasting || attempts > retries) return { state: "failed", attempts, error: errorOf(thrown) };
      }
      const wait = ms(Math.min(backoffAtMostMs, backoffMs * 2 ** (attempts - 1)));
      const either = AbortSignal.any([this.#context.signal, this.#over.signal]);
      await this.#context.clock.sleep(wait, either).catch(() => undefined); // ended meanwhile: the next attempt sees it
    }
  }

  async #attempt({ id, agent_type: agentType, task: asked, timeout_ms: timeoutMs }: Step): Promise<unknown> {
    const task = this.#parts.taskOf(agentType, asked.type);
    if (!task) throw new TaskFailure("AGENT_TYPE_UNKNOWN", `There is no task ${asked.type} of ${agentType} here.`);
    const input = resolved(asked.input, this.#resultOf);
    const parameters = resolved(asked.parameters ?? {}, this.#resultOf);
    const problem = this.#parts.schemas.problemOf(task, input, parameters);
    if (problem) throw new TaskFailure("TASK_INVALID", `task${problem.path} ${problem.message}.`);
    task.check?.(input as never, parameters as never);
    const late = new AbortController();
    const signal = AbortSignal.any([this.#context.signal, this.#over.signal, late.signal]);
    signal.throwIfAborted();
    const done = new AbortController();
    if (timeoutMs !== undefined) {
      void this.#context.clock
        .sleep(ms(timeoutMs), done.signal)
        .then(() => late.abort(new TaskFailure("STEP_TIMEOUT", `It took longer than ${timeoutMs} ms.`, true)))
        .catch(() => undefined); // it has ended before
    }
    try {
      const aborted = new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      });
      return await Promise.race([task.run(input as never, parameters as never, this.#contextOf(id, signal)), aborted]);
    } finally {
      done.abort();
    }
  }

  #contextOf(id: string, signal: AbortSignal): TaskContext {
    const { progress } = this.#context;
    return {
      ...this.#context,
      signal,
      progress: (_share, note) => progress(this.#outcomes.size / this.#steps.length, `${id}: ${note}`),
      token: () => undefined, // several steps talk at once: what they say is in their results
      breathe: async () => {
        await new Promise(setImmediate);
        signal.throwIfAborted();
      },
      saved: undefined,
      save: async () => signal.throwIfAborted(),
    };
  }
}

const errorOf = (thrown: unknown): { code: string; message: string } =>
  thrown instanceof TaskFailure
    ? { code: thrown.code, message: thrown.message }
    : { code: "EXECUTION_FAILED", message: messageOf(thrown) };
