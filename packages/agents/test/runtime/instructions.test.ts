import { ms } from "@mettle/core";
import { describe, expect, test } from "vitest";
import { type ActionContext, defineAction, defineAgent, directives, type Instruction } from "../../src/index.ts";
import { runtimeForTest, settled } from "../support.ts";

interface Log {
  readonly log: readonly unknown[];
}

const noted = (state: Log, what: unknown): { state: Log } => ({ state: { log: [...state.log, what] } });

/** Fails as often as told, then notes what it knows of its instruction. */
function worker(failures = 0) {
  let left = failures;
  return defineAgent({
    name: "worker",
    state: (): Log => ({ log: [] }),
    actions: {
      run: defineAction({
        run: (_state: Log, instructions: readonly Instruction[]) => ({
          directives: instructions.map((instruction) => directives.run(instruction)),
        }),
      }),
      note: defineAction({
        run: (state: Log, data: unknown, context: ActionContext) => {
          if (left-- > 0) throw new Error("not yet");
          return noted(state, [data, context.instruction, context.self.status]);
        },
      }),
      never: defineAction({
        mode: "concurrent",
        run: (_state: Log, _data: undefined, { signal, instruction }: ActionContext): Promise<never> =>
          new Promise((_, reject) => {
            tried.push(instruction?.attempt);
            signal.addEventListener("abort", () => reject(signal.reason as Error));
          }),
      }),
      log: defineAction({ mode: "read", run: (state: Log) => ({ reply: state.log }) }),
    },
  });
}
const tried: unknown[] = [];

