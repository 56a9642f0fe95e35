import { ms, Random } from "@mettle/core";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  defineAction,
  defineAgent,
  FloatKind,
  type Signal,
  spawnVariable,
  type VariableSignalOut,
} from "../../src/index.ts";
import { runtimeForTest, settled } from "../support.ts";

type Told = VariableSignalOut<number>;

/** Votes for every change it is asked about, when it gets to it. */
const voter = (vote: (name: string) => void) =>
  defineAgent({
    name: "voter",
    state: (): readonly string[] => [],
    actions: {
      "variable.consensus.requested": defineAction({
        run: (state: readonly string[], signal: Told) => {
          vote(signal.type);
          return { state: [...state, signal.type] };
        },
      }),
      "variable.value.updated": defineAction({
        run: (state: readonly string[], signal: Told) => ({ state: [...state, signal.type] }),
      }),
      seen: defineAction({ mode: "read", run: (state: readonly string[]) => ({ reply: state }) }),
    },
  });

function setUp(affected: readonly string[] = [], mailboxLimit?: number) {
  const { runtime, clock } = runtimeForTest(mailboxLimit === undefined ? {} : { mailboxLimit });
  const bus: Signal[] = [];
  runtime.bus.subscribe("variable.**", (signal) => void bus.push(signal));
  const { agent, variable } = spawnVariable<number>(runtime, {
    name: "rate",
    kind: new FloatKind({ min: 0, max: 10, direction: "maximise", bounds: "reject", strategy: "model" }),
    clock,
    random: new Random(1),
    affected,
    ...(affected.length > 0 && { scope: "cluster" as const }),
  });
  return { runtime, clock, bus, agent, variable };
}

describe("spawnVariable (S0-048)", () => {
  test("a change is replied to and told on the bus", async () => {
    const { runtime, bus, agent } = setUp();
    const reply = await agent.ask({ type: "change", data: { value: 7, requester: "me" } });
    expect(reply).toEqual({ state: "committed", value: 7, generation: 1, by: "local" });
    expect(await agent.ask({ type: "read" })).toMatchObject({ value: 7, generation: 1, node: "local" });
    await settled();
    expect(bus).toMatchObject([
      { type: "variable.value.updated", source: "rate", data: { variable: "rate", old: 5, new: 7, generation: 1 } },
    ]);
    await runtime.close();
  });

  test("feedback is replied to with what it did", async () => {
    const { runtime, bus, agent } = setUp();
    const adaptation = await agent.ask({ type: "feedback", data: { performance: 1, gradient: 100 } });
    expect(adaptation).toEqual({ valueChanged: true, magnitude: 1, coordinationTriggered: false });
    await settled();
    expect(bus.map(({ type }) => type)).toEqual(["variable.value.updated", "variable.adaptation.completed"]);
    await runtime.close();
  });

  test("what is refused is the asker's error; the variable keeps its value and goes on", async () => {
    const { runtime, agent, variable } = setUp();
    await expect(agent.ask({ type: "change", data: { value: 11, requester: "me" } })).rejects.toMatchObject({
      code: "AGENT_ACTION_FAILED",
      cause: { code: "VARIABLE_VALUE_INVALID" },
    });
    await expect(agent.ask({ type: "vote", data: { voter: "a", approve: true } })).rejects.toMatchObject({
      cause: { code: "VARIABLE_NOT_PENDING" },
    });
    expect(variable.value).toBe(5);
    expect(await agent.ask({ type: "change", data: { value: 6, requester: "me" } })).toMatchObject({ value: 6 });
    await runtime.close();
  });

  test("agents that it affects are asked by name, and vote while the change waits", async () => {
    const names = ["a", "b", "c"];
    const { runtime, agent } = setUp(names);
    const voters = names.map((name) =>
      runtime.spawn(
        voter(() => agent.send({ type: "vote", data: { voter: name, approve: name !== "c" } })),
        { name },
      ),
    );
    const change = await agent.ask({ type: "change", data: { value: 7, requester: "me" } });
    expect(change).toMatchObject({ state: "committed", by: "consensus", value: 7 });
    expect(await voters[2]!.ask({ type: "seen" })).toEqual(["variable.consensus.requested", "variable.value.updated"]);
    await runtime.close();
  });

  test("who is gone abstains: the node decides alone after the deadline", async () => {
    const { runtime, clock, agent } = setUp(["nobody"]);
    const change = agent.ask({ type: "change", data: { value: 7, requester: "me" } }, { timeout: Infinity });
    await settled();
    await clock.advance(ms(5000));
    expect(await change).toMatchObject({ state: "committed", by: "fallback" });
    await runtime.close();
  });

  test("a full mailbox of one that it affects is told, and undoes nothing", async () => {
    const { runtime, bus, agent, variable } = setUp(["a"], 1);
    const slow = runtime.spawn(
      voter(() => undefined),
      { name: "a" },
    );
    slow.pause();
    for (const value of [1, 2]) await agent.ask({ type: "change", data: { value, requester: "me", force: true } });
    expect(variable.value).toBe(2);
    await settled();
    expect(bus.filter(({ type }) => type === "variable.delivery.refused")).toMatchObject([
      { data: { variable: "rate", agent: "a", code: "AGENT_MAILBOX_FULL" } },
    ]);
    await runtime.close({ drain: false });
  });

  test("types flow", () => {
    const { agent } = setUp();
    expectTypeOf(
      agent.ask({ type: "sync", data: { value: 1, generation: 1, time: 1, node: "n" } }),
    ).resolves.toBeBoolean();
    // @ts-expect-error a value of another type
    agent.send({ type: "change", data: { value: "7", requester: "me" } });
    // @ts-expect-error no such action
    agent.send({ type: "changed", data: { value: 7, requester: "me" } });
  });
});
