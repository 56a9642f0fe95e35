import { ms } from "@mettle/core";
import { expect, test } from "vitest";
import { type AnyRef, defineAction, defineAgent, directives, MetricsCollector, type Signal } from "../../src/index.ts";
import { makeSignal } from "../signals/signals.ts";
import { counter, runtimeForTest, settled } from "../support.ts";

const listener = defineAgent({
  name: "listener",
  state: () => ({ seen: [] as readonly unknown[] }),
  signals: { "orders.**": "see" },
  actions: {
    see: defineAction({
      run: (state: { readonly seen: readonly unknown[] }, signal: Signal) => ({
        state: { seen: [...state.seen, signal.data] },
      }),
    }),
    fail: defineAction({
      run: (_state: { readonly seen: readonly unknown[] }): undefined => {
        throw new Error("broken");
      },
    }),
    seen: defineAction({
      mode: "read",
      run: (state: { readonly seen: readonly unknown[] }) => ({ reply: state.seen }),
    }),
  },
});

test("subscriptions of a definition outlive a restart of the agent and end with it", async () => {
  const { runtime } = runtimeForTest();
  const agent = runtime.spawn(listener);
  runtime.bus.emit("orders.created", "shop", 1);
  await agent.ask({ type: "fail" }).catch((error: unknown) => error);
  runtime.bus.emit("orders.paid", "shop", 2);
  await settled();
  expect(await agent.ask({ type: "seen" })).toEqual([2]);
  await agent.stop();
  expect(runtime.bus.statistics.subscriptions).toBe(0);
  await runtime.close();
});

test("a mailbox without room is told to the bus as a drop, not thrown into the publisher", async () => {
  const problems: unknown[] = [];
  const { runtime } = runtimeForTest({ mailboxLimit: 2, bus: { onProblem: (problem) => problems.push(problem) } });
  const agent = runtime.spawn(listener);
  agent.pause();
  for (let i = 0; i < 3; i++) runtime.bus.emit("orders.created", "shop", i);
  expect(problems).toMatchObject([{ kind: "dropped" }]);
  await runtime.close({ drain: false });
});

test("registry entries vanish when their agent ends, stay over a restart, and a name can be taken again", async () => {
  const { runtime } = runtimeForTest();
  const agent = runtime.spawn(counter);
  const metadata = { type: "counter", capabilities: ["count"], health: "healthy" as const };
  runtime.registry.register({ namespace: "test", name: "one", agent, metadata });
  await agent.ask({ type: "fail", data: "x" }).catch((error: unknown) => error);
  expect(runtime.registry.discover({ capability: "count", health: "healthy" }).map((entry) => entry.agent)).toEqual([
    agent,
  ]);
  await agent.stop();
  expect(runtime.registry.whereis("test", "one")).toBeUndefined();
  expect(runtime.registry.size).toBe(0);
  runtime.registry.register({ namespace: "test", name: "one", agent: runtime.spawn(counter), metadata });
  await runtime.close();
  expect(runtime.registry.size).toBe(0);
});

test("telemetry counts events by kind while somebody listens", async () => {
  const { runtime } = runtimeForTest();
  runtime.spawn(counter);
  const collector = new MetricsCollector();
  const detach = runtime.telemetry.attach(collector, "agents.**");
  const agent = runtime.spawn(counter);
  await agent.ask({ type: "fail", data: "x" }).catch((error: unknown) => error);
  detach();
  runtime.spawn(counter);
  const series = collector.collect().find(({ name }) => name === "agents.events")!.series;
  const counts = Object.fromEntries(series.map(({ attributes, value }) => [attributes["kind"], value]));
  expect(counts).toEqual({
    "agent-started": 1,
    "dead-letter": 1,
    "agent-failed": 1,
    "agent-restarted": 1,
    "agent-state-reset": 1,
  });
  await runtime.close();
});

