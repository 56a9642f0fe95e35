import { Random } from "@mettle/core";
import type { Driver, DriverSession } from "../drivers/driver.ts";
import type { Iteration, PreparedUser, VirtualUser, Workload } from "../engine/virtual-user.ts";
import { AgentMetrics, type AgentMetricsOptions } from "./agent-metrics.ts";
import { derivedSeed } from "./seed.ts";
import { SessionGenerator, type SessionProfile, type SyntheticTurn } from "./session-profile.ts";
import { TaskRecorder } from "./task-recorder.ts";

export interface TurnContext {
  /** From 0. */
  readonly number: number;
  readonly turn: SyntheticTurn;
  /** All turns of the session. */
  readonly turns: readonly SyntheticTurn[];
  /** Answers so far, oldest first. */
  readonly answers: readonly string[];
}

export interface SessionWorkloadOptions<Step> extends AgentMetricsOptions {
  readonly name: string;
  readonly model: string;
  readonly driver: Driver<Step>;
  readonly seed: number;
  readonly profile?: Partial<SessionProfile>;
  /** The request of one turn. */
  step(context: TurnContext): Step;
  /** A tool that a turn calls; without it the turn waits as long as the profile says. */
  tool?(context: TurnContext, user: VirtualUser): Promise<unknown>;
  readonly toolName?: string;
  /** Whether the task was solved, from its answers. */
  passed?(answers: readonly string[]): boolean | Promise<boolean>;
}

/**
 * Sessions as a workload: each iteration is one session of several turns, with tools and think time, drawn from the seed and
 * the iteration's number, so that the same session comes whichever worker runs it. A turn that failed ends the session;
 * the turns after it count as cancelled.
 */
export function sessionWorkload<Step>(options: SessionWorkloadOptions<Step>): Workload {
  const generator = new SessionGenerator(options.profile);
  // One for each recorder, which is one a worker: users of a worker share sums and the count of requests in flight.
  const metrics = new WeakMap<VirtualUser["recorder"], AgentMetrics>();
  return {
    prepare: (user) => {
      let own = metrics.get(user.recorder);
      if (!own) {
        own = new AgentMetrics(user.recorder, options);
        metrics.set(user.recorder, own);
      }
      const agentMetrics = own;
      return Promise.resolve<PreparedUser>({
        run: (iteration) => runSession(options, generator, agentMetrics, user, iteration),
      });
    },
  };
}

/** One session, recorded. */
export async function runSession<Step>(
  options: SessionWorkloadOptions<Step>,
  generator: SessionGenerator,
  metrics: AgentMetrics,
  user: VirtualUser,
  iteration: Iteration,
): Promise<void> {
  const turns = generator.session(new Random(derivedSeed(options.seed, options.name, iteration.numberInScenario)));
  const session = await options.driver.open(user);
  const task = new TaskRecorder({
    name: options.name,
    metrics,
    tags: user.tags,
    ...(options.costs && { costs: options.costs }),
    ...(iteration.scheduledAt !== undefined && { queuedAt: iteration.scheduledAt }),
  });
  const startedAt = performance.now();
  const tokens = { input: 0, cached: 0, output: 0, counted: true };
  const answers: string[] = [];
  let failed = false;
  try {
    for (const [number, turn] of turns.entries()) {
      const context = { number, turn, turns, answers };
      failed = !(await runTurn(options, task, session, user, iteration, context, tokens, answers));
      if (failed) break;
      if (turn.thinkMs > 0 && number < turns.length - 1) await user.sleep(turn.thinkMs);
    }
  } finally {
    await session.close();
  }
  // A run that ends cuts its sessions off; that says nothing of them.
  if (user.signal.aborted) return;
  const completed = answers.length;
  task.cancelled(failed ? turns.length - completed - 1 : 0);
  const passed = failed ? false : await options.passed?.(answers);
  task.finish(passed);
  const counted = { inputTokens: tokens.input, outputTokens: tokens.output, cachedInputTokens: tokens.cached };
  metrics.session(
    {
      name: options.name,
      startedAt,
      endedAt: performance.now(),
      completed,
      cancelled: turns.length - completed,
      succeeded: !failed && passed !== false,
      ...(tokens.counted && counted),
    },
    user.tags,
  );
}

/** @returns whether the turn succeeded */
async function runTurn<Step>(
  options: SessionWorkloadOptions<Step>,
  task: TaskRecorder,
  session: DriverSession<Step>,
  user: VirtualUser,
  iteration: Iteration,
  context: TurnContext,
  tokens: { input: number; cached: number; output: number; counted: boolean },
  answers: string[],
): Promise<boolean> {
  const scheduled = context.number === 0 ? iteration.scheduledAt : undefined;
  const outcome = await task.llm(options.model, session, options.step(context), {
    ...(scheduled !== undefined && { scheduledAt: scheduled }),
  });
  const { input, cachedInput = 0, output } = outcome.usage ?? {};
  if (input === undefined || output === undefined) tokens.counted = false;
  else {
    tokens.input += input;
    tokens.cached += cachedInput;
    tokens.output += output;
  }
  if (!outcome.ok) return false;
  answers.push(outcome.text);
  const { toolWaitMs } = context.turn;
  if (toolWaitMs !== undefined) {
    try {
      await task.tool(
        options.toolName ?? "tool",
        (): Promise<unknown> => options.tool?.(context, user) ?? user.sleep(toolWaitMs),
      );
    } catch (thrown) {
      // The run is ending: that is no failure of the tool.
      if (user.signal.aborted) throw thrown;
      return false;
    }
  }
  return true;
}

/** Text of about so many tokens, the same each time: what a synthetic request says. */
export function textOfTokens(tokens: number): string {
  return "task ".repeat(Math.max(1, Math.round((tokens * 4) / 5))).trimEnd();
}