describe("an instruction", () => {
  test("comes behind what waits, with its context; one with neither is a message", async () => {
    const { runtime } = runtimeForTest();
    const agent = runtime.spawn(worker());
    agent.send({
      type: "run",
      data: [
        { action: "note", data: 1, context: { requester: "ada" } },
        { action: "note", data: 2 },
        { action: "note", data: 3, options: { attempts: 3 } },
      ],
    });
    agent.send({ type: "note", data: 0 });
    await settled();
    expect(await agent.ask({ type: "log" })).toEqual([
      [0, undefined, "running"],
      [1, { context: { requester: "ada" }, attempt: 1, attempts: 1 }, "running"],
      [2, undefined, "running"],
      [3, { context: {}, attempt: 1, attempts: 3 }, "running"],
    ]);
    await runtime.close();
  });

  test("is tried again after its backoff, doubled each time; the agent goes on meanwhile with the state it had", async () => {
    const { runtime, clock, kinds } = runtimeForTest();
    const agent = runtime.spawn(worker(2));
    agent.send({ type: "run", data: [{ action: "note", data: "x", options: { attempts: 3, backoffMs: 100 } }] });
    await settled();
    await clock.advance(ms(101));
    expect(await agent.ask({ type: "log" })).toEqual([]);
    await clock.advance(ms(198));
    expect(await agent.ask({ type: "log" })).toEqual([]);
    await clock.advance(ms(3));
    expect(await agent.ask({ type: "log" })).toEqual([["x", { context: {}, attempt: 3, attempts: 3 }, "running"]]);
    expect([kinds(), runtime.deadLetters.added]).toEqual([["agent-started"], 0]);
    await runtime.close();
  });

  test("that fails for the last time is a dead letter and a failure of the agent; sent again it has its context", async () => {
    const { runtime, clock, kinds } = runtimeForTest();
    const agent = runtime.spawn(worker(2));
    const instruction = { action: "note", data: "x", context: { order: 7 }, options: { attempts: 2, backoffMs: 0 } };
    agent.send({ type: "run", data: [instruction] });
    await settled();
    await clock.advance(ms(10_000));
    expect(kinds()).toEqual(expect.arrayContaining(["dead-letter", "agent-failed", "agent-restarted"]));
    expect(runtime.deadLetters.list()).toMatchObject([
      { reason: "action-failed", message: { data: { ...instruction, attempt: 2 } } },
    ]);
    expect(runtime.redrive()).toBe(1);
    await settled();
    expect(await agent.ask({ type: "log" })).toMatchObject([["x", { context: { order: 7 } }, "running"]]);
    await runtime.close();
  });

  test("has its own time limit, for each attempt", async () => {
    const { runtime, clock } = runtimeForTest();
    const agent = runtime.spawn(worker());
    tried.length = 0;
    agent.send({ type: "run", data: [{ action: "never", options: { timeoutMs: 50, attempts: 2, backoffMs: 10 } }] });
    await settled();
    await clock.advance(ms(49));
    expect(tried).toEqual([1]);
    await clock.advance(ms(15));
    expect([tried, runtime.deadLetters.added]).toEqual([[1, 2], 0]);
    await clock.advance(ms(60));
    expect(tried).toEqual([1, 2]);
    expect(runtime.deadLetters.list()).toMatchObject([
      { reason: "action-timeout", error: { code: "AGENT_ACTION_TIMEOUT", details: { timeoutMs: 50 } } },
    ]);
    await runtime.close();
  });

  test("that waits for its next attempt when the agent ends is a dead letter, and never comes", async () => {
    const { runtime, clock } = runtimeForTest();
    const agent = runtime.spawn(worker(1));
    agent.send({ type: "run", data: [{ action: "note", data: "x", options: { attempts: 2, backoffMs: 100 } }] });
    await settled();
    await agent.stop();
    await clock.advance(ms(1000));
    expect(runtime.deadLetters.list().map(({ reason }) => reason)).toEqual(["stopped"]);
    await runtime.close();
  });

  test("with options that mean nothing fails the action that returned it; an unknown action is a dead letter", async () => {
    const { runtime } = runtimeForTest();
    const agent = runtime.spawn(worker());
    const wrong = { action: "note", options: { attempts: 0, timeoutMs: 0, backoffMs: -1 } };
    await expect(agent.ask({ type: "run", data: [wrong] })).rejects.toMatchObject({
      cause: { code: "AGENT_OPTIONS_INVALID", details: { problems: { length: 3 } } },
    });
    const other = runtime.spawn(worker());
    other.send({ type: "run", data: [{ action: "nothing", context: {} }] });
    await settled();
    expect(runtime.deadLetters.count("action-unknown")).toBe(1);
    await runtime.close();
  });

  test("waits for a write under way, as a message does", async () => {
    const { runtime } = runtimeForTest({ switches: { zeroCopy: false, monomorphic: false } });
    let open: () => void = () => undefined;
    const definition = defineAgent({
      name: "slow",
      state: (): Log => ({ log: [] }),
      actions: {
        slow: defineAction({
          run: async (state: Log) => {
            await new Promise<void>((resolve) => {
              open = resolve;
            });
            return noted(state, "slow");
          },
        }),
        begin: defineAction({
          mode: "read",
          run: (_state: Log) => ({ directives: [directives.run({ action: "note", data: 1, context: {} })] }),
        }),
        note: defineAction({ run: (state: Log, data: number) => noted(state, data) }),
        log: defineAction({ mode: "read", run: (state: Log) => ({ reply: state.log }) }),
      },
    });
    const agent = runtime.spawn(definition);
    agent.send({ type: "slow" });
    agent.send({ type: "begin" });
    await settled();
    expect(await agent.ask({ type: "log" })).toEqual([]);
    open();
    await settled();
    expect(await agent.ask({ type: "log" })).toEqual(["slow", 1]);
    await runtime.close();
  });

  test("no action can have the name that instructions go by", () => {
    const named = { $instruction: defineAction({ run: (_state: Log): undefined => undefined }) };
    expect(() => defineAgent({ name: "thief", state: (): Log => ({ log: [] }), actions: named })).toThrow(
      expect.objectContaining({ code: "AGENT_DEFINITION_INVALID" }),
    );
  });
});
