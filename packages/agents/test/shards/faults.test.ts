import { type Worker } from "node:worker_threads";
import { afterEach, expect, test } from "vitest";
import { createRuntime, type Down, type Runtime, type RuntimeEvent, type RuntimeOptions } from "../../src/index.ts";
import { collector, forgetful, speaker } from "./agents-for-shards.ts";
import { settled } from "../support.ts";

const threads: Worker[] = [];
process.on("worker", (worker) => threads.push(worker));

let runtime: Runtime;
let events: RuntimeEvent[];
const start = (options: RuntimeOptions = {}): Runtime => {
  runtime = createRuntime({ shards: { workers: 1 }, askTimeoutMs: 60_000, ...options });
  events = [];
  runtime.observe((event) => events.push(event));
  return runtime;
};
const event = (kind: RuntimeEvent["kind"], count = 1): Promise<RuntimeEvent> =>
  new Promise((resolve) => {
    const look = (): void => {
      const known = events.filter((event) => event.kind === kind);
      if (known.length >= count) resolve(known[count - 1]!);
    };
    look();
    runtime.observe(look);
  });
/** Ends the worker threads as a fault of the machine would. */
function killThreads(): void {
  for (const thread of threads.splice(0)) if (thread.threadId > 0) void thread.terminate();
}

afterEach(() => runtime.close({ drain: false }));

test("a signal that the bus refuses is reported; neither its thread nor this one ends of it", async () => {
  const agent = start().spawn(speaker, { placement: 1 });
  await agent.ask({ type: "say", data: { type: "no type at all!" } });
  expect(await event("signal-refused")).toMatchObject({
    agent: agent.address,
    type: "no type at all!",
    error: { code: "SIGNAL_TYPE_INVALID" },
  });
  const heard = new Promise((resolve) => runtime.bus.subscribe("words.said", ({ data }) => resolve(data)));
  await agent.ask({ type: "say", data: { type: "words.said", data: 1 } });
  expect(await heard).toBe(1);
});

test("a thread that died without agents is started again for the next one", async () => {
  start();
  const first = runtime.spawn(collector, { placement: 1, restart: "temporary" });
  await first.ask({ type: "seen" });
  killThreads();
  await event("shard-lost");
  expect(first.status).toBe("stopped");
  const next = runtime.spawn(collector, { placement: 1 });
  expect(await next.ask({ type: "add", data: 1 })).toBe(1);
});

test("a thread that was given up takes new agents again", async () => {
  start({ restarts: { maxRestarts: 0 } });
  const first = runtime.spawn(collector, { placement: "any" });
  await first.ask({ type: "seen" });
  killThreads();
  await event("supervisor-escalated");
  await expect(first.ask({ type: "seen" })).rejects.toMatchObject({ code: "AGENT_STOPPED" });
  const next = runtime.spawn(collector, { placement: "any" });
  expect(await next.ask({ type: "add", data: 1 })).toBe(1);
});

test("a request to a thread that is about to be started again ends with the runtime", async () => {
  start({ restarts: { maxRestarts: 3, withinMs: 60_000, backoffMs: 60_000, backoffMaxMs: 60_000 } });
  const agent = runtime.spawn(collector, { placement: 1 });
  await agent.ask({ type: "seen" });
  killThreads();
  await event("shard-restarted");
  await agent.ask({ type: "seen" });
  killThreads();
  await event("shard-lost", 2);
  const asked = agent.ask({ type: "seen" }).catch((error: unknown) => error);
  await runtime.close({ drain: false });
  expect(await asked).toMatchObject({ code: "RUNTIME_CLOSED" });
});

test("a watcher that throws is reported, and keeps no agent from beginning again", async () => {
  start();
  const agent = runtime.spawn(collector, { placement: 1 });
  const news: Down[] = [];
  runtime.monitor(agent, () => {
    throw new Error("no listener");
  });
  runtime.monitor(agent, (down) => news.push(down));
  await agent.ask({ type: "fail", data: "broken" }).catch((error: unknown) => error);
  expect(await event("observer-failed")).toMatchObject({ error: { message: "no listener" } });
  killThreads();
  await event("shard-lost");
  expect(await agent.ask({ type: "add", data: 1 })).toBe(1);
  expect(news.map(({ reason }) => reason)).toEqual(["crashed", "shard-lost"]);
});

