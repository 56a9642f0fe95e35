import { ManualClock, ms } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AgentPool,
  type AgentPoolOptions,
  ObjectPool,
  type Poolable,
  poolCapacities,
  type RefOf,
  type Runtime,
  TaskPool,
  TimerWheel,
} from "../../src/index.ts";
import { counter, runtimeForTest, settled } from "../support.ts";

describe("AgentPool (S3-012)", () => {
  function setUp(options: Partial<AgentPoolOptions<{ type: string; n: number }>> = {}) {
    const spawned: { type: string; n: number }[] = [];
    const stopped: number[] = [];
    const refills: (() => void)[] = [];
    const pool = new AgentPool({
      spawn: (type) => {
        const agent = { type, n: spawned.length };
        spawned.push(agent);
        return agent;
      },
      stop: ({ n }) => stopped.push(n),
      types: ["worker", "planner"],
      size: 3,
      later: (run) => refills.push(run),
      ...options,
    });
    const refill = (): void => refills.splice(0).forEach((run) => run());
    return { pool, spawned, stopped, refill };
  }

  test("ten of each type are ready by default", () => {
    const { pool } = setUp({ size: 10 });
    expect(pool.statistics.warm).toEqual({ worker: 10, planner: 10 });
  });

  test("warm agents are handed out and replaced later; beyond them the caller waits, and that is counted", () => {
    const { pool, spawned, refill } = setUp();
    const agents = Array.from({ length: 4 }, () => pool.get("worker"));
    expect(new Set(agents).size).toBe(4);
    expect(agents.every(({ type }) => type === "worker")).toBe(true);
    expect(pool.statistics).toMatchObject({ active: 4, hits: 3, overflowed: 1, warm: { worker: 0, planner: 3 } });
    refill();
    expect(pool.statistics.warm).toEqual({ worker: 3, planner: 3 });
    expect(spawned).toHaveLength(10);
    pool.get("other");
    expect(pool.statistics).toMatchObject({ overflowed: 2 });
  });

  test("a returned agent is warm again if it can be reset and there is room", () => {
    const { pool, stopped } = setUp({ reset: ({ n }) => n !== 1 });
    const agents = [pool.get("worker"), pool.get("worker"), pool.get("worker")]; // 2, 1, 0
    for (const agent of agents) pool.release(agent);
    expect(stopped).toEqual([1]);
    expect(pool.statistics).toMatchObject({ active: 0, returned: 3, warm: { worker: 2 } });
    expect(() => pool.release(agents[0]!)).toThrow(expect.objectContaining({ code: "POOL_RETURN_INVALID" }));
    expect(pool.get("worker")).toBe(agents[2]);
  });

  test("dead agents are forgotten, and warm ones replaced", () => {
    const { pool, refill, spawned } = setUp();
    const agent = pool.get("worker");
    expect(pool.forget(agent)).toBe(true);
    expect(pool.statistics.active).toBe(0);
    refill();
    expect(pool.forget(spawned[5]!)).toBe(true);
    expect(pool.statistics.warm).toEqual({ worker: 3, planner: 2 });
    refill();
    expect(pool.statistics.warm).toEqual({ worker: 3, planner: 3 });
    expect(pool.forget(agent)).toBe(false);
  });

  test("a refill that fails is counted; the next asks again", () => {
    let ceiling = false;
    let count = 0;
    const { pool, refill } = setUp({
      spawn: (type) => {
        if (ceiling) throw new Error("at the ceiling");
        return { type, n: count++ };
      },
    });
    ceiling = true;
    pool.get("worker");
    refill();
    expect(pool.statistics).toMatchObject({
      refillsFailed: 1,
      lastRefillError: new Error("at the ceiling"),
      warm: { worker: 2 },
    });
    pool.get("worker");
    pool.get("worker");
    expect(() => pool.get("worker")).toThrow("at the ceiling");
    ceiling = false;
    refill();
    expect(pool.statistics.warm).toMatchObject({ worker: 3 });
  });

  test("closing stops the warm ones, and the active ones as they come back", () => {
    const { pool, stopped, refill } = setUp();
    const agent = pool.get("worker");
    pool.close();
    refill();
    expect(stopped).toHaveLength(5);
    pool.release(agent);
    expect(stopped).toHaveLength(6);
    expect(() => pool.get("worker")).toThrow(expect.objectContaining({ code: "POOL_CLOSED" }));
  });

  test("active agents are limited", () => {
    const { pool } = setUp({ maxActive: 1 });
    pool.get("worker");
    expect(() => pool.get("worker")).toThrow(expect.objectContaining({ code: "POOL_EXHAUSTED" }));
  });
});

