import { ms } from "@mettle/core";
import { describe, expect, test } from "vitest";
import { defineAction, defineAgent, directives } from "../../src/index.ts";
import { counter, Gates, runtimeForTest, settled } from "../support.ts";

interface Started {
  readonly starts: number;
  readonly seen: readonly number[];
}

const starting = defineAgent({
  name: "starting",
  state: (): Started => ({ starts: 0, seen: [] }),
  start: "begin",
  actions: {
    begin: defineAction({ run: (state: Started) => ({ state: { ...state, starts: state.starts + 1 } }) }),
    see: defineAction({
      run: (state: Started, n: number) => {
        if (n < 0) throw new Error("negative");
        return { state: { ...state, seen: [...state.seen, n] } };
      },
    }),
    finish: defineAction({
      run: (_state: Started) => ({ reply: "finished", directives: [directives.stop("done")] }),
    }),
    all: defineAction({ mode: "read", run: (state: Started) => ({ reply: state }) }),
  },
});

describe("an agent that ends by its own decision", () => {
  test("begins again when it is permanent, with its mailbox, and says that its state was reset", async () => {
    const { runtime, kinds } = runtimeForTest();
    const agent = runtime.spawn(starting, { restart: "permanent" });
    agent.send({ type: "see", data: 1 });
    const reply = agent.ask({ type: "finish" });
    agent.send({ type: "see", data: 2 });
    expect(await reply).toBe("finished");
    expect(await agent.ask({ type: "all" })).toEqual({ starts: 1, seen: [2] });
    expect(kinds()).toEqual(["agent-started", "agent-restarted", "agent-state-reset"]);
    await agent.stop();
    expect(agent.status).toBe("stopped");
    await runtime.close();
  });

  test("stays ended when it is transient, and nothing keeps a permanent one that ends again and again", async () => {
    const { runtime, clock, kinds } = runtimeForTest({ restarts: { maxRestarts: 2, withinMs: 1000, backoffMs: 0 } });
    const transient = runtime.spawn(starting);
    await transient.ask({ type: "finish" });
    expect(transient.status).toBe("stopped");
    const permanent = runtime.spawn(starting, { restart: "permanent" });
    for (let i = 0; i < 3; i++) permanent.send({ type: "finish" });
    for (let i = 0; i < 5; i++) {
      await settled();
      await clock.advance(ms(10));
    }
    expect(permanent.status).toBe("stopped");
    expect(kinds().filter((kind) => kind === "agent-restarted")).toHaveLength(2);
    expect(kinds()).toContain("supervisor-escalated");
    await runtime.close();
  });
});

describe("an agent paused before it has begun", () => {
  test("runs its start action when it goes on, before everything else", async () => {
    const { runtime } = runtimeForTest();
    const agent = runtime.spawn(starting);
    agent.pause();
    agent.send({ type: "see", data: 1 });
    await settled();
    expect(agent.status).toBe("paused");
    agent.resume();
    expect(await agent.ask({ type: "all" })).toEqual({ starts: 1, seen: [1] });
    agent.pause();
    agent.resume();
    expect(await agent.ask({ type: "all" })).toEqual({ starts: 1, seen: [1] });
    await runtime.close();
  });

  test("and restarted meanwhile, begins once", async () => {
    const { runtime } = runtimeForTest();
    const agent = runtime.spawn(starting);
    const other = runtime.spawn(counter);
    runtime.link(agent, other);
    agent.pause();
    other.send({ type: "fail", data: "takes the other along" });
    await settled();
    agent.pause();
    agent.resume();
    expect(await agent.ask({ type: "all" })).toEqual({ starts: 1, seen: [] });
    agent.pause();
    agent.resume();
    expect(await agent.ask({ type: "all" })).toEqual({ starts: 1, seen: [] });
    await runtime.close();
  });
});

