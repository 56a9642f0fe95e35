import { MettleError } from "@mettle/core";
import { threadId, type Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import {
  type AnyRef,
  createRuntime,
  defineAction,
  defineAgent,
  type Down,
  type Runtime,
  type RuntimeEvent,
  type RuntimeOptions,
} from "../../src/index.ts";
import { busy, collector, forgetful, listener } from "./agents-for-shards.ts";
import { settled } from "../support.ts";

const threads: Worker[] = [];
process.on("worker", (worker) => threads.push(worker));

let runtime: Runtime;
let events: RuntimeEvent[];
const start = (options: RuntimeOptions = {}): Runtime => {
  // Starting a thread takes as long as the machine's other work lets it: no test here is about this deadline.
  runtime = createRuntime({ shards: { workers: 2 }, askTimeoutMs: 60_000, ...options });
  events = [];
  runtime.observe((event) => events.push(event));
  return runtime;
};
const event = (kind: RuntimeEvent["kind"]): Promise<RuntimeEvent> =>
  new Promise((resolve) => {
    const known = events.find((event) => event.kind === kind);
    if (known) resolve(known);
    const end = runtime.observe((event) => {
      if (event.kind !== kind) return;
      end();
      resolve(event);
    });
  });

/** What it has heard, or undefined while there is no room to ask. */
const heard = (agent: AnyRef): Promise<readonly unknown[] | undefined> =>
  agent.ask({ type: "heard" }).then(
    (reply) => reply as readonly unknown[],
    () => undefined,
  );

afterEach(() => runtime.close({ drain: false }));

describe("agents in other threads", () => {
  test("work as in this one, in order, from the first message on", async () => {
    const agent = start().spawn(collector, { placement: "any" });
    for (let n = 0; n < 500; n++) agent.send({ type: "add", data: n });
    expect(await agent.ask({ type: "seen" })).toEqual(Array.from({ length: 500 }, (_, n) => n));
    expect(await agent.ask({ type: "thread" })).not.toBe(threadId);
    expect(agent.address).toBe("1/1");
    expect(runtime.find("1/1")).toBe(agent);
    expect(runtime.stats()).toMatchObject({ agents: 1, threads: 2 });
  });

  test("threads are started on demand and filled evenly", async () => {
    start();
    expect(runtime.stats().threads).toBe(1);
    const agents = [1, 2, 3, 4].map(() => runtime.spawn(collector, { placement: "any" }));
    const threads = await Promise.all(agents.map((agent) => agent.ask({ type: "thread" })));
    expect(new Set(threads).size).toBe(2);
    expect(runtime.stats().threads).toBe(3);
  });

  test("errors come back with code, message and cause", async () => {
    const agent = start().spawn(collector, { placement: 1 });
    await expect(agent.ask({ type: "fail", data: "broken there" })).rejects.toMatchObject({
      code: "AGENT_ACTION_FAILED",
      cause: { message: "broken there" },
    });
    await expect(agent.ask({ type: "hang" }, { timeout: 20 })).rejects.toMatchObject({ code: "AGENT_ASK_TIMEOUT" });
    await expect(agent.ask({ type: "function" })).rejects.toMatchObject({ code: "AGENT_NOT_CLONEABLE" });
    expect(await agent.ask({ type: "seen" })).toEqual([]); // the thread goes on
  });

  test("what cannot be cloned is a typed error to the sender", async () => {
    const agent = start().spawn(collector, { placement: 1 });
    const loose = runtime.find(agent.address)!;
    const local = runtime.spawn(collector);
    for (const data of [() => 1, { deep: [Symbol("s")] }, new Map([["p", Promise.resolve()]]), { ref: local }, agent]) {
      expect(() => loose.send({ type: "add", data })).toThrow(expect.objectContaining({ code: "AGENT_NOT_CLONEABLE" }));
      await expect(loose.ask({ type: "add", data })).rejects.toMatchObject({ code: "AGENT_NOT_CLONEABLE" });
    }
    // Only the clone itself finds this one: the others of its batch arrive all the same.
    const hidden = {
      get trap(): unknown {
        return process.stdout;
      },
    };
    const first = agent.ask({ type: "add", data: 1 });
    const refused = loose.ask({
      type: "add",
      data: Object.create({ hidden }, { socket: { value: process.stdout, enumerable: true } }),
    });
    const last = agent.ask({ type: "add", data: 2 });
    await expect(refused).rejects.toMatchObject({ code: "AGENT_NOT_CLONEABLE" });
    expect(await Promise.all([first, last])).toEqual([1, 2]);
  });

  test("agents reach others by name and address across threads", async () => {
    start();
    const here = runtime.spawn(collector, { name: "here" });
    const one = runtime.spawn(collector, { placement: 1, name: "one" });
    const two = runtime.spawn(collector, { placement: 2 });
    await one.ask({ type: "tell", data: { to: "here", n: 1 } });
    await two.ask({ type: "tell", data: { to: one.address, n: 2 } });
    await one.ask({ type: "tell", data: { to: two.address, n: 3 } });
    await two.ask({ type: "tell", data: { to: "nobody", n: 4 } });
    expect(await event("dead-letter")).toMatchObject({ agent: "nobody", reason: "unknown-address" });
    expect(await here.ask({ type: "seen" })).toEqual([1]);
    expect([await one.ask({ type: "seen" }), await two.ask({ type: "seen" })]).toEqual([[2], [3]]);
    expect(() => runtime.spawn(collector, { placement: "any", name: "one" })).toThrow(
      expect.objectContaining({ code: "AGENT_NAME_TAKEN" }),
    );
  });

  test("stop ends them with news to watchers; the name is free again", async () => {
    start();
    const agent = runtime.spawn(collector, { placement: 1, name: "gone" });
    const down = new Promise<Down>((resolve) => runtime.monitor(agent, resolve));
    await agent.ask({ type: "add", data: 1 });
    await agent.stop({ reason: "enough" });
    expect(await down).toMatchObject({ reason: "enough", mayRestart: false });
    expect([agent.status, runtime.find("gone")]).toEqual(["stopped", undefined]);
    await expect(agent.ask({ type: "seen" })).rejects.toMatchObject({ code: "AGENT_STOPPED" });
    agent.send({ type: "add", data: 2 });
    expect(runtime.deadLetters.count("stopped")).toBe(1);
  });

  test("a definition that no thread can load says so", async () => {
    start();
    const here = defineAgent({
      name: "here",
      state: () => ({}),
      actions: { go: defineAction({ run: (_state: object) => undefined }) },
    });
    expect(() => runtime.spawn(here, { placement: "any" })).toThrow(
      expect.objectContaining({ code: "AGENT_NOT_PORTABLE" }),
    );
    const wrong = defineAgent({
      name: "not there",
      module: new URL("agents-for-shards.ts", import.meta.url).href,
      state: () => ({}),
      actions: { go: defineAction({ run: (_state: object) => undefined }) },
    });
    const agent = runtime.spawn(wrong, { placement: 1 });
    const down = new Promise<Down>((resolve) => runtime.monitor(agent, resolve));
    await expect(agent.ask({ type: "go" })).rejects.toMatchObject({ code: "AGENT_NOT_FOUND" });
    expect(await down).toMatchObject({ reason: "not started", error: { code: "AGENT_NOT_PORTABLE" } });
  });

  test("messages under way are bounded", async () => {
    start({ shards: { workers: 1, maxInFlight: 10 } });
    const agent = runtime.spawn(collector, { placement: 1 });
    for (let n = 0; n < 10; n++) agent.send({ type: "add", data: n });
    expect(() => agent.send({ type: "add", data: 10 })).toThrow(
      expect.objectContaining({ code: "AGENT_MAILBOX_FULL" }),
    );
    await expect(agent.ask({ type: "seen" })).rejects.toMatchObject({ code: "AGENT_MAILBOX_FULL" });
  });

  test.each([true, false])(
    "a broadcast reaches agents of all threads; who cannot take it keeps it from nobody (tree: %s)",
    async (treeBroadcast) => {
      start({ switches: { treeBroadcast } });
      const agents = [0, 1, 1, 2, 2].map((thread) =>
        runtime.spawn(collector, thread === 0 ? {} : { placement: thread }),
      );
      const gone = runtime.spawn(collector, { placement: 1 });
      await gone.stop();
      expect(runtime.broadcast([...agents, gone], { type: "add", data: 7 })).toEqual({ reached: 6, refused: [] });
      expect(runtime.deadLetters.count("stopped")).toBe(1);
      for (const agent of agents) expect(await agent.ask({ type: "seen" })).toEqual([7]);
      const { reached, refused } = runtime.broadcast(agents, { type: "add", data: () => 1 });
      expect([reached, refused.length]).toEqual([1, 4]); // the one of this thread takes it as it is
      expect(refused[0]).toMatchObject({ agent: agents[1], error: { code: "AGENT_NOT_CLONEABLE" } });
    },
  );

  test("so are signals under way: what has no room is told to the bus as a drop", async () => {
    const problems: unknown[] = [];
    start({ shards: { workers: 1, maxInFlight: 10 }, bus: { onProblem: (problem) => problems.push(problem) } });
    const agent = runtime.spawn(listener, { placement: 1 });
    expect(await agent.ask({ type: "heard" })).toEqual([]);
    for (let n = 0; n < 15; n++) runtime.bus.emit("orders.created", "shop", n);
    expect(problems).toMatchObject(Array.from({ length: 5 }, () => ({ kind: "dropped" })));
    await settled(); // the other thread says what it has taken
    while (((await heard(agent)) ?? []).length < 10) await settled();
    await agent.stop();
    expect(runtime.bus.statistics.subscriptions).toBe(0);
  });

  test("the ceiling holds for all threads together, and a thread that dies gives its room back", async () => {
    start({ maxAgents: 4, shards: { workers: 2 }, restarts: { backoffMs: 0, maxRestarts: 0 } });
    const full = expect.objectContaining({ code: "AGENT_CEILING_REACHED" });
    const there = [1, 2].map((placement) => runtime.spawn(collector, { placement }));
    runtime.spawn(collector);
    const last = runtime.spawn(collector, { placement: 1 });
    expect(() => runtime.spawn(collector)).toThrow(full);
    expect(() => runtime.spawn(collector, { placement: 2 })).toThrow(full);
    await last.stop();
    await there[1]!.ask({ type: "seen" });
    runtime.spawn(collector);
    expect(() => runtime.spawn(collector)).toThrow(full);
    await Promise.all(there.map((agent) => agent.ask({ type: "seen" })));
    killThreads();
    await event("supervisor-escalated");
    runtime.spawn(collector);
  });
});

describe("a thread that dies", () => {
  test("killed from outside with requests under way: each ends with a typed error, and its agents start again", async () => {
    start();
    const agent = runtime.spawn(collector, { placement: 1 });
    const other = runtime.spawn(forgetful, { placement: 1 });
    await other.ask({ type: "add", data: 9 });
    for (const n of [1, 2, 3]) await agent.ask({ type: "add", data: n });
    const hanging = Array.from({ length: 100 }, () => agent.ask({ type: "hang" }).catch((error: unknown) => error));
    killThreads();
    for (const error of await Promise.all(hanging))
      expect(error).toMatchObject({ code: "SHARD_LOST", retryable: true });
    expect(await agent.ask({ type: "seen" })).toEqual([1, 2]); // the snapshot after the second message
    expect(await other.ask({ type: "seen" })).toEqual([]);
    expect(events.filter(({ kind }) => kind === "agent-state-reset")).toMatchObject([{ agent: other.address }]);
    expect(await event("shard-restarted")).toMatchObject({ shard: 1, agents: 2 });
  });

  test("stuck in a handler: the watchdog ends it, names the agent, and it works again", async () => {
    start({ shards: { workers: 1, stuckAfterMs: 1000 } });
    const agent = runtime.spawn(collector, { placement: 1 });
    await agent.ask({ type: "add", data: 1 });
    await expect(agent.ask({ type: "spin" })).rejects.toMatchObject({
      code: "SHARD_LOST",
      cause: { code: "SHARD_STUCK" },
    });
    expect(await event("shard-stuck")).toMatchObject({ shard: 1, agent: agent.address });
    expect(await agent.ask({ type: "add", data: 2 })).toBe(2);
  });

  test("an isolated agent that eats memory dies alone", async () => {
    start();
    const eater = runtime.spawn(collector, { placement: { isolatedHeapMb: 16 }, restart: "temporary" });
    const down = new Promise<Down>((resolve) => runtime.monitor(eater, resolve));
    const failure = await eater.ask({ type: "eat" }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "SHARD_LOST", cause: { code: "ERR_WORKER_OUT_OF_MEMORY" } });
    expect(failure).toBeInstanceOf(MettleError);
    expect(await down).toMatchObject({ reason: "shard-lost", mayRestart: false });
    expect(eater.status).toBe("stopped");
  });

  test("again and again: it is given up by the restart limits", async () => {
    start({ restarts: { maxRestarts: 1, withinMs: 60_000 }, shards: { workers: 1 } });
    const agent = runtime.spawn(collector, { placement: 1 });
    await agent.ask({ type: "seen" });
    killThreads();
    await event("shard-restarted");
    await agent.ask({ type: "seen" });
    killThreads();
    expect(await event("supervisor-escalated")).toMatchObject({ error: { code: "AGENT_CRASH_LOOP" } });
    expect(agent.status).toBe("stopped");
  });
});

