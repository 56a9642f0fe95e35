import { ManualClock, ms } from "@mettle/core";
import { describe, expect, test } from "vitest";
import {
  type AnyRef,
  AgentRegistry,
  type BusProblem,
  busForAgents,
  createRuntime,
  defineAction,
  defineAgent,
  directives,
  type Signal,
  SignalBus,
  SignalFactory,
  watchAgents,
} from "../../src/index.ts";
import { settled } from "../support.ts";
import { makeSignal } from "../signals/signals.ts";

interface Seen {
  readonly seen: readonly unknown[];
}

const listener = defineAgent({
  name: "listener",
  state: (): Seen => ({ seen: [] }),
  signals: { "orders.*.created": "note" },
  actions: {
    note: defineAction({
      run: (state: Seen, signal: Signal) => {
        if (signal.data === "poison") throw new Error("poison");
        return {
          state: { seen: [...state.seen, signal.data] },
          directives: [directives.emit("seen", signal.data, "s")],
        };
      },
    }),
    seen: defineAction({ mode: "read", run: (state: Seen) => ({ reply: state.seen }) }),
  },
});

function make(mailboxLimit = 100) {
  const clock = new ManualClock(1000);
  const problems: BusProblem[] = [];
  const signals = new SignalFactory(clock);
  const bus = new SignalBus({ clock, signals, onProblem: (problem) => problems.push(problem) });
  const runtime = createRuntime({ clock, mailboxLimit, signals: busForAgents(bus, signals) });
  return { clock, problems, bus, runtime };
}

describe("agents on a bus", () => {
  test("get what their patterns match and publish what they emit", async () => {
    const { bus, runtime } = make();
    const agent = runtime.spawn(listener, { name: "ada" });
    const emitted: Signal[] = [];
    bus.subscribe("seen", (signal) => void emitted.push(signal));
    bus.emit("orders.invoice.created", "shop", 1);
    bus.emit("orders.invoice.paid", "shop", 2);
    bus.emit("orders.parcel.created", "shop", 3);
    await settled();
    expect(await agent.ask({ type: "seen" })).toEqual([1, 3]);
    expect(emitted).toMatchObject([
      { type: "seen", data: 1, subject: "s", time: 1000 },
      { type: "seen", data: 3 },
    ]);
    await agent.stop();
    bus.emit("orders.parcel.created", "shop", 4);
    expect(bus.statistics.subscriptions).toBe(1);
    await runtime.close();
  });

  test("a mailbox that is full is reported and reaches no publisher", async () => {
    const { bus, runtime, problems } = make(2);
    runtime.spawn(listener).pause();
    for (let i = 0; i < 3; i++) bus.emit("orders.parcel.created", "shop", i);
    expect(problems).toMatchObject([{ kind: "failed", signal: { data: 2 }, error: { code: "AGENT_MAILBOX_FULL" } }]);
    await runtime.close();
  });

  test("a persistent subscription acknowledged by their replies survives their crashes", async () => {
    const { bus, runtime, clock } = make();
    const agent: AnyRef = runtime.spawn(listener);
    const orders = bus.persistent("orders", "work", { attempts: 2, backoff: ms(10) });
    orders.attach((signal) => agent.ask({ type: "note", data: signal }));
    for (const data of [1, "poison", 2]) bus.publish(makeSignal("work", data));
    for (let i = 0; i < 20; i++) {
      await settled();
      await clock.advance(ms(10));
    }
    expect([orders.acknowledged, orders.pending, orders.inFlight]).toEqual([2, 0, 0]);
    expect(bus.deadLetters.list()).toMatchObject([{ signal: { data: "poison" }, attempts: 2 }]);
    await runtime.close();
  });
});

describe("agents in a registry", () => {
  test("vanish when they end, not while they are started again", async () => {
    const { runtime } = make();
    const registry = new AgentRegistry<AnyRef>({ watch: watchAgents(runtime) });
    const agents = ["ada", "bob"].map((name) => runtime.spawn(listener, { name }));
    for (const agent of agents) {
      registry.register({ namespace: "n", name: agent.name ?? "", agent, metadata: { type: "listener" } });
    }
    agents[0]?.send({ type: "note", data: makeSignal("x", "poison") });
    await settled();
    expect(registry.size).toBe(2);
    await agents[1]?.stop();
    expect(registry.discover({}).map(({ name }) => name)).toEqual(["ada"]);
    await runtime.close();
    expect(registry.size).toBe(0);
  });
});