describe("ObjectPool (S1-018)", () => {
  interface Instruction extends Poolable {
    payload: unknown;
  }
  const make = (capacity: number, warm = 0) =>
    new ObjectPool<Instruction>({
      create: () => ({ inPool: false, payload: undefined }),
      reset: (item) => void (item.payload = undefined),
      capacity,
      warm,
    });

  test("whatever the order: nothing is in use twice, counts add up, capacity holds", () => {
    const step = fc.oneof(
      fc.constant({ do: "checkout" as const, n: 0 }),
      fc.record({ do: fc.constant("checkin" as const), n: fc.nat(20) }),
      fc.record({ do: fc.constantFrom("expand" as const, "shrink" as const), n: fc.nat(5) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.nat(6), (steps, capacity) => {
        const pool = make(capacity);
        const held: Instruction[] = [];
        for (const { do: what, n } of steps) {
          if (what === "checkout") {
            const item = pool.checkout();
            expect(held.includes(item)).toBe(false);
            expect(item).toEqual({ inPool: false, payload: undefined });
            item.payload = {};
            held.push(item);
          } else if (what === "checkin") {
            const [item] = held.splice(n % Math.max(1, held.length), 1);
            if (item !== undefined) pool.checkin(item);
          } else pool[what](n);
          const statistics = pool.statistics;
          expect(statistics.inUse).toBe(held.length);
          expect(statistics.available).toBeLessThanOrEqual(statistics.capacity);
          expect(statistics.created).toBe(statistics.inUse + statistics.available + statistics.dropped);
        }
      }),
    );
  });

  test("a second check-in is refused: it would lend one object to two", () => {
    const pool = make(2);
    const item = pool.checkout();
    pool.checkin(item);
    expect(() => pool.checkin(item)).toThrow(expect.objectContaining({ code: "POOL_RETURN_INVALID" }));
    expect(pool.checkout()).toBe(item);
    pool.checkin(item);
  });

  test("warm, expand and shrink", () => {
    const pool = make(10, 4);
    expect(pool.statistics).toMatchObject({ available: 4, created: 4, reused: 0 });
    pool.expand(20);
    expect(pool.statistics).toMatchObject({ capacity: 24, available: 24 });
    expect(pool.shrink(5)).toBe(19);
    expect(pool.statistics).toMatchObject({ capacity: 5, available: 5, dropped: 19 });
    expect(poolCapacities).toEqual({ instruction: 1000, signal: 5000, error: 500, task: 500 });
  });
});

describe("TaskPool (S3-037)", () => {
  const module = new URL("./fixtures/tasks.mjs", import.meta.url);

  test("runs the default export of a module in worker threads", async () => {
    await using pool = new TaskPool<number, number>({ module, workers: 2 });
    expect(pool.statistics.running).toBe(0);
    expect(await Promise.all([1, 2, 3, 4].map((x) => pool.run(x)))).toEqual([1, 4, 9, 16]);
    expect(pool.statistics).toMatchObject({ running: 2, pending: 0, completed: 4, failed: 0 });
  });

  test("tasks go round, past a worker that is busy", async () => {
    await using pool = new TaskPool<unknown, { threadId: number }>({ module, task: "work", workers: 2 });
    const latch = new SharedArrayBuffer(4);
    const long = pool.run({ latch });
    const threads = [];
    for (let i = 0; i < 4; i++) threads.push((await pool.run(i)).threadId);
    expect(new Set(threads).size).toBe(1);
    Atomics.store(new Int32Array(latch), 0, 1);
    Atomics.notify(new Int32Array(latch), 0);
    expect(threads).not.toContain((await long).threadId);
    const round = [];
    for (let i = 0; i < 4; i++) round.push((await pool.run(i)).threadId);
    expect(round[0]).not.toBe(round[1]);
    expect([round[2], round[3]]).toEqual([round[0], round[1]]);
  });

  test("a task's error comes back with its name and message; the worker lives on", async () => {
    await using pool = new TaskPool<unknown, unknown>({ module, task: "work", workers: 1 });
    await expect(pool.run("throw")).rejects.toMatchObject({
      code: "TASK_FAILED",
      cause: { name: "RangeError", message: "no good" },
    });
    await expect(pool.run("uncloneable")).rejects.toMatchObject({ code: "TASK_FAILED" });
    expect(await pool.run("ok")).toMatchObject({ input: "ok" });
    expect(pool.statistics).toMatchObject({ completed: 1, failed: 2, lost: 0 });
  });

  test("a worker that dies fails its tasks, all of them, and is replaced", async () => {
    await using pool = new TaskPool<unknown, unknown>({ module, task: "work", workers: 1 });
    const results = await Promise.allSettled([pool.run("die"), pool.run("after")]);
    expect(results).toMatchObject([
      { reason: { code: "TASK_WORKER_LOST", retryable: true, details: { exitCode: 3 } } },
      { reason: { code: "TASK_WORKER_LOST" } },
    ]);
    expect(await pool.run("again")).toMatchObject({ input: "again" });
    expect(pool.statistics).toMatchObject({ lost: 1, running: 1 });
  });

  test("one that eats memory takes nobody with it", async () => {
    await using pool = new TaskPool<unknown, unknown>({ module, task: "work", workers: 1, maxHeapMb: 32 });
    await expect(pool.run("eat")).rejects.toMatchObject({
      code: "TASK_WORKER_LOST",
      cause: { code: "ERR_WORKER_OUT_OF_MEMORY" },
    });
    expect(await pool.run("again")).toMatchObject({ input: "again" });
  });

  test("what cannot be cloned, a missing module, and a missing function are told apart", async () => {
    await using pool = new TaskPool<unknown, unknown>({ module, task: "work", workers: 1 });
    await expect(pool.run(() => 1)).rejects.toMatchObject({ code: "TASK_NOT_CLONEABLE" });
    expect(pool.statistics.pending).toBe(0);
    await using nowhere = new TaskPool<unknown, unknown>({ module: new URL("./nowhere.mjs", module), workers: 1 });
    await expect(nowhere.run(1)).rejects.toMatchObject({
      code: "TASK_WORKER_LOST",
      cause: { code: "ERR_MODULE_NOT_FOUND" },
    });
    await using nothing = new TaskPool<unknown, unknown>({ module, task: "nothing", workers: 1 });
    await expect(nothing.run(1)).rejects.toThrow(/exports no function nothing/);
  });

  test("an abort rejects at once; closing waits for what runs", async () => {
    const pool = new TaskPool<unknown, unknown>({ module, task: "work", workers: 1, maxPending: 1 });
    const latch = new SharedArrayBuffer(4);
    const controller = new AbortController();
    const run = pool.run({ latch }, controller.signal);
    controller.abort();
    await expect(run).rejects.toMatchObject({ code: "TASK_CANCELLED" });
    await expect(pool.run(1)).rejects.toMatchObject({ code: "POOL_EXHAUSTED" });
    let closed = false;
    const closing = pool.close().then(() => (closed = true));
    await new Promise(setImmediate);
    expect(closed).toBe(false);
    Atomics.store(new Int32Array(latch), 0, 1);
    Atomics.notify(new Int32Array(latch), 0);
    await closing;
    await expect(pool.run(1)).rejects.toMatchObject({ code: "POOL_CLOSED" });
  });

  test("closing waits no longer than it may; a task that never ends is ended with its worker", async () => {
    const clock = new ManualClock();
    const pool = new TaskPool<unknown, unknown>({ module, task: "work", workers: 1, timers: new TimerWheel(clock) });
    const tasks = [pool.run({ latch: new SharedArrayBuffer(4) }), pool.run("behind it")];
    const ends = Promise.allSettled(tasks);
    const closing = pool.close({ withinMs: 100 });
    expect(pool.close()).toBe(closing);
    await clock.advance(ms(99));
    expect(pool.statistics.pending).toBe(2);
    await clock.advance(ms(2));
    await closing;
    expect(await ends).toMatchObject([{ reason: { code: "POOL_CLOSED" } }, { reason: { code: "POOL_CLOSED" } }]);
    expect(pool.statistics).toMatchObject({ running: 0, pending: 0, failed: 2, lost: 0 });
  });
});

test("an agent pool whose warm agents cannot all be spawned leaves none behind", () => {
  const living = new Set<number>();
  let made = 0;
  const spawn = (): number => {
    if (made === 3) throw new Error("no room");
    living.add(++made);
    return made;
  };
  const make = (): unknown =>
    new AgentPool<number>({ spawn, stop: (agent) => living.delete(agent), types: ["a", "b"], size: 2 });
  expect(make).toThrow("no room");
  expect(living.size).toBe(0);
});

describe("an agent pool that watches its agents", () => {
  const settings = (runtime: Runtime, later: (run: () => void) => void) => ({
    spawn: (_type: string) => runtime.spawn(counter, { restart: "temporary" }),
    stop: (agent: RefOf<typeof counter>) => void agent.stop(),
    watch: (agent: RefOf<typeof counter>, gone: () => void) =>
      runtime.monitor(agent, ({ mayRestart }) => void (mayRestart || gone())),
    types: ["a"],
    size: 2,
    later,
  });

  test("drops the dead ones, and fills their places after the next get", async () => {
    const { runtime } = runtimeForTest();
    const refills: (() => void)[] = [];
    const warm: RefOf<typeof counter>[] = [];
    const given = settings(runtime, (run) => refills.push(run));
    const pool = new AgentPool({
      ...given,
      spawn: (type) => {
        warm.push(given.spawn(type));
        return warm.at(-1)!;
      },
    });
    await warm[1]!.ask({ type: "fail", data: "broken" }).catch(() => undefined);
    await settled();
    expect([pool.statistics.warm, refills.length]).toEqual([{ a: 1 }, 0]);
    const active = pool.get("a");
    expect(active).toBe(warm[0]);
    for (const refill of refills.splice(0)) refill();
    expect(pool.statistics).toMatchObject({ warm: { a: 2 }, active: 1, overflowed: 0 });
    await active.stop();
    expect(pool.statistics.active).toBe(0);
    pool.release(active); // who holds it need not know
    expect(() => pool.release(active)).toThrow(expect.objectContaining({ code: "POOL_RETURN_INVALID" }));
    pool.release(pool.get("a")); // cannot be reset: stopped by the pool
    pool.close();
    expect(pool.statistics).toMatchObject({ warm: { a: 0 }, active: 0, returned: 1 });
    expect(runtime.stats().agents).toBe(0);
    await runtime.close();
  });

  test("goes on with an agent that its supervisor may start again", async () => {
    const { runtime } = runtimeForTest();
    const given = settings(runtime, () => undefined);
    const pool = new AgentPool({ ...given, spawn: () => runtime.spawn(counter) });
    const agent = pool.get("a");
    await agent.ask({ type: "fail", data: "broken" }).catch(() => undefined);
    expect([pool.statistics.active, agent.status]).toEqual([1, "idle"]);
    await runtime.close();
  });

  test("takes none that is dead already, and leaves none that cannot be watched", async () => {
    const { runtime } = runtimeForTest();
    const given = settings(runtime, () => undefined);
    const dead = runtime.spawn(counter);
    await dead.stop();
    expect(() => new AgentPool({ ...given, spawn: () => dead })).toThrow(
      expect.objectContaining({ code: "POOL_OPEN_FAILED" }),
    );
    const watch = (): never => {
      throw new Error("cannot be watched");
    };
    expect(() => new AgentPool({ ...given, watch })).toThrow("cannot be watched");
    expect(runtime.stats().agents).toBe(0);
    await runtime.close();
  });
});
