import { createRuntime, defineAction, defineAgent, type Runtime } from "@mettle/agents";
import type { AgentTask, TaskContext } from "../agents/agent-type.ts";
import type { Task } from "./execution.ts";

interface Job {
  readonly task: AgentTask;
  readonly asked: Task;
  readonly context: TaskContext;
  /** Called when the task begins. */
  readonly onBegin: () => void;
}

/** What became of a job. An error is a result here: the job has failed, not its agent. */
export type Outcome = { readonly result: unknown } | { readonly thrown: unknown };

/** An agent for one execution. */
const worker = defineAgent({
  name: "execution",
  state: () => ({}),
  actions: {
    run: defineAction({
      mode: "concurrent",
      timeoutMs: Number.POSITIVE_INFINITY, // the execution has a deadline of its own
      run: async (_state: object, { task, asked, context, onBegin }: Job): Promise<{ reply: Outcome }> => {
        onBegin();
        try {
          return { reply: { result: await task.run(asked.input as never, asked.parameters as never, context) } };
        } catch (thrown) {
          return { reply: { thrown } };
        }
      },
    }),
  },
});

/** Runs jobs as agents: each has an agent of its own, which ends with it. */
export class Executor implements AsyncDisposable {
  readonly #runtime: Runtime = createRuntime();

  async run(job: Job): Promise<Outcome> {
    const agent = this.#runtime.spawn(worker);
    try {
      return await agent.ask({ type: "run", data: job }, { timeout: Number.POSITIVE_INFINITY });
    } finally {
      await agent.stop();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#runtime.close();
  }
}