test("a state that cannot leave the thread is an error of spawn", () => {
  start();
  const state = { seen: [], save: (): undefined => undefined };
  expect(() => runtime.spawn(collector, { placement: 1, state })).toThrow(
    expect.objectContaining({ code: "AGENT_NOT_CLONEABLE" }),
  );
  expect(runtime.stats()).toMatchObject({ agents: 0, threads: 1 });
});

test("what cannot be started leaves no thread behind", () => {
  start();
  const nowhere = { ...collector, module: undefined };
  for (let i = 0; i < 3; i++) {
    expect(() => runtime.spawn(nowhere, { placement: { isolatedHeapMb: 16 } })).toThrow(
      expect.objectContaining({ code: "AGENT_NOT_PORTABLE" }),
    );
  }
  expect(runtime.stats().threads).toBe(1);
});

test("a request that another thread may have begun says so when it ends by its deadline", async () => {
  const agent = start().spawn(collector, { placement: 1 });
  await agent.ask({ type: "seen" });
  await expect(agent.ask({ type: "hang" }, { timeout: 100 })).rejects.toMatchObject({
    code: "AGENT_ASK_TIMEOUT",
    details: { began: true },
  });
});

test("the last snapshot holds for the agent's own failures too after its thread was started again", async () => {
  start();
  const agent = runtime.spawn(collector, { placement: 1 });
  const other = runtime.spawn(forgetful, { placement: 1 });
  for (const n of [1, 2]) await agent.ask({ type: "add", data: n });
  killThreads();
  await event("shard-restarted");
  await agent.ask({ type: "fail", data: "once more" }).catch((error: unknown) => error);
  expect(await agent.ask({ type: "seen" })).toEqual([1, 2]);
  expect(await other.ask({ type: "seen" })).toEqual([]);
});

test("errors of other catalogues keep their code, and details that are no JSON end no thread", async () => {
  const agent = start().spawn(speaker, { placement: 1 });
  for (const knot of [false, true]) {
    await expect(agent.ask({ type: "refuse", data: knot })).rejects.toMatchObject({
      code: "AGENT_ACTION_FAILED",
      cause: { code: "BUS_BACKPRESSURE", message: "not now", retryable: true },
    });
  }
  expect(events.map(({ kind }) => kind)).not.toContain("shard-lost");
});

test("a signal that cannot leave its thread fails the action that sent it", async () => {
  const agent = start().spawn(speaker, { placement: 1 });
  await expect(agent.ask({ type: "mutter" })).rejects.toMatchObject({
    code: "AGENT_ACTION_FAILED",
    cause: { code: "AGENT_NOT_CLONEABLE" },
  });
});

test("a dead letter that cannot leave its thread comes without what it carried", async () => {
  const agent = start().spawn(speaker, { placement: 1 });
  await agent.ask({ type: "whisper" });
  expect(await event("dead-letter")).toMatchObject({ agent: agent.address, reason: "action-unknown" });
  await settled();
  expect(runtime.deadLetters.list()).toMatchObject([{ to: agent.address, message: { type: "nothing known" } }]);
});

test("a watch of an agent that another thread's agent started is refused, and tells of no death", async () => {
  const agent = start().spawn(collector, { placement: 1 });
  await agent.ask({ type: "seen" });
  const child = runtime.find(`1/${2 ** 30 + 1}`)!;
  const news: Down[] = [];
  expect(() => runtime.monitor(child, (down) => news.push(down))).toThrow(
    expect.objectContaining({ code: "AGENT_OPTIONS_INVALID" }),
  );
  await agent.stop();
  runtime.monitor(agent, (down) => news.push(down));
  expect(news).toMatchObject([{ address: agent.address, reason: "stopped", mayRestart: false }]);
});

test("a paused agent runs again with its new thread, and its reference says so; a pause ordered meanwhile holds", async () => {
  start();
  const agent = runtime.spawn(collector, { placement: 1 });
  await agent.ask({ type: "seen" });
  agent.pause();
  killThreads();
  await event("shard-restarted");
  expect(agent.status).toBe("running");
  expect(await agent.ask({ type: "seen" })).toEqual([]);
  killThreads();
  await event("shard-lost", 2);
  agent.pause();
  await event("shard-restarted", 2);
  expect(agent.status).toBe("paused");
  agent.resume();
  expect(await agent.ask({ type: "seen" })).toEqual([]);
});

test("an agent of another thread has one address", async () => {
  start();
  const agent = runtime.spawn(collector, { placement: 1 });
  expect(runtime.find(agent.address)).toBe(agent);
  expect([runtime.find("1/01"), runtime.find("01/1")]).toEqual([undefined, undefined]);
});
