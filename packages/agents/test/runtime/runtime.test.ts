import { ms } from "@mettle/core";
import { describe, expect, expectTypeOf, test } from "vitest";
import { createRuntime, defineAction, defineAgent, type RefOf } from "../../src/index.ts";
import { counter, Gates, runtimeForTest, settled, type Total } from "../support.ts";

describe("messages", () => {
  test("run in the order sent, and a reply sees all before it", async () => {
    await using runtime = createRuntime();
    const agent = runtime.spawn(counter);
    for (let i = 1; i <= 100; i++) agent.send({ type: "add", data: i });
    expect(await agent.ask({ type: "total" })).toBe(5050);
    expect(await agent.ask({ type: "add", data: 1 })).toBe(5051);
    expect(agent.status).toBe("idle");
  });

  test("types flow: a wrong message does not compile, a reply has its action's type", () => {
    const types = async (agent: RefOf<typeof counter>): Promise<void> => {
      expectTypeOf(await agent.ask({ type: "total" })).toEqualTypeOf<number>();
      expectTypeOf(await agent.ask({ type: "add", data: 1 })).toEqualTypeOf<number>();
      expectTypeOf(await agent.ask({ type: "fail", data: "x" })).toEqualTypeOf<void>();
      // @ts-expect-error the input is a number
      agent.send({ type: "add", data: "1" });
      // @ts-expect-error the input is missing
      agent.send({ type: "add" });
      // @ts-expect-error there is no such action
      agent.send({ type: "subtract", data: 1 });
      // @ts-expect-error it takes no input
      agent.send({ type: "total", data: 1 });
    };
    expect(types).toBeTypeOf("function");
  });

  test("state and read types are held together by the compiler", () => {
    const counterAdd = defineAction({ run: (state: Total, by: number) => ({ state: { total: state.total + by } }) });
    // @ts-expect-error the action works on another state
    const wrong = () => defineAgent({ name: "x", state: () => ({ text: "" }), actions: { add: counterAdd } });
    // @ts-expect-error a write must return the whole state
    const partial = () => defineAction({ run: (_state: Total) => ({ state: {} }) });
    // @ts-expect-error a read returns no state
    const read = () => defineAction({ mode: "read", run: (state: Total) => ({ state }) });
    expect([wrong, partial, read]).toHaveLength(3);
  });

  test("an unknown action and a refused input are typed errors to the asker, dead letters for a sender", async () => {
    const { runtime, kinds } = runtimeForTest();
    const agent = runtime.spawn(counter);
    const loose = runtime.find(agent.address)!;
    await expect(loose.ask({ type: "nothing" })).rejects.toMatchObject({
      code: "AGENT_ACTION_UNKNOWN",
      details: { known: ["add", "total", "fail"] },
    });
    loose.send({ type: "toString" });
    loose.send({ type: "__proto__" });
    await settled();
    expect(runtime.deadLetters.count("action-unknown")).toBe(2);
    expect(kinds()).toEqual(["agent-started", "dead-letter", "dead-letter"]);
    await runtime.close();
  });
});

describe("ask", () => {
  const gates = new Gates();
  const slow = defineAgent({
    name: "slow",
    state: () => ({ done: [] as string[] }),
    actions: {
      work: defineAction({
        timeoutMs: Number.POSITIVE_INFINITY,
        run: async (state: { done: string[] }, name: string) => {
          await gates.wait(name);
          return { state: { done: [...state.done, name] }, reply: name };
        },
      }),
    },
  });

  test("ends with AGENT_ASK_TIMEOUT at its deadline, and says whether the action had begun", async () => {
    const { runtime, clock } = runtimeForTest();
    const agent = runtime.spawn(slow);
    const first = agent.ask({ type: "work", data: "a" }, { timeout: 50 });
    const second = agent.ask({ type: "work", data: "b" }, { timeout: 5000 });
    const errors = Promise.all([first, second].map((asked) => asked.catch((error: unknown) => error)));
    await settled();
    await clock.advance(ms(5020));
    expect(await errors).toMatchObject([
      { code: "AGENT_ASK_TIMEOUT", details: { began: true, timeoutMs: 50 }, retryable: true },
      { code: "AGENT_ASK_TIMEOUT", details: { began: false, timeoutMs: 5000 } },
    ]);
    await gates.open("a");
    expect(gates.names).toEqual(["a"]); // "b" was given up before it began: it never runs
    await runtime.close({ drain: false });
  });

  test("ends with AGENT_ASK_ABORTED when its signal aborts, before or after it was sent", async () => {
    const { runtime } = runtimeForTest();
    const agent = runtime.spawn(slow);
    const controller = new AbortController();
    const asked = agent.ask({ type: "work", data: "c" }, { signal: controller.signal });
    await settled();
    controller.abort(new Error("enough"));
    await expect(asked).rejects.toMatchObject({ code: "AGENT_ASK_ABORTED", cause: { message: "enough" } });
    await expect(agent.ask({ type: "work", data: "d" }, { signal: controller.signal })).rejects.toMatchObject({
      code: "AGENT_ASK_ABORTED",
      details: { began: false },
    });
    await runtime.close({ drain: false });
  });

  test("an action that throws fails its request with the cause and lands among the dead letters", async () => {
    const { runtime } = runtimeForTest();
    const agent = runtime.spawn(counter);
    await expect(agent.ask({ type: "fail", data: "broken" })).rejects.toMatchObject({
      code: "AGENT_ACTION_FAILED",
      cause: { message: "broken" },
    });
    expect(runtime.deadLetters.drain()).toMatchObject([
      { to: agent.address, message: { type: "fail", data: "broken" }, reason: "action-failed" },
    ]);
    await runtime.close();
  });
});

