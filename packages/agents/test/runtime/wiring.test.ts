import { expect, test } from "vitest";
import { type AnyRef, defineAction, defineAgent, directives, MetricsCollector, type Signal } from "../../src/index.ts";
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
