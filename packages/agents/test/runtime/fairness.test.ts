import { ManualClock, type Nanoseconds, ns } from "@mettle/core";
import { describe, expect, test } from "vitest";
import { createRuntime, defineAction, defineAgent, directives } from "../../src/index.ts";
import { runtimeForTest, settled } from "../support.ts";

/** A clock that handlers move as if they computed. */
class WorkClock extends ManualClock {
  worked = 0;

  override now(): Nanoseconds {
    return ns(super.now() + this.worked);
  }
}

const order: string[] = [];
const noting = defineAgent({
  name: "noting",
  state: () => ({ n: 0 }),
  actions: {
    note: defineAction({
      run: (state: { n: number }, who: string) => {
        order.push(who);
        return { state: { n: state.n + 1 } };
      },
    }),
  },
});

describe("turns", () => {
  test("an agent with many messages lets the others in after 64", async () => {
    order.length = 0;
    const { runtime } = runtimeForTest();
    const [busy, quick] = [runtime.spawn(noting), runtime.spawn(noting)];
    for (let i = 0; i < 1000; i++) busy.send({ type: "note", data: "busy" });
    quick.send({ type: "note", data: "quick" });
    await settled();
    expect(order.indexOf("quick")).toBe(64);
    expect(order).toHaveLength(1001);
    await runtime.close();
  });

  test("batching off: after one", async () => {
    order.length = 0;
    const { runtime } = runtimeForTest({ switches: { batching: false } });
    const [busy, quick] = [runtime.spawn(noting), runtime.spawn(noting)];
    for (let i = 0; i < 10; i++) busy.send({ type: "note", data: "busy" });
    quick.send({ type: "note", data: "quick" });
    await settled();
    expect(order.indexOf("quick")).toBe(1);
    await runtime.close();
  });

  test("high priority runs first, but does not keep the others out", async () => {
    order.length = 0;
    const { runtime } = runtimeForTest({ batch: 1 });
    const normal = runtime.spawn(noting);
    const high = runtime.spawn(noting, { priority: "high" });
    for (let i = 0; i < 20; i++) normal.send({ type: "note", data: "normal" });
    for (let i = 0; i < 20; i++) high.send({ type: "note", data: "high" });
    await settled();
    expect(order.slice(0, 10)).toEqual([...Array.from({ length: 8 }, () => "high"), "normal", "high"]);
    await runtime.close();
  });

  test("agents that keep each other busy, and requests answered at once, let the event loop turn", async () => {
    const { runtime } = runtimeForTest();
    const looping = defineAgent({
      name: "looping",
      state: () => ({ n: 0 }),
      actions: {
        go: defineAction({
          run: (state: { n: number }) => ({
            state: { n: state.n + 1 },
            directives: [directives.run({ action: "go" })],
          }),
        }),
        count: defineAction({ mode: "read", run: (state: { n: number }) => ({ reply: state.n }) }),
      },
    });
    const agent = runtime.spawn(looping);
    agent.send({ type: "go" });
    await settled(); // would never come back
    expect(await agent.ask({ type: "count" })).toBeGreaterThan(1000);
    await agent.stop();
    let turned = false;
    setImmediate(() => (turned = true));
    const idle = runtime.spawn(looping);
    for (let i = 0; i < 10_000 && !turned; i++) await idle.ask({ type: "count" });
    expect(turned).toBe(true);
    await runtime.close();
  });

  test("an agent whose messages take long gets fewer a turn, down to one, and the others wait for one of them", async () => {
    const clock = new WorkClock();
    const runtime = createRuntime({ clock, shards: { moveGreedy: false } });
    const waits: number[] = [];
    const slow = defineAgent({
      name: "slow",
      state: () => ({}),
      actions: {
        work: defineAction({
          run: (_state: object): undefined => {
            clock.worked += 3e6;
            order.push("slow");
          },
        }),
      },
    });
    order.length = 0;
    const [heavy, quick] = [runtime.spawn(slow), runtime.spawn(noting)];
    for (let i = 0; i < 50; i++) heavy.send({ type: "work" });
    for (let i = 0; i < 20; i++) {
      quick.send({ type: "note", data: "quick" });
      const from = order.length;
      await settled();
      waits.push(order.indexOf("quick", from) - from);
    }
    expect(Math.max(...waits.slice(1))).toBeLessThanOrEqual(1);
    await runtime.close();
  });

  test("three handlers over the budget within a second make an agent greedy; two, or slow ones far apart, do not", async () => {
    const clock = new WorkClock();
    const runtime = createRuntime({ clock, handlerBudgetMs: 5, shards: { moveGreedy: false } });
    const greedy: string[] = [];
    runtime.observe((event) => {
      if (event.kind === "agent-greedy") greedy.push(event.agent);
    });
    const slow = defineAgent({
      name: "slow",
      state: () => ({}),
      actions: {
        work: defineAction({
          run: (_state: object, forMs: number): undefined => {
            clock.worked += forMs * 1e6;
          },
        }),
      },
    });
    const agent = runtime.spawn(slow);
    const work = async (times: number, forMs: number, idleMs: number): Promise<void> => {
      for (let i = 0; i < times; i++) {
        agent.send({ type: "work", data: forMs });
        await settled();
        clock.worked += idleMs * 1e6;
      }
    };
    await work(30, 0, 3); // the clock is looked at every 16 turns: from here each is timed
    await work(2, 20, 20);
    clock.worked += 2e9;
    await work(6, 20, 600);
    expect(greedy).toEqual([]);
    await work(3, 20, 20);
    expect(greedy).toEqual([agent.address]);
    await runtime.close();
  });

  test("a handler that waits for its core is not greedy, one that uses it is, by as much as it used", async () => {
    const clock = new WorkClock();
    let computed = 0;
    const runtime = createRuntime({ clock, cpuTime: () => computed, shards: { moveGreedy: false } });
    const greedy: number[] = [];
    runtime.observe((event) => {
      if (event.kind === "agent-greedy") greedy.push(event.computedMs);
    });
    const agent = runtime.spawn(
      defineAgent({
        name: "preempted",
        state: () => ({}),
        actions: {
          work: defineAction({
            run: (_state: object, computesMs: number): undefined => {
              clock.worked += 20e6;
              computed += computesMs * 1e6;
            },
          }),
        },
      }),
    );
    const work = async (computesMs: number): Promise<void> => {
      for (let i = 0; i < 30; i++) {
        agent.send({ type: "work", data: computesMs });
        await settled();
      }
    };
    await work(1);
    expect(greedy).toEqual([]);
    await work(7);
    expect(greedy.length).toBeGreaterThan(0);
    expect(new Set(greedy)).toEqual(new Set([7]));
    await runtime.close();
  });
});