describe("a greedy agent", () => {
  test("moves to a thread of its own with its state and what waits; references stay good", async () => {
    start({ handlerBudgetMs: 5 });
    const agent = runtime.spawn(busy, { name: "greedy" });
    const replies = await Promise.all(Array.from({ length: 12 }, () => agent.ask({ type: "compute", data: 12 })));
    expect(replies.map(({ turns }) => turns)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    expect(replies[0]!.thread).toBe(threadId);
    expect(replies.at(-1)!.thread).not.toBe(threadId);
    expect(events.find(({ kind }) => kind === "agent-greedy")).toMatchObject({ agent: agent.address, movedTo: 3 });
    expect(runtime.find("greedy")).toBe(agent);
    await agent.stop();
    expect([agent.status, runtime.find("greedy")]).toEqual(["stopped", undefined]);
  });

  test("that cannot move is reported with the reason", async () => {
    start({ handlerBudgetMs: 5, shards: { workers: 1, moveGreedy: false } });
    const agent = runtime.spawn(busy);
    const replies = await Promise.all(Array.from({ length: 9 }, () => agent.ask({ type: "compute", data: 12 })));
    expect(new Set(replies.map(({ thread }) => thread))).toEqual(new Set([threadId]));
    expect(events.find(({ kind }) => kind === "agent-greedy")).toMatchObject({
      keptBecause: "shards.moveGreedy is off",
    });
  });
});

/** Ends the runtime's worker threads as a fault of the machine would: without telling the runtime. */
function killThreads(): void {
  for (const thread of threads.splice(0)) if (thread.threadId > 0) void thread.terminate();
}