test("a timeout that is no time is a typed error, not a request that never ends", async () => {
  const { runtime } = runtimeForTest({ switches: { fastPath: false } });
  const agent = runtime.spawn(counter);
  for (const timeout of [Number.NaN, -1, "soon" as unknown as number]) {
    await expect(agent.ask({ type: "total" }, { timeout })).rejects.toMatchObject({ code: "AGENT_OPTIONS_INVALID" });
  }
  expect(await agent.ask({ type: "total" }, { timeout: 1 })).toBe(0);
  await runtime.close();
});

test("a bus that takes nothing does not make a restart fail: that is reported, and the agent goes on", async () => {
  const { runtime, events } = runtimeForTest();
  runtime.bus.use({
    name: "closed",
    beforePublish: () => {
      throw new Error("closed for today");
    },
  });
  const agent = runtime.spawn(counter);
  await agent.ask({ type: "fail", data: "once" }).catch((error: unknown) => error);
  expect(await agent.ask({ type: "add", data: 1 })).toBe(1);
  expect(events).toContainEqual(
    expect.objectContaining({ kind: "signal-refused", agent: agent.address, type: "agent.state.reset" }),
  );
  await runtime.close();
});

test("what an action sends to its own agent comes behind what waits, for as long as it likes, and starves nobody", async () => {
  const { runtime } = runtimeForTest();
  interface Loop {
    readonly rounds: number;
  }
  const looping = defineAgent({
    name: "looping",
    state: (): Loop => ({ rounds: 0 }),
    actions: {
      again: defineAction({
        run: (state: Loop, _input: void, { self }) => {
          self.send({ type: "again" });
          return { state: { rounds: state.rounds + 1 } };
        },
      }),
      rounds: defineAction({ mode: "read", run: (state: Loop) => ({ reply: state.rounds }) }),
    },
  });
  const agent = runtime.spawn(looping);
  const other = runtime.spawn(counter);
  agent.send({ type: "again" });
  const seen: number[] = [];
  for (let i = 0; i < 5; i++) {
    await settled();
    seen.push(await agent.ask({ type: "rounds" }));
    expect(await other.ask({ type: "add", data: 1 })).toBe(i + 1);
  }
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(new Set(seen).size).toBe(5);
  await runtime.close({ drain: false });
});

test("an action that asks its own agent for a write waits for itself: it ends by its timeout, and the agent goes on", async () => {
  const { runtime, clock } = runtimeForTest();
  const selfish = defineAgent({
    name: "selfish",
    onFailure: "resume",
    state: () => ({ n: 0 }),
    actions: {
      add: defineAction({ run: (state: { n: number }) => ({ state: { n: state.n + 1 }, reply: state.n + 1 }) }),
      outer: defineAction({
        timeoutMs: 50,
        run: async (state: { n: number }, _input: void, { self }) => {
          const n = (await self.ask({ type: "add" }, { timeout: 1000 })) as number;
          return { state: { n: state.n + n } };
        },
      }),
    },
  });
  const agent = runtime.spawn(selfish);
  const outer = agent.ask({ type: "outer" }).catch((error: unknown) => error);
  await settled();
  await clock.advance(ms(60));
  await settled();
  expect(await outer).toMatchObject({ code: "AGENT_ACTION_TIMEOUT" });
  expect(await agent.ask({ type: "add" })).toBe(2); // the inner request was carried out after the outer one ended
  await runtime.close();
});

