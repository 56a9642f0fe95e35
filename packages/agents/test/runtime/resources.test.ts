import { ms } from "@mettle/core";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { defineAction, defineAgent } from "../../src/index.ts";
import { type CompiledDefinition, compiledOf } from "../../src/agent/definition.ts";
import { Ceiling } from "../../src/runtime/resources.ts";
import { accountedSize } from "../../src/runtime/size.ts";
import { counter, runtimeForTest, settled } from "../support.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

interface Hoard {
  readonly things: readonly string[];
}

const hoarder = defineAgent({
  name: "hoarder",
  state: (): Hoard => ({ things: [] }),
  actions: {
    keep: defineAction({
      run: (state: Hoard, thing: string) => ({
        state: { things: [...state.things, thing] },
        reply: state.things.length + 1,
      }),
    }),
    drop: defineAction({ run: (_state: Hoard) => ({ state: { things: [] } }) }),
    count: defineAction({ mode: "read", run: (state: Hoard) => ({ reply: state.things.length }) }),
  },
});

const compiledFor = (state: object): { compiled: CompiledDefinition } => ({
  compiled: compiledOf(defineAgent({ name: "sized", state: () => state, actions: {} })),
});

describe("memory limit", () => {
  test("warns at 80 %, again only after it was below; ends the agent at 100 % with the reason", async () => {
    const { runtime, clock, events } = runtimeForTest({ memoryCheckMs: 1000 });
    const agent = runtime.spawn(hoarder, { memoryLimitBytes: 100_000 });
    const other = runtime.spawn(hoarder);
    const kinds = (): string[] => events.flatMap((event) => (event.kind.startsWith("memory") ? [event.kind] : []));
    const keep = (bytes: number): Promise<unknown> => agent.ask({ type: "keep", data: "x".repeat(bytes) });
    await keep(70_000);
    await clock.advance(ms(1001));
    expect(kinds()).toEqual([]);
    await keep(15_000);
    await clock.advance(ms(1001));
    await keep(10);
    await clock.advance(ms(1001));
    expect(kinds()).toEqual(["memory-warning"]);
    await agent.ask({ type: "drop" });
    await clock.advance(ms(1001));
    await keep(90_000);
    await clock.advance(ms(1001));
    expect(kinds()).toEqual(["memory-warning", "memory-warning"]);
    await keep(20_000);
    await clock.advance(ms(1001));
    expect(kinds()).toEqual(["memory-warning", "memory-warning", "memory-exceeded"]);
    await expect(agent.ask({ type: "count" })).rejects.toMatchObject({ code: "AGENT_STOPPED" });
    expect(await other.ask({ type: "count" })).toBe(0);
    await runtime.close();
  });

  test("garbage is collected before the warning, once a check, when that can be forced", async () => {
    let collections = 0;
    const { runtime, clock, events } = runtimeForTest({ memoryCheckMs: 1000, collect: () => void collections++ });
    const agents = [1, 2, 3].map(() => runtime.spawn(hoarder, { memoryLimitBytes: 100_000 }));
    for (const agent of agents) await agent.ask({ type: "keep", data: "x".repeat(85_000) });
    await clock.advance(ms(1001));
    const warned = events.flatMap((event) => (event.kind === "memory-warning" ? [event.collected] : []));
    expect([warned, collections]).toEqual([[true, false, false], 1]);
    await runtime.close();
    const unforced = runtimeForTest({ memoryCheckMs: 1000, collect: undefined });
    const agent = unforced.runtime.spawn(hoarder, { memoryLimitBytes: 100_000 });
    await agent.ask({ type: "keep", data: "x".repeat(85_000) });
    await unforced.clock.advance(ms(1001));
    expect(unforced.events).toContainEqual(expect.objectContaining({ kind: "memory-warning", collected: false }));
    await unforced.runtime.close();
  });

  test("counts what waits in the mailbox", async () => {
    const { runtime, clock, events } = runtimeForTest({ memoryCheckMs: 1000, memoryLimitBytes: 1_000_000 });
    const agent = runtime.spawn(hoarder);
    await agent.ask({ type: "count" });
    agent.pause();
    const refused = Array.from({ length: 20 }, () =>
      agent.ask({ type: "keep", data: "y".repeat(60_000) }).catch((error: unknown) => error),
    );
    await clock.advance(ms(1001));
    expect(events.at(-1)).toMatchObject({ kind: "agent-stopped", reason: "memory-exceeded" });
    for (const error of await Promise.all(refused)) {
      expect(error).toMatchObject({
        code: "AGENT_STOPPED",
        cause: { code: "AGENT_MEMORY_EXCEEDED", details: { limitBytes: 1_000_000 } },
      });
    }
    await runtime.close();
  });

  test("one that eats quickly is not waited for: it is looked at every 1024 messages", async () => {
    const { runtime } = runtimeForTest({ memoryLimitBytes: 1_000_000 });
    const agent = runtime.spawn(hoarder);
    const growing = defineAgent({
      name: "growing",
      state: () => ({ all: new Uint8Array(0) }),
      actions: {
        grow: defineAction({
          run: (state: { all: Uint8Array }) => ({ state: { all: new Uint8Array(state.all.length + 2000) } }),
        }),
      },
    });
    const eater = runtime.spawn(growing);
    for (let i = 0; i < 2000 && eater.status !== "stopped"; i++)
      await eater.ask({ type: "grow" }).catch((error: unknown) => error);
    expect(eater.status).toBe("stopped");
    expect(await agent.ask({ type: "count" })).toBe(0);
    await runtime.close();
  });

  test("the account of plain data is near what the heap says", () => {
    const shapes: (() => unknown)[] = [
      () => Array.from({ length: 100_000 }, (_, i) => ({ id: i, name: `name ${i}`, tags: [`tag ${i}`, "b"] })),
      () => new Map(Array.from({ length: 100_000 }, (_, i) => [`key ${i}`, { value: i + 0.5 }])),
      () => Array.from({ length: 100_000 }, (_, i) => `a text with some length ${i}`),
      () => new Float64Array(2_000_000),
      () => Array.from({ length: 500_000 }, (_, i) => i + 0.5),
    ];
    const used = (): number => {
      collect();
      collect();
      const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
      return heap + external;
    };
    // A function of its own: what one call made is gone when the next one looks at the heap.
    const ratioOf = (make: () => unknown): number => {
      const before = used();
      const value = make();
      const grown = used() - before;
      return accountedSize(value) / grown;
    };
    for (const make of shapes) {
      const ratio = ratioOf(make);
      expect(ratio).toBeGreaterThan(0.5);
      expect(ratio).toBeLessThan(2);
    }
  });

  test("cycles and shared parts count once", () => {
    const shared = { text: "s".repeat(1000) };
    const circle: { self?: unknown; parts: unknown[] } = { parts: [shared, shared] };
    circle.self = circle;
    expect(accountedSize(circle)).toBeLessThan(1300);
  });
});

