import { ManualClock, ms } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConnectionPool, type ConnectionPoolOptions, type Lease, TimerWheel } from "../../src/index.ts";

interface Connection {
  readonly id: number;
  open: boolean;
}

function setUp(options: Partial<ConnectionPoolOptions<Connection>> = {}) {
  const clock = new ManualClock();
  const made: Connection[] = [];
  const pool = new ConnectionPool<Connection>({
    open: async () => {
      const connection = { id: made.length, open: true };
      made.push(connection);
      return connection;
    },
    close: (connection) => {
      expect(connection.open).toBe(true);
      connection.open = false;
    },
    timers: new TimerWheel(clock),
    size: 2,
    overflow: 1,
    ...options,
  });
  return { clock, made, pool };
}

/** Lets what is settled already run. */
const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe("ConnectionPool (S3-036)", () => {
  test("opens up to size and overflow, then waiters are served in order by what is returned", async () => {
    const { made, pool } = setUp();
    const leases = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
    expect(pool.statistics).toMatchObject({ inUse: 3, overflowed: 1, waiting: 0 });
    const order: string[] = [];
    const served: Lease<Connection>[] = [];
    for (const name of ["first", "second"]) {
      void pool.acquire().then((lease) => {
        order.push(name);
        served.push(lease);
      });
    }
    expect(pool.statistics.waiting).toBe(2);
    leases[1].release();
    await settle();
    expect(order).toEqual(["first"]);
    expect(served[0]!.connection).toBe(leases[1].connection);
    leases[0].release();
    leases[2].release();
    await settle();
    expect(order).toEqual(["first", "second"]);
    expect(made).toHaveLength(3);
    // Of three open ones the third was one too many.
    expect(pool.statistics).toMatchObject({ idle: 0, inUse: 2 });
    for (const lease of served) lease.release();
    expect(pool.statistics).toMatchObject({ idle: 2, inUse: 0, acquired: 5 });
    expect(made.filter(({ open }) => open)).toHaveLength(2);
  });

  test("an idle connection is used again, an unusable one is not", async () => {
    const { made, pool } = setUp({ usable: ({ id }) => id !== 0 || made.length < 2 });
    const first = await pool.acquire();
    first.release();
    const again = await pool.acquire();
    expect(again.connection).toBe(first.connection);
    const other = await pool.acquire();
    again.release(); // unusable by now
    expect(first.connection.open).toBe(false);
    expect((await pool.acquire()).connection.id).toBe(2);
    other.release();
  });

  test("a broken one is closed and replaced for who waits", async () => {
    const { made, pool } = setUp({ size: 1, overflow: 0 });
    const broken = await pool.acquire();
    const next = pool.acquire();
    broken.discard();
    expect((await next).connection).toBe(made[1]);
    expect(broken.connection.open).toBe(false);
    expect(() => broken.release()).toThrow(expect.objectContaining({ code: "POOL_RETURN_INVALID" }));
  });

  test("who waits too long is told so, and loses its place", async () => {
    const { clock, pool } = setUp({ size: 1, overflow: 0, acquireTimeout: ms(100) });
    const held = await pool.acquire();
    const late = pool.acquire();
    late.catch(() => undefined);
    await clock.advance(ms(60));
    const patient = pool.acquire();
    await clock.advance(ms(40));
    await expect(late).rejects.toMatchObject({ code: "POOL_ACQUIRE_TIMEOUT", retryable: true, details: { inUse: 1 } });
    held.release();
    expect((await patient).connection).toBe(held.connection);
    expect(pool.statistics).toMatchObject({ timedOut: 1, waiting: 0 });
  });

  test("an abort ends the wait with its reason", async () => {
    const { pool } = setUp({ size: 1, overflow: 0 });
    await pool.acquire();
    const controller = new AbortController();
    const waiting = pool.acquire(controller.signal);
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    await expect(pool.acquire(controller.signal)).rejects.toThrow("enough");
    expect(pool.statistics.waiting).toBe(0);
  });

  test("a connection that cannot be opened fails the first who waits; the next tries again", async () => {
    let broken = true;
    const { pool } = setUp({
      size: 1,
      overflow: 0,
      open: async () => {
        if (!broken) return { id: 7, open: true };
        broken = false;
        throw new Error("refused");
      },
    });
    const [first, second] = [pool.acquire(), pool.acquire()];
    await expect(first).rejects.toMatchObject({ code: "POOL_OPEN_FAILED", cause: new Error("refused") });
    expect((await second).connection.id).toBe(7);
    expect(pool.statistics.failed).toBe(1);
  });

  test("with: returned after use, discarded after a failure", async () => {
    const { made, pool } = setUp();
    expect(await pool.with(async ({ id }) => id)).toBe(0);
    await expect(
      pool.with(async () => {
        throw new Error("query");
      }),
    ).rejects.toThrow("query");
    expect(made.map(({ open }) => open)).toEqual([false]);
    expect(pool.statistics).toMatchObject({ idle: 0, inUse: 0 });
  });

  test("closing rejects who waits and waits for what is lent; nothing stays open", async () => {
    const { made, pool } = setUp({ size: 1, overflow: 0 });
    {
      using lease = await pool.acquire();
      const waiting = pool.acquire();
      let closed = false;
      const closing = pool.close().then(() => (closed = true));
      await expect(waiting).rejects.toMatchObject({ code: "POOL_CLOSED" });
      await settle();
      expect(closed).toBe(false);
      lease.release();
      await closing;
    }
    await pool.close();
    await expect(pool.acquire()).rejects.toMatchObject({ code: "POOL_CLOSED" });
    expect(made.every(({ open }) => !open)).toBe(true);
  });

  test("waiters are limited", async () => {
    const { pool } = setUp({ size: 1, overflow: 0, maxWaiting: 1 });
    await pool.acquire();
    void pool.acquire();
    await expect(pool.acquire()).rejects.toMatchObject({ code: "POOL_EXHAUSTED" });
  });

  test("whatever happens: never over the limit, waiters in order, nothing lent twice, all closed in the end", async () => {
    const step = fc.constantFrom("acquire", "acquire", "release", "discard", "timeout", "failOpen");
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.integer({ min: 1, max: 3 }),
        fc.nat(2),
        async (steps, size, overflow) => {
          let fail = false;
          const lent = new Set<Connection>();
          const served: number[] = [];
          const leases: Lease<Connection>[] = [];
          let asked = 0;
          const base = setUp();
          const { clock, made, pool } = setUp({
            size,
            overflow,
            acquireTimeout: ms(100),
            open: async () => {
              if (fail) {
                fail = false;
                throw new Error("refused");
              }
              const connection = { id: base.made.length, open: true };
              base.made.push(connection);
              return connection;
            },
          });
          expect(made).toEqual([]);
          const results: Promise<unknown>[] = [];
          for (const one of steps) {
            if (one === "acquire") {
              const number = asked++;
              results.push(
                pool.acquire().then(
                  (lease) => {
                    expect(lent.has(lease.connection)).toBe(false);
                    lent.add(lease.connection);
                    leases.push(lease);
                    served.push(number);
                  },
                  (error: { code: string }) => expect(error.code).toMatch(/POOL_(ACQUIRE_TIMEOUT|OPEN_FAILED)/),
                ),
              );
            } else if (one === "timeout") await clock.advance(ms(100));
            else if (one === "failOpen") fail = true;
            else {
              const lease = leases.shift();
              if (lease !== undefined) {
                lent.delete(lease.connection);
                lease[one]();
              }
            }
            await settle();
            const { inUse, idle, opening } = pool.statistics;
            expect(inUse).toBe(lent.size);
            expect(inUse + idle + opening).toBeLessThanOrEqual(size + overflow);
            expect(base.made.filter(({ open }) => open)).toHaveLength(inUse + idle);
          }
          await clock.advance(ms(100));
          for (const lease of leases) lease.release();
          await pool.close();
          await Promise.all(results);
          expect(served).toEqual(served.toSorted((a, b) => a - b));
          expect(base.made.filter(({ open }) => open)).toEqual([]);
        },
      ),
      { numRuns: 100 },
    );
  });
});

test("a check of connections that throws refuses the connection, which is closed; who waits gets another", async () => {
  let broken = false;
  const { made, pool } = setUp({
    size: 1,
    overflow: 0,
    usable: () => {
      if (broken) throw new Error("cannot tell");
      return true;
    },
  });
  const lease = await pool.acquire();
  const waiting = pool.acquire();
  broken = true;
  lease.release();
  const next = await waiting;
  expect([next.connection.id, made.map(({ open }) => open)]).toEqual([1, [false, true]]);
  broken = false;
  next.release();
  broken = true;
  const third = await pool.acquire();
  expect([third.connection.id, made.map(({ open }) => open)]).toEqual([2, [false, false, true]]);
  expect(pool.statistics).toMatchObject({ inUse: 1, idle: 0, failed: 2 });
  broken = false;
  third.release();
  await pool.close();
});