describe("a start action that awaits", () => {
  function setUp(
    options: { mode?: "write" | "concurrent"; onFailure?: "restart" | "resume"; timeoutMs?: number } = {},
  ) {
    const { mode = "write", onFailure = "restart", timeoutMs = 1000 } = options;
    const { runtime, clock } = runtimeForTest();
    const gates = new Gates();
    let starts = 0;
    const load = async () => {
      await gates.wait(`start ${++starts}`);
      return mode === "write" ? { state: { loaded: true } } : { update: () => ({ loaded: true }) };
    };
    const agent = runtime.spawn(
      defineAgent({
        name: "loading",
        state: () => ({ loaded: false }),
        start: "load",
        onFailure,
        actions: {
          load: defineAction<{ loaded: boolean }, void, void>({ mode, timeoutMs, run: load } as never),
          loaded: defineAction({ mode: "read", run: ({ loaded }: { loaded: boolean }) => ({ reply: loaded }) }),
        },
      }),
    );
    const replies: unknown[] = [];
    const read = (): void =>
      void agent.ask({ type: "loaded" }, { timeout: Infinity }).then(
        (reply) => replies.push(reply),
        (error: { code: string }) => replies.push(error.code),
      );
    return { runtime, clock, gates, agent, replies, read };
  }

  test("keeps reads waiting, and the agent is initializing", async () => {
    const { runtime, gates, agent, replies, read } = setUp();
    read();
    await settled();
    read();
    await settled();
    expect([agent.status, replies]).toEqual(["initializing", []]);
    await gates.open("start 1");
    expect([agent.status, replies]).toEqual(["idle", [true, true]]);
    await runtime.close();
  });

  test("keeps nobody when it is concurrent", async () => {
    const { runtime, gates, replies, read } = setUp({ mode: "concurrent" });
    read();
    await settled();
    expect(replies).toEqual([false]);
    await gates.open("start 1");
    read();
    await settled();
    expect(replies).toEqual([false, true]);
    await runtime.close();
  });

  test("that fails is run again; with `resume` the agent goes on", async () => {
    const failing = setUp();
    failing.read();
    await settled();
    await failing.gates.break("start 1", new Error("broken"));
    expect([failing.agent.status, failing.replies]).toEqual(["initializing", []]);
    await failing.gates.open("start 2");
    expect([failing.agent.status, failing.replies]).toEqual(["idle", [true]]);
    await failing.runtime.close();
    const resuming = setUp({ onFailure: "resume" });
    resuming.read();
    await settled();
    await resuming.gates.break("start 1", new Error("broken"));
    expect([resuming.agent.status, resuming.replies]).toEqual(["idle", [false]]);
    await resuming.runtime.close();
  });

  test("that takes too long lets the others go on", async () => {
    const { runtime, clock, agent, replies, read } = setUp();
    read();
    await settled();
    await clock.advance(ms(5000));
    await settled();
    expect([agent.status, replies]).toEqual(["idle", [false]]);
    await runtime.close();
  });

  test("ends while the agent is paused; it goes on when it is resumed, and does not begin twice", async () => {
    const { runtime, gates, agent, replies, read } = setUp();
    read();
    await settled();
    agent.pause();
    agent.resume();
    expect(agent.status).toBe("initializing");
    agent.pause();
    await gates.open("start 1");
    expect([agent.status, replies]).toEqual(["paused", []]);
    agent.resume();
    await settled();
    expect([agent.status, replies, gates.names]).toEqual(["idle", [true], ["start 1"]]);
    await runtime.close();
  });

  test("is waited for by an agent that stops when it has finished", async () => {
    const { runtime, gates, agent, replies, read } = setUp();
    read();
    await settled();
    const stopping = agent.stop({ drain: true });
    await settled();
    expect([agent.status, replies]).toEqual(["stopping", []]);
    await gates.open("start 1");
    await stopping;
    expect(replies).toEqual([true]);
    await runtime.close();
  });

  test("and has not begun before the agent stops is begun once, and waited for", async () => {
    const { runtime, gates, agent, replies, read } = setUp();
    read();
    const stopping = agent.stop({ drain: true });
    await settled();
    expect([agent.status, replies]).toEqual(["stopping", []]);
    await gates.open("start 1");
    await stopping;
    expect([replies, gates.names]).toEqual([[true], ["start 1"]]);
    await runtime.close();
  });

  test("ends with an agent that is stopped", async () => {
    const { runtime, agent, replies, read } = setUp();
    read();
    await settled();
    await agent.stop();
    expect(replies).toEqual(["AGENT_STOPPED"]);
    expect(runtime.deadLetters.added).toBe(0);
    await runtime.close();
  });
});