describe("ceilings", () => {
  test("agents: one more is refused, and there is room again when one has ended", async () => {
    const { runtime } = runtimeForTest({ maxAgents: 3 });
    const agents = [1, 2, 3].map(() => runtime.spawn(counter));
    expect(() => runtime.spawn(counter)).toThrow(
      expect.objectContaining({ code: "AGENT_CEILING_REACHED", retryable: true, details: { living: 3, maxAgents: 3 } }),
    );
    await agents[0]!.stop();
    expect(runtime.spawn(counter).status).toBe("idle");
    await runtime.close();
  });

  test("heap: refused while too much is in use, and the others work on", async () => {
    const { runtime } = runtimeForTest({ maxHeapShare: 1e-9 });
    expect(() => runtime.spawn(counter)).toThrow(expect.objectContaining({ code: "AGENT_CEILING_REACHED" }));
    await runtime.close();
  });

  test("heap: large states are seen long before 1024 agents have them, small ones cost a look in 1024", () => {
    const heapOf = (
      made: { readonly agents: number },
      stateBytes: number,
    ): { ceiling: Ceiling; looks: () => number } => {
      let looks = 0;
      const ceiling = new Ceiling(1_000_000, 0.9, () => {
        looks++;
        return { used_heap_size: 10e6 + made.agents * stateBytes, heap_size_limit: 100e6 };
      });
      return { ceiling, looks: () => looks };
    };
    for (const given of [true, false]) {
      const made = { agents: 0 };
      const { ceiling } = heapOf(made, 1e6);
      const { compiled } = compiledFor({ text: "x".repeat(1e6) });
      const spawn = (): void => {
        ceiling.admit(made.agents);
        made.agents++;
        ceiling.added(compiled, { text: "x".repeat(1e6) }, given);
      };
      expect(() => {
        for (let i = 0; i < 1000; i++) spawn();
      }).toThrow(expect.objectContaining({ code: "AGENT_CEILING_REACHED" }));
      expect(made.agents).toBeGreaterThan(80); // that is where 90 % is
      expect(made.agents).toBeLessThan(90); // a tenth of the room that was left, at most, behind
    }
    const made = { agents: 0 };
    const { ceiling, looks } = heapOf(made, 100);
    const { compiled } = compiledFor({ n: 1 });
    for (; made.agents < 10_240; made.agents++) {
      ceiling.admit(made.agents);
      ceiling.added(compiled, { n: 1 }, false);
    }
    expect(looks()).toBe(10);
  });

  test("a spawn storm at the ceiling leaves it usable", async () => {
    const { runtime } = runtimeForTest({ maxAgents: 1000 });
    let refused = 0;
    for (let i = 0; i < 20_000; i++) {
      try {
        runtime.spawn(counter);
      } catch (error) {
        expect(error).toMatchObject({ code: "AGENT_CEILING_REACHED" });
        refused++;
      }
    }
    expect([refused, runtime.stats().agents]).toEqual([19_000, 1000]);
    expect(await runtime.find("0/1")!.ask({ type: "add", data: 1 })).toBe(1);
    await runtime.close();
    expect(runtime.stats().agents).toBe(0);
  });
});

