import { ManualClock, ms } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SignalBus } from "../../src/bus/bus.ts";
import type { Delivery } from "../../src/bus/persistent.ts";
import type { PersistentOptions } from "../../src/bus/persistent-options.ts";
import type { BusProblem } from "../../src/bus/problems.ts";
import { makeSignal } from "../signals/signals.ts";

function makeBus(options: ConstructorParameters<typeof SignalBus>[0] = {}) {
  const problems: BusProblem[] = [];
  const clock = new ManualClock(1000);
  const bus = new SignalBus({ clock, onProblem: (problem) => problems.push(problem), ...options });
  return { bus, clock, problems };
}

/** All microtasks and immediates that are due have run. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function publish(bus: SignalBus, from: number, to: number): void {
  for (let i = from; i <= to; i++) bus.publish(makeSignal("a", i));
}

/** Takes deliveries and leaves them to the test. */
function holder() {
  const held: Delivery[] = [];
  return {
    held,
    take: (_: unknown, delivery: Delivery) => void held.push(delivery),
    data: () => held.map((d) => d.signal.data),
  };
}

const manual: PersistentOptions = { acknowledge: "manual" };

describe("delivery", () => {
  test("signals wait for a subscriber and are gone once handled", async () => {
    const { bus } = makeBus();
    const orders = bus.persistent("orders", "a");
    publish(bus, 1, 3);
    expect([orders.pending, orders.attached]).toEqual([3, false]);
    const seen: unknown[] = [];
    orders.attach(({ data }) => void seen.push(data));
    await turn();
    expect([seen, orders.pending, orders.inFlight, orders.acknowledged]).toEqual([[1, 2, 3], 0, 0, 3]);
  });

  test("a promise is waited for, others go on meanwhile", async () => {
    const { bus } = makeBus();
    const orders = bus.persistent("orders", "a");
    const first = Promise.withResolvers<void>();
    orders.attach(({ data }) => (data === 1 ? first.promise : undefined));
    publish(bus, 1, 3);
    await turn();
    expect([orders.acknowledged, orders.inFlight]).toEqual([2, 1]);
    first.resolve();
    await turn();
    expect([orders.acknowledged, orders.inFlight]).toEqual([3, 0]);
  });

  test("no more than maxInFlight are out, 1 000 unless said otherwise", async () => {
    const { bus } = makeBus();
    const orders = bus.persistent("orders", "a", manual);
    const { held, take } = holder();
    orders.attach(take);
    publish(bus, 1, 1500);
    await turn();
    expect([held.length, orders.pending, orders.inFlight]).toEqual([1000, 500, 1000]);
    expect([held[0]?.ack(), held[0]?.ack(), held[0]?.nack()]).toEqual([true, false, false]);
    await turn();
    expect([held.length, orders.pending, orders.inFlight]).toEqual([1001, 499, 1000]);
  });

  test("the same name is the same subscription; another pattern is a mistake", () => {
    const { bus } = makeBus();
    const orders = bus.persistent("orders", "a");
    expect(bus.persistent("orders", "a")).toBe(orders);
    expect(() => bus.persistent("orders", "b")).toThrow(expect.objectContaining({ code: "SUBSCRIPTION_EXISTS" }));
    orders.attach(() => undefined);
    expect(() => orders.attach(() => undefined)).toThrow(expect.objectContaining({ code: "SUBSCRIPTION_ATTACHED" }));
    expect(() => bus.persistent("x", "a", { attempts: 0, ackTimeout: ms(0) })).toThrow(
      "Persistent subscription: attempts must be a whole number from 1; ackTimeout must be more than 0 ms.",
    );
  });

  test("a hook that stops a signal settles its delivery", async () => {
    const { bus } = makeBus();
    const orders = bus.persistent("orders", "a", manual);
    bus.use({ name: "stop", beforeDispatch: () => undefined });
    orders.attach(() => undefined);
    publish(bus, 1, 1);
    await turn();
    expect([orders.acknowledged, orders.inFlight]).toEqual([1, 0]);
  });

  test("it can begin in the past, which does not count against maxPending", () => {
    const { bus } = makeBus();
    publish(bus, 1, 5);
    const orders = bus.persistent("orders", "a", { from: { sequence: 2 }, maxPending: 2 });
    expect([orders.pending, orders.full]).toEqual([4, false]);
    publish(bus, 6, 7);
    expect([orders.pending, orders.full]).toEqual([6, true]);
  });

  test("removing it returns what was not acknowledged, in order", async () => {
    const { bus } = makeBus();
    const orders = bus.persistent("orders", "a", { ...manual, maxInFlight: 2 });
    const { held, take } = holder();
    orders.attach(take);
    publish(bus, 1, 4);
    await turn();
    held[0]?.ack();
    expect(bus.removePersistent("orders")?.map(({ data }) => data)).toEqual([2, 3, 4]);
    expect(bus.removePersistent("orders")).toBeUndefined();
    publish(bus, 5, 5);
    expect(orders.pending).toBe(0);
  });
});