describe("concurrency", () => {
  interface Log {
    readonly done: readonly string[];
  }
  const make = (gates: Gates) =>
    defineAgent({
      name: "worker",
      state: (): Log => ({ done: [] }),
      actions: {
        write: defineAction({
          run: async (state: Log, name: string) => {
            await gates.wait(name);
            return { state: { done: [...state.done, name] }, reply: name };
          },
        }),
        note: defineAction({ run: (state: Log, name: string) => ({ state: { done: [...state.done, name] } }) }),
        concurrent: defineAction({
          mode: "concurrent",
          run: async (_state: Log, name: string) => {
            await gates.wait(name);
            return { update: (latest: Log) => ({ done: [...latest.done, name] }), reply: name };
          },
        }),
        done: defineAction({ mode: "read", run: (state: Log) => ({ reply: state.done }) }),
      },
    });

  test("a write that awaits makes later writes wait, but no read; none of their results is lost", async () => {
    const gates = new Gates();
    const { runtime } = runtimeForTest();
    const agent = runtime.spawn(make(gates));
    const first = agent.ask({ type: "write", data: "first" });
    agent.send({ type: "note", data: "second" });
    const third = agent.ask({ type: "write", data: "third" });
    expect(await agent.ask({ type: "done" })).toEqual([]);
    expect(agent.status).toBe("running");
    await gates.open("first");
    expect(await first).toBe("first");
    expect(await agent.ask({ type: "done" })).toEqual(["first", "second"]);
    await gates.open("third");
    await third;
    expect(await agent.ask({ type: "done" })).toEqual(["first", "second", "third"]);
    await runtime.close();
  });

  test("concurrent actions end in any order and each result counts, also while a write awaits", async () => {
    const gates = new Gates();
    const { runtime } = runtimeForTest();
    const agent = runtime.spawn(make(gates));
    const [a, b] = [agent.ask({ type: "concurrent", data: "a" }), agent.ask({ type: "concurrent", data: "b" })];
    const write = agent.ask({ type: "write", data: "w" });
    await settled();
    await gates.open("b"); // ends while the write awaits, which has read the state before
    await gates.open("w");
    await gates.open("a");
    expect(await Promise.all([a, b, write])).toEqual(["a", "b", "w"]);
    expect(await agent.ask({ type: "done" })).toEqual(["w", "b", "a"]);
    await runtime.close();
  });

  test("an action that never settles ends at its timeout; its signal aborts and the writes behind it go on", async () => {
    const reasons: unknown[] = [];
    const stuck = defineAgent({
      name: "stuck",
      state: () => ({ n: 0 }),
      actions: {
        hang: defineAction({
          timeoutMs: 1000,
          run: (_state: { n: number }, _input: void, { signal }) =>
            new Promise<undefined>(() => signal.addEventListener("abort", () => reasons.push(signal.reason))),
        }),
        next: defineAction({ run: (state: { n: number }) => ({ state: { n: state.n + 1 }, reply: state.n + 1 }) }),
      },
    });
    const { runtime, clock } = runtimeForTest();
    const agent = runtime.spawn(stuck);
    const hung = agent.ask({ type: "hang" });
    const next = agent.ask({ type: "next" });
    const failure = hung.catch((error: unknown) => error);
    await settled();
    await clock.advance(ms(1020));
    expect(await failure).toMatchObject({ code: "AGENT_ACTION_TIMEOUT" });
    expect(await next).toBe(1);
    expect(reasons).toMatchObject([{ code: "AGENT_ACTION_TIMEOUT" }]);
    expect(runtime.deadLetters.count("action-timeout")).toBe(1);
    await runtime.close();
  });

  test("a result that comes after its agent stopped is reported as late", async () => {
    const gates = new Gates();
    const { runtime, events } = runtimeForTest();
    const agent = runtime.spawn(make(gates));
    const asked = agent.ask({ type: "write", data: "late" }).catch((error: unknown) => error);
    await settled();
    await agent.stop({ reason: "no longer needed" });
    expect(await asked).toMatchObject({ code: "AGENT_STOPPED", details: { reason: "no longer needed" } });
    await gates.open("late");
    expect(events.at(-1)).toMatchObject({ kind: "late-result", action: "write", failed: false });
    await runtime.close();
  });
});