describe("hibernation", () => {
  test("an idle agent packs its state and wakes with the next message, request, pause or stop", async () => {
    const { runtime, clock, kinds } = runtimeForTest();
    const agent = runtime.spawn(hoarder, { hibernateAfterMs: 1000 });
    await agent.ask({ type: "keep", data: "a" });
    const sleep = async (): Promise<void> => clock.advance(ms(2500));
    await sleep();
    expect(kinds().filter((kind) => kind === "agent-hibernated")).toHaveLength(1);
    expect(agent.status).toBe("idle");
    expect(await agent.ask({ type: "count" })).toBe(1);
    await sleep();
    agent.send({ type: "keep", data: "b" });
    await settled();
    await sleep();
    agent.pause();
    agent.resume();
    expect(await agent.ask({ type: "keep", data: "c" })).toBe(3);
    await sleep();
    expect(kinds().filter((kind) => kind === "agent-hibernated")).toHaveLength(4);
    await agent.stop({ drain: true });
    await runtime.close();
  });

  test("a state that cannot be packed is kept as it is", async () => {
    const { runtime, clock, kinds } = runtimeForTest();
    const closure = defineAgent({
      name: "closure",
      state: () => ({ get: () => 42 }),
      actions: { get: defineAction({ mode: "read", run: (state: { get: () => number }) => ({ reply: state.get() }) }) },
    });
    const agent = runtime.spawn(closure, { hibernateAfterMs: 100 });
    await clock.advance(ms(1000));
    expect(await agent.ask({ type: "get" })).toBe(42);
    expect(kinds()).not.toContain("agent-hibernated");
    await runtime.close();
  });
});

test("a million dead letters: all counted, the newest kept, memory bounded", async () => {
  const { runtime } = runtimeForTest({ maxDeadLetters: 100 });
  const agent = runtime.spawn(counter);
  await agent.stop();
  for (let i = 0; i < 1_000_000; i++) agent.send({ type: "add", data: i });
  expect([runtime.deadLetters.added, runtime.deadLetters.size, runtime.deadLetters.count("stopped")]).toEqual([
    1_000_000, 100, 1_000_000,
  ]);
  expect(runtime.deadLetters.drain().at(-1)).toMatchObject({ message: { data: 999_999 } });
  expect(runtime.deadLetters.size).toBe(0);
  await runtime.close();
});

test("dead letters are sent again to whoever lives and has room; the others stay", async () => {
  const { runtime, clock } = runtimeForTest({ mailboxLimit: 2 });
  const [agent, gone] = [runtime.spawn(counter), runtime.spawn(counter)];
  await gone.stop();
  gone.send({ type: "add", data: 1 });
  for (const data of ["a", "b", "c"]) {
    await agent.ask({ type: "fail", data }).catch(() => undefined);
    await clock.advance(ms(10_000)); // it is restarted meanwhile
  }
  expect(runtime.deadLetters.list({ to: agent.address }).map(({ reason }) => reason)).toEqual(
    Array.from({ length: 3 }, () => "action-failed"),
  );
  agent.pause();
  expect(runtime.redrive()).toBe(2);
  expect(runtime.deadLetters.list().map(({ to, message }) => [to, message.data])).toEqual([
    [gone.address, 1],
    [agent.address, "c"],
  ]);
  await runtime.close({ drain: false });
});