describe("failure", () => {
  test("5 attempts with doubling waits, then the dead letters", async () => {
    const { bus, clock, problems } = makeBus();
    const orders = bus.persistent("orders", "a");
    const at: number[] = [];
    const reason = new Error("bad signal");
    orders.attach((_, { attempt }) => {
      at.push(clock.wallTime());
      expect(attempt).toBe(at.length);
      throw reason;
    });
    publish(bus, 1, 1);
    await turn();
    await clock.advance(ms(5000));
    expect(at).toEqual([1000, 1100, 1300, 1700, 2500]);
    expect(bus.deadLetters.list()).toEqual([
      expect.objectContaining({
        to: "orders",
        attempts: 5,
        reason: "attempts",
        error: reason,
        at: 2500,
        sequence: 1,
      }),
    ]);
    expect(problems.map(({ kind }) => kind)).toEqual(["failed", "failed", "failed", "failed", "dead"]);
    expect([orders.failed, orders.dead, orders.inFlight]).toEqual([5, 1, 0]);
  });

  test("the wait is bounded", async () => {
    const { bus, clock } = makeBus();
    const at: number[] = [];
    bus.persistent("orders", "a", { attempts: 4, backoff: ms(100), maxBackoff: ms(150) }).attach(() => {
      at.push(clock.wallTime());
      return Promise.reject(new Error("no"));
    });
    publish(bus, 1, 1);
    await turn();
    await clock.advance(ms(1000));
    expect(at).toEqual([1000, 1100, 1250, 1400]);
  });

  test("a delivery that is never acknowledged fails in time, and its late acknowledgement does not count", async () => {
    const { bus, clock } = makeBus();
    const orders = bus.persistent("orders", "a", { ...manual, ackTimeout: ms(50), attempts: 2 });
    const { held, take } = holder();
    orders.attach(take);
    publish(bus, 1, 1);
    await turn();
    await clock.advance(ms(40));
    expect(held).toHaveLength(1);
    await clock.advance(ms(200));
    expect(held.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect([held[0]?.ack(), orders.acknowledged]).toEqual([false, 0]);
    await clock.advance(ms(200));
    expect(bus.deadLetters.list()[0]).toMatchObject({ attempts: 2, error: { code: "DELIVERY_UNACKNOWLEDGED" } });
  });

  test("one that was acknowledged does not come again, however long one waits", async () => {
    const { bus, clock } = makeBus();
    const orders = bus.persistent("orders", "a", { ackTimeout: ms(50) });
    const seen: unknown[] = [];
    orders.attach(({ data }) => void seen.push(data));
    publish(bus, 1, 2);
    await turn();
    await clock.advance(ms(1000));
    expect([seen, orders.acknowledged, orders.failed, orders.inFlight]).toEqual([[1, 2], 2, 0, 0]);
  });

  test("with one in flight the order holds even when deliveries fail", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 10 }), async (failures) => {
        const { bus, clock } = makeBus();
        const done: number[] = [];
        bus.persistent("orders", "a", { maxInFlight: 1 }).attach(({ data }, { attempt }) => {
          if (attempt <= failures[data as number]!) throw new Error("again");
          done.push(data as number);
        });
        failures.forEach((_, i) => bus.publish(makeSignal("a", i)));
        await turn();
        await clock.advance(ms(20_000));
        expect(done).toEqual(failures.map((_, i) => i));
      }),
      { numRuns: 30 },
    );
  });
});