describe("a mailbox", () => {
  test("is bounded: one more is an error to the sender, never a silent drop", async () => {
    const { runtime } = runtimeForTest({ mailboxLimit: 3 });
    const agent = runtime.spawn(counter);
    agent.pause();
    for (let i = 0; i < 3; i++) agent.send({ type: "add", data: 1 });
    expect(() => agent.send({ type: "add", data: 1 })).toThrow(
      expect.objectContaining({ code: "AGENT_MAILBOX_FULL", retryable: true, details: { address: "0/1", waiting: 3 } }),
    );
    await expect(agent.ask({ type: "add", data: 1 })).rejects.toMatchObject({ code: "AGENT_MAILBOX_FULL" });
    expect(agent.status).toBe("paused");
    agent.resume();
    await settled();
    expect(await agent.ask({ type: "total" })).toBe(3);
    await runtime.close();
  });

  test("of a stopped agent: requests fail, sends are dead letters, stopping again is nothing", async () => {
    const { runtime } = runtimeForTest();
    const agent = runtime.spawn(counter, { name: "one" });
    agent.pause();
    agent.send({ type: "add", data: 1 });
    const waiting = agent.ask({ type: "total" }).catch((error: unknown) => error);
    await agent.stop();
    await agent.stop();
    expect(await waiting).toMatchObject({ code: "AGENT_STOPPED" });
    agent.send({ type: "add", data: 1 });
    await expect(agent.ask({ type: "total" })).rejects.toMatchObject({ code: "AGENT_STOPPED" });
    expect(runtime.deadLetters.count("stopped")).toBe(2);
    expect([agent.status, runtime.find("one")]).toEqual(["stopped", undefined]);
    await runtime.close();
  });

  test("drain handles what was accepted before the end", async () => {
    const { runtime } = runtimeForTest();
    const agent = runtime.spawn(counter);
    const replies = [1, 2, 3].map((by) => agent.ask({ type: "add", data: by }));
    const stopped = agent.stop({ drain: true });
    expect(agent.status).toBe("stopping");
    await expect(agent.ask({ type: "total" })).rejects.toMatchObject({ code: "AGENT_STOPPED" });
    await stopped;
    expect(await Promise.all(replies)).toEqual([1, 3, 6]);
    await runtime.close();
  });
});

describe("close", () => {
  test("finishes what was accepted, refuses new agents, and may be called twice", async () => {
    const runtime = createRuntime();
    const agent = runtime.spawn(counter);
    const asked = agent.ask({ type: "add", data: 5 });
    await Promise.all([runtime.close(), runtime.close()]);
    expect(await asked).toBe(5);
    expect(() => runtime.spawn(counter)).toThrow(expect.objectContaining({ code: "RUNTIME_CLOSED" }));
  });

  test("what does not finish in time ends with an error", async () => {
    const gates = new Gates();
    const { runtime, clock } = runtimeForTest();
    const hanging = defineAgent({
      name: "hanging",
      state: () => ({}),
      actions: { hang: defineAction({ run: (_state: object) => gates.wait("for ever").then(() => undefined) }) },
    });
    const asked = runtime
      .spawn(hanging)
      .ask({ type: "hang" })
      .catch((error: unknown) => error);
    await settled();
    const closed = runtime.close({ withinMs: 200 });
    await settled();
    await clock.advance(ms(300));
    await closed;
    expect(await asked).toMatchObject({ code: "AGENT_STOPPED" });
  });
});

test("every problem of the options is named at once", () => {
  expect(() => createRuntime({ mailboxLimit: 0, batch: 1.5, restarts: { backoffFactor: 0 } })).toThrow(
    expect.objectContaining({
      code: "AGENT_OPTIONS_INVALID",
      details: {
        problems: [
          "mailboxLimit must be more than 0, got 0",
          "batch must be a whole number, got 1.5",
          "backoffFactor must be 1 or more, got 0",
        ],
      },
    }),
  );
});
