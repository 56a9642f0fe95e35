import type { VirtualUser } from "../engine/virtual-user.ts";
import type { Driver, StepEvent, StepOutcome, TokenKind, TokenUsage } from "./driver.ts";
import { ABORTED, OpenFlag } from "./http-step.ts";
import { StepBuilder } from "./step-builder.ts";

/** What a function reports while it runs; all of it optional. */
export interface StepReporter {
  token(text: string, kind?: TokenKind): void;
  usage(usage: TokenUsage): void;
  toolCall(call: { readonly id: string; readonly name: string; readonly input: string }): void;
  toolResult(callId: string, failed: boolean): void;
  /** Of the virtual user: aborted when the run ends at once. */
  readonly signal: AbortSignal;
}

/** Any async function or agent. A returned string is the answer in one piece; an async iterable, tokens as they come. */
export type StepFunction<Step> = (
  step: Step,
  reporter: StepReporter,
  user: VirtualUser,
) => Promise<string | void> | AsyncIterable<string> | string;

/**
 * Drives a function in this process. What it throws is the step's failure: `THREW`, or the error's own code.
 *
 * @param now - monotonic milliseconds; tests pass their own
 */
export function inProcess<Step>(
  name: string,
  run: StepFunction<Step>,
  now: () => number = () => performance.now(),
): Driver<Step> {
  return {
    name,
    open: (user) => {
      const open = new OpenFlag(name);
      return Promise.resolve({
        send: async (step: Step, onEvent: (event: StepEvent) => void): Promise<StepOutcome> => {
          open.require();
          const outcome = await runStep(run, step, user, onEvent, now);
          await turnOfTheLoop();
          return outcome;
        },
        close: () => {
          open.close();
          return Promise.resolve();
        },
      });
    },
  };
}

/** The longest, in ms, that functions which wait for nothing keep the event loop from turning. */
const WITHOUT_TURN_MS = 10;
let turnedAt = performance.now();

/** After a step, outside of its time: else functions that settle at once would starve the timers that end the run. */
async function turnOfTheLoop(): Promise<void> {
  if (performance.now() - turnedAt < WITHOUT_TURN_MS) return;
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
  turnedAt = performance.now();
}

async function runStep<Step>(
  run: StepFunction<Step>,
  step: Step,
  user: VirtualUser,
  onEvent: (event: StepEvent) => void,
  now: () => number,
): Promise<StepOutcome> {
  const builder = new StepBuilder(onEvent);
  const startedAt = now();
  const token = (text: string, kind: TokenKind = "content"): void => {
    const at = now();
    if (text !== "") builder.byte(at);
    builder.token(at, kind, text);
  };
  const reporter: StepReporter = {
    token,
    usage: (usage) => builder.usage(now(), usage),
    toolCall: ({ id, name, input }) => builder.toolDelta(now(), id, { id, name, input }),
    toolResult: (callId, failed) => builder.toolResult(now(), callId, failed),
    signal: user.signal,
  };
  try {
    const running = run(step, reporter, user);
    if (typeof running === "object" && Symbol.asyncIterator in running) for await (const text of running) token(text);
    else {
      const text = await running;
      if (typeof text === "string") token(text);
    }
    builder.done(now(), "stop");
  } catch (thrown) {
    const own = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "THREW";
    const code = user.signal.aborted ? ABORTED : own;
    builder.fail(now(), code, thrown instanceof Error ? thrown.message : String(thrown));
    builder.done(now(), "error");
  }
  return builder.outcome(startedAt, now());
}