describe("backpressure", () => {
  test("at 10 000 pending the publisher is refused, and nobody gets the signal", () => {
    const { bus } = makeBus();
    bus.persistent("orders", "a");
    const other: unknown[] = [];
    bus.subscribeSink("**", { offer: ({ data }) => other.push(data) > 0 });
    publish(bus, 1, 10_000);
    expect(() => publish(bus, 10_001, 10_001)).toThrow(
      expect.objectContaining({
        code: "BUS_BACKPRESSURE",
        retryable: true,
        message: "orders has 10000 signals pending.",
      }),
    );
    expect([other.length, bus.statistics.published, bus.statistics.refused]).toEqual([10_000, 10_000, 1]);
    bus.publish(makeSignal("b", "of no concern to it"));
    expect(other).toHaveLength(10_001);
  });

  test("a signal that the filter keeps away is not refused", () => {
    const { bus } = makeBus();
    const orders = bus.persistent("orders", "a", { maxPending: 1, filter: ({ data }) => data !== 2 });
    publish(bus, 1, 2);
    expect(orders.pending).toBe(1);
    expect(() => publish(bus, 3, 3)).toThrow(/pending/);
  });

  test("a filter that throws lets the signal through rather than lose it", () => {
    const { bus, problems } = makeBus();
    const orders = bus.persistent("orders", "a", {
      filter: () => {
        throw new Error("filter");
      },
    });
    publish(bus, 1, 1);
    expect([orders.pending, problems.map(({ kind }) => kind)]).toEqual([1, ["failed"]]);
  });

  test("or the surplus goes to the dead letters and comes back when asked", async () => {
    const { bus } = makeBus();
    const orders = bus.persistent("orders", "a", { maxPending: 2, whenFull: "deadLetter" });
    publish(bus, 1, 5);
    expect(bus.deadLetters.list().map(({ reason, signal, attempts }) => [reason, signal.data, attempts])).toEqual([
      ["surplus", 3, 0],
      ["surplus", 4, 0],
      ["surplus", 5, 0],
    ]);
    expect(bus.redrive()).toBe(0);
    const seen: unknown[] = [];
    orders.attach(({ data }) => void seen.push(data));
    await turn();
    expect(bus.redrive({ limit: 1 })).toBe(1);
    await turn();
    expect(bus.redrive()).toBe(2);
    await turn();
    expect([seen, bus.deadLetters.size]).toEqual([[1, 2, 3, 4, 5], 0]);
  });
});

describe("dead letters", () => {
  test("a million of them keep to their room, and what went is counted", () => {
    const { bus } = makeBus({ maxDeadLetters: 1000, log: false, onProblem: () => undefined });
    bus.persistent("orders", "a", { maxPending: 1, whenFull: "deadLetter" });
    const signal = makeSignal("a");
    for (let i = 0; i < 1_000_001; i++) bus.publish(signal);
    expect([bus.deadLetters.size, bus.deadLetters.added, bus.deadLetters.evicted]).toEqual([1000, 1_000_000, 999_000]);
  });

  test("are chosen by subscription and condition; a redriven one has all its attempts again", async () => {
    const { bus, clock } = makeBus();
    let failing = true;
    const attempts: number[] = [];
    for (const name of ["one", "two"]) {
      bus.persistent(name, "a", { attempts: 2 }).attach((_, { attempt }) => {
        attempts.push(attempt);
        if (failing) throw new Error(name);
      });
    }
    publish(bus, 1, 2);
    await turn();
    await clock.advance(ms(1000));
    expect(bus.deadLetters.size).toBe(4);
    failing = false;
    attempts.length = 0;
    expect(bus.redrive({ to: "one", where: ({ signal }) => signal.data === 2 })).toBe(1);
    await turn();
    expect([
      attempts,
      bus.deadLetters
        .list()
        .map((l) => [l.to, l.signal.data])
        .toSorted(([a, b], [c, d]) => (a === c ? Number(b) - Number(d) : String(a) < String(c) ? -1 : 1)),
    ]).toEqual([
      [1],
      [
        ["one", 1],
        ["two", 1],
        ["two", 2],
      ],
    ]);
    bus.removePersistent("two");
    expect([bus.redrive(), bus.deadLetters.size]).toEqual([1, 2]);
    expect(bus.deadLetters.remove()).toBe(2);
  });
});