test("a transport is asked for what the runtime does not know; with localFirst off, before it looks itself", async () => {
  const far = (address: string): AnyRef & { got: unknown[] } => {
    const got: unknown[] = [];
    return {
      address,
      name: undefined,
      status: "running",
      got,
      send: (message) => void got.push(message),
      ask: () => Promise.resolve("far"),
      stop: () => Promise.resolve(),
      pause: () => undefined,
      resume: () => undefined,
    };
  };
  const there = far("node-2/7");
  for (const localFirst of [true, false]) {
    const { runtime } = runtimeForTest({ switches: { localFirst } });
    const detach = runtime.attach({ resolve: (to) => (to === "node-2/7" || to === "both" ? there : undefined) });
    const here = runtime.spawn(counter, { name: "both" });
    expect(runtime.find("both")).toBe(localFirst ? here : there);
    const sender = defineAgent({
      name: "sender",
      state: () => ({}),
      actions: {
        go: defineAction({
          run: (_state: object) => ({ directives: [directives.send("node-2/7", { type: "hello" })] }),
        }),
      },
    });
    await runtime.spawn(sender).ask({ type: "go" });
    expect(there.got.splice(0)).toEqual([{ type: "hello" }]);
    detach();
    expect(runtime.find("node-2/7")).toBeUndefined();
    await runtime.close();
  }
});

const worker = defineAgent({
  name: "worker",
  state: () => ({ done: [] as readonly unknown[] }),
  signals: { "orders.*.created": "work" },
  actions: {
    work: defineAction({
      run: (state: { readonly done: readonly unknown[] }, signal: Signal) => {
        if (signal.data === "poison") throw new Error("poison");
        return {
          state: { done: [...state.done, signal.data] },
          directives: [directives.emit("work.item.done", signal.data, "subject")],
        };
      },
    }),
    done: defineAction({
      mode: "read",
      run: (state: { readonly done: readonly unknown[] }) => ({ reply: state.done }),
    }),
  },
});

test("agents get what their patterns match and publish what they emit, with their name as source", async () => {
  const { runtime } = runtimeForTest();
  const agent = runtime.spawn(worker, { name: "ada" });
  const emitted: Signal[] = [];
  runtime.bus.subscribe("work.**", (signal) => void emitted.push(signal));
  for (const [type, data] of [
    ["orders.invoice.created", 1],
    ["orders.invoice.paid", 2],
    ["orders.parcel.created", 3],
  ] as const)
    runtime.bus.emit(type, "shop", data);
  await settled();
  expect(await agent.ask({ type: "done" })).toEqual([1, 3]);
  expect(emitted).toMatchObject([
    { type: "work.item.done", data: 1, subject: "subject", source: agent.name, time: 1_000_000 },
    { type: "work.item.done", data: 3 },
  ]);
  await runtime.close();
});

test("a persistent subscription acknowledged by an agent's replies survives its crashes; poison goes to the dead letters", async () => {
  const { runtime, clock } = runtimeForTest();
  const agent: AnyRef = runtime.spawn(worker);
  const orders = runtime.bus.persistent("orders", "jobs", { attempts: 2, backoff: ms(10) });
  orders.attach((signal) => agent.ask({ type: "work", data: signal }));
  for (const data of [1, "poison", 2]) runtime.bus.publish(makeSignal("jobs", data));
  for (let i = 0; i < 20; i++) {
    await settled();
    await clock.advance(ms(10));
  }
  expect([orders.acknowledged, orders.pending, orders.inFlight]).toEqual([2, 0, 0]);
  expect(runtime.bus.deadLetters.list()).toMatchObject([{ signal: { data: "poison" }, attempts: 2 }]);
  expect(runtime.deadLetters.count("action-failed")).toBe(2);
  await runtime.close();
});

test("a persistent subscription collects for a subscriber that has ended, and its successor gets everything in order", async () => {
  const { runtime } = runtimeForTest();
  const orders = runtime.bus.persistent("orders", "jobs");
  const first: AnyRef = runtime.spawn(worker);
  const attachment = orders.attach((signal) => first.ask({ type: "work", data: signal }));
  runtime.bus.publish(makeSignal("jobs", 1));
  await settled();
  attachment.detach();
  await first.stop();
  for (const data of [2, 3]) runtime.bus.publish(makeSignal("jobs", data));
  await settled();
  expect(orders.pending).toBe(2);
  const second: AnyRef = runtime.spawn(worker);
  orders.attach((signal) => second.ask({ type: "work", data: signal }));
  await settled();
  expect(await second.ask({ type: "done" })).toEqual([2, 3]);
  expect([orders.acknowledged, orders.pending]).toEqual([3, 0]);
  await runtime.close();
});