describe("a restart of the subscriber", () => {
  test("loses nothing and keeps the order", async () => {
    const { bus } = makeBus();
    const orders = bus.persistent("orders", "a", { ...manual, maxInFlight: 3 });
    const [before, after] = [holder(), holder()];
    const attachment = orders.attach(before.take);
    publish(bus, 1, 5);
    await turn();
    before.held[1]?.ack();
    await turn();
    attachment.detach();
    publish(bus, 6, 6);
    expect(before.held[0]?.ack()).toBe(false);
    orders.attach(after.take);
    attachment.detach(); // late and without effect
    for (let i = 0; i < 5; i++) {
      await turn();
      after.held.at(i)?.ack();
    }
    expect([before.data(), after.data()]).toEqual([
      [1, 2, 3, 4],
      [1, 3, 4, 5, 6],
    ]);
    expect(after.held.every(({ attempt }) => attempt === 1)).toBe(true);
    expect(orders.inFlight).toBe(0);
  });

  test("a poison message that kills whoever touches it ends in the dead letters, alone", async () => {
    const { bus, clock } = makeBus();
    const orders = bus.persistent("orders", "a", { ...manual, maxInFlight: 4 });
    publish(bus, 1, 10);
    const done: unknown[] = [];
    let crashes = 0;
    // A supervisor: whoever dies of the poison is followed by another.
    const start = (): void => {
      let crashed = false;
      const attachment = orders.attach((signal, delivery) => {
        if (crashed) return;
        if (signal.data !== 3) {
          // Handled a little later, as from a mailbox: others are in flight when the poison strikes.
          queueMicrotask(() => {
            if (delivery.ack()) done.push(signal.data);
          });
          return;
        }
        crashed = true;
        crashes += 1;
        attachment.detach("crashed");
      });
    };
    for (let i = 0; i < 40; i++) {
      if (!orders.attached) start();
      await turn();
      await clock.advance(ms(1));
    }
    expect(done).toEqual([1, 2, 4, 5, 6, 7, 8, 9, 10]);
    expect(bus.deadLetters.list().map(({ signal, attempts }) => [signal.data, attempts])).toEqual([[3, 5]]);
    expect(crashes).toBe(6); // one among suspects, five alone
  });

  test("at least once: whatever crashes and fails, each signal is acknowledged or dead", async () => {
    const step = fc.constantFrom("ack", "nack", "crash", "detach", "advance");
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 4 }),
        async (steps, maxInFlight) => {
          const { bus, clock } = makeBus();
          const orders = bus.persistent("orders", "a", { ...manual, maxInFlight, attempts: 3 });
          const acknowledged = new Set<unknown>();
          const out: Delivery[] = [];
          const attach = () => orders.attach((_, delivery) => void out.push(delivery));
          let attachment = attach();
          publish(bus, 1, 8);
          const acknowledge = (delivery: Delivery | undefined): void => {
            if (delivery?.ack() !== true) return;
            expect(acknowledged.has(delivery.signal.data)).toBe(false);
            acknowledged.add(delivery.signal.data);
          };
          for (const one of steps) {
            await turn();
            expect(orders.inFlight).toBeLessThanOrEqual(maxInFlight);
            if (one === "ack") acknowledge(out.shift());
            else if (one === "nack") out.shift()?.nack(new Error("no"));
            else if (one === "advance") await clock.advance(ms(250));
            else {
              attachment.detach(...(one === "crash" ? (["crashed"] as const) : []));
              attachment = attach();
            }
          }
          for (let i = 0; i < 60; i++) {
            await turn();
            while (out.length > 0) acknowledge(out.shift());
            await clock.advance(ms(100));
          }
          const dead = bus.deadLetters.list().map(({ signal }) => signal.data as number);
          expect([...acknowledged, ...dead].toSorted((a, b) => (a as number) - (b as number))).toEqual([
            1, 2, 3, 4, 5, 6, 7, 8,
          ]);
          expect([orders.pending, orders.inFlight]).toEqual([0, 0]);
        },
      ),
      { numRuns: 60 },
    );
  });
});
