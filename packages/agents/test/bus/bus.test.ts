import { ManualClock, ms, ns } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SignalBus } from "../../src/bus/bus.ts";
import type { BusProblem } from "../../src/bus/problems.ts";
import type { Signal } from "../../src/signals/signal.ts";
import { makeSignal, patternMatches } from "../signals/signals.ts";

function makeBus(options: ConstructorParameters<typeof SignalBus>[0] = {}) {
  const problems: BusProblem[] = [];
  const clock = new ManualClock(1000);
  const bus = new SignalBus({ clock, onProblem: (problem) => problems.push(problem), ...options });
  return { bus, clock, problems };
}

/** A handler that keeps what it gets. */
function collector() {
  const seen: unknown[] = [];
  return { seen, handler: ({ data }: Signal) => void seen.push(data) };
}

/** A promise that a test settles. */
function gate() {
  return Promise.withResolvers<void>();
}

describe("publish and subscribe", () => {
  test("each subscriber gets what matches, in the order published, whatever its handlers do", async () => {
    const pattern = fc.constantFrom("**", "a.*", "a.b", "*.b", "a.**", "c");
    const type = fc.constantFrom("a.b", "a.c", "c", "a.b.c");
    const kind = fc.constantFrom("sync", "async", "throws", "rejects");
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(pattern, kind), { maxLength: 8 }),
        fc.array(type, { maxLength: 30 }),
        async (subscribers, types) => {
          const { bus, problems } = makeBus();
          const seen = subscribers.map((): number[] => []);
          for (const [i, [text, how]] of subscribers.entries()) {
            bus.subscribe(text, ({ data }) => {
              seen[i]?.push(data as number);
              if (how === "throws") throw new Error("thrown");
              if (how === "async") return Promise.resolve();
              return how === "rejects" ? Promise.reject(new Error("rejected")) : undefined;
            });
          }
          types.forEach((one, i) => bus.publish(makeSignal(one, i)));
          await bus.idle();
          const expected = subscribers.map(([text]) =>
            types.flatMap((one, i) => (patternMatches(text, one) ? [i] : [])),
          );
          expect(seen).toEqual(expected);
          const failing = subscribers.flatMap(([, how], i) =>
            how === "throws" || how === "rejects" ? expected[i]! : [],
          );
          expect(problems).toHaveLength(failing.length);
        },
      ),
    );
  });

  test("publish runs no handler, and a handler that never ends slows nobody else", async () => {
    const { bus } = makeBus();
    const quick = collector();
    const stuck = gate();
    const slow = bus.subscribe("a", () => stuck.promise);
    bus.subscribe("a", quick.handler);
    for (let i = 0; i < 3; i++) bus.publish(makeSignal("a", i));
    expect(quick.seen).toEqual([]);
    const later = gate();
    setImmediate(later.resolve);
    await later.promise;
    expect(quick.seen).toEqual([0, 1, 2]);
    expect([slow.delivered, slow.backlog]).toEqual([1, 2]);
    stuck.resolve();
    await bus.idle();
    expect([slow.delivered, slow.backlog]).toEqual([3, 0]);
  });

  test("a full backlog drops what is new, and says so", async () => {
    const { bus, problems } = makeBus();
    const stuck = gate();
    const seen: unknown[] = [];
    const slow = bus.subscribe(
      "a",
      ({ data }) => {
        seen.push(data);
        return stuck.promise;
      },
      { maxBacklog: 2, name: "slow" },
    );
    for (let i = 0; i < 5; i++) bus.publish(makeSignal("a", i));
    const turn = gate();
    setImmediate(turn.resolve);
    await turn.promise;
    expect(slow.dropped).toBe(2);
    expect(problems.map(({ kind, signal, subscription }) => [kind, signal.data, subscription.name])).toEqual([
      ["dropped", 3, "slow"],
      ["dropped", 4, "slow"],
    ]);
    stuck.resolve();
    await bus.idle();
    expect(seen).toEqual([0, 1, 2]);
  });

  test("more subscribers than fit into a turn each get every signal once, in order", async () => {
    const { bus } = makeBus();
    const seen = Array.from({ length: 5000 }, (): unknown[] => []);
    for (const own of seen) bus.subscribe("a", ({ data }) => void own.push(data));
    for (let i = 0; i < 3; i++) bus.publish(makeSignal("a", i));
    await bus.idle();
    expect(seen.filter((own) => own.join() !== "0,1,2")).toEqual([]);
  });

  test("filters decide, and one that throws fails its delivery only", async () => {
    const { bus, problems } = makeBus();
    const [even, all] = [collector(), collector()];
    bus.subscribe("a", even.handler, { filter: ({ data }) => (data as number) % 2 === 0 });
    bus.subscribe("a", all.handler, {
      filter: () => {
        throw new Error("filter");
      },
    });
    for (let i = 0; i < 4; i++) bus.publish(makeSignal("a", i));
    await bus.idle();
    expect([even.seen, all.seen]).toEqual([[0, 2], []]);
    expect(problems).toHaveLength(4);
  });

  test("unsubscribing during dispatch takes effect at once, for oneself and for others", async () => {
    const { bus } = makeBus();
    const seen: string[] = [];
    const third: { current?: Disposable } = {};
    const first = bus.subscribe("a", () => {
      seen.push("first");
      first.unsubscribe();
      third.current?.[Symbol.dispose]();
      bus.subscribe("a", () => void seen.push("late"));
    });
    bus.subscribe("a", () => void seen.push("second"));
    third.current = bus.subscribe("a", () => void seen.push("third"));
    bus.publish(makeSignal("a"));
    bus.publish(makeSignal("a"));
    await bus.idle();
    expect(seen).toEqual(["first", "second", "second"]);
    bus.publish(makeSignal("a"));
    await bus.idle();
    expect(seen.slice(3)).toEqual(["second", "late"]);
  });

  test("unsubscribing while its handler is pending forgets the backlog and leaves the bus idle", async () => {
    const { bus } = makeBus();
    const stuck = gate();
    const { seen, handler } = collector();
    const subscription = bus.subscribe("a", (signal) => {
      handler(signal);
      return stuck.promise;
    });
    bus.publish(makeSignal("a", 0));
    bus.publish(makeSignal("a", 1));
    await Promise.resolve();
    subscription.unsubscribe();
    subscription.unsubscribe();
    await bus.idle();
    stuck.resolve();
    await stuck.promise;
    await bus.idle();
    expect(seen).toEqual([0]);
    expect(bus.statistics.subscriptions).toBe(0);
  });

  test("a subscription that ends itself and then returns a promise leaves the bus idle", async () => {
    const { bus } = makeBus();
    const subscription = bus.subscribe("a", () => {
      subscription.unsubscribe();
      return Promise.resolve();
    });
    bus.publish(makeSignal("a"));
    await bus.idle();
    expect(bus.statistics.queued).toBe(0);
  });

  test("handlers that publish do not starve the event loop", async () => {
    const { bus } = makeBus();
    let count = 0;
    const stop = gate();
    bus.subscribe("a", () => {
      count += 1;
      if (count < 1e6) bus.publish(makeSignal("a"));
    });
    bus.publish(makeSignal("a"));
    setImmediate(() => {
      const reached = count;
      count = 1e6;
      expect(reached).toBeLessThan(20_000);
      stop.resolve();
    });
    await stop.promise;
    await bus.idle();
  });

  test("nor do promises that chain", async () => {
    const { bus } = makeBus();
    let count = 0;
    bus.subscribe("a", async () => {
      await Promise.resolve();
      count += 1;
      if (count < 1e6) bus.publish(makeSignal("a"));
    });
    bus.publish(makeSignal("a"));
    const turn = gate();
    setImmediate(turn.resolve);
    await turn.promise;
    expect(count).toBeLessThan(20_000);
    count = 1e6;
    await bus.idle();
  });

  test("slow handlers have the event loop visited by time, quick ones by number", () => {
    for (const [handlerNs, least, most] of [
      [1e6, 64, 192],
      [100, 4096, 4096],
    ] as const) {
      let now = 0;
      const clock = Object.assign(new ManualClock(), { now: () => ns(now) });
      const due: (() => void)[] = [];
      const perTurn: number[] = [];
      let handled = 0;
      const turns = {
        soon: (run: () => void) => due.push(run),
        later: (run: () => void) => {
          perTurn.push(handled);
          handled = 0;
          due.push(run);
        },
      };
      const { bus } = makeBus({ clock, turns: { soon: (run) => void turns.soon(run), later: turns.later } });
      bus.subscribe("a", () => {
        handled += 1;
        now += handlerNs;
      });
      for (let i = 0; i < 20_000; i++) bus.publish(makeSignal("a"));
      for (let run = due.shift(); run !== undefined; run = due.shift()) run();
      expect(perTurn.length).toBeGreaterThan(3);
      expect(Math.min(...perTurn)).toBeGreaterThanOrEqual(least);
      expect(Math.max(...perTurn)).toBeLessThanOrEqual(most);
    }
  });

  test("a report that throws stops neither the publisher nor the subscriber", async () => {
    const escaped: unknown[] = [];
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", (error) => escaped.push(error));
    const bus = new SignalBus({
      onProblem: () => {
        throw new Error("report");
      },
    });
    const { seen, handler } = collector();
    bus.subscribe("a", async (signal) => {
      handler(signal);
      await Promise.reject(new Error("no"));
    });
    bus.subscribeSink("a", {
      offer: () => {
        throw new Error("sink");
      },
    });
    for (let i = 0; i < 2; i++) bus.publish(makeSignal("a", i));
    await bus.idle();
    await bus.close();
    const turn = gate();
    setImmediate(turn.resolve);
    await turn.promise;
    process.removeAllListeners("uncaughtException");
    for (const listener of listeners) process.on("uncaughtException", listener);
    expect(seen).toEqual([0, 1]);
    expect(escaped).toHaveLength(4);
  });

  test("a full queue refuses, and nobody gets what was refused", async () => {
    const { bus } = makeBus({ maxQueued: 2 });
    const { seen, handler } = collector();
    const sunk: unknown[] = [];
    bus.subscribe("a", handler);
    bus.subscribeSink("a", { offer: ({ data }) => sunk.push(data) > 0 });
    bus.publish(makeSignal("a", 0));
    bus.publish(makeSignal("a", 1));
    expect(() => bus.publish(makeSignal("a", 2))).toThrow(
      expect.objectContaining({ code: "BUS_FULL", retryable: true }),
    );
    await bus.idle();
    bus.publish(makeSignal("a", 3));
    await bus.idle();
    expect([seen, sunk, bus.statistics.refused]).toEqual([[0, 1, 3], [0, 1, 3], 1]);
  });

  test("a sink has the signal when publish returns; one that is full is reported", () => {
    const { bus, problems } = makeBus();
    const mailbox: unknown[] = [];
    const sink = bus.subscribeSink("a.**", { offer: ({ data }) => mailbox.length < 1 && mailbox.push(data) > 0 });
    bus.publish(makeSignal("a.b", 1));
    expect(mailbox).toEqual([1]);
    bus.publish(makeSignal("a.b", 2));
    expect([sink.delivered, sink.dropped, problems.map(({ kind }) => kind)]).toEqual([1, 1, ["dropped"]]);
    sink.unsubscribe();
    bus.publish(makeSignal("a.b", 3));
    expect([sink.active, sink.dropped]).toEqual([false, 1]);
  });

  test("what is wrong is refused with a code", async () => {
    const { bus } = makeBus();
    const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
    expect(() => bus.publish(makeSignal("no type"))).toThrow(code("SIGNAL_TYPE_INVALID"));
    expect(() => bus.subscribe("a..b", () => 0)).toThrow(code("PATTERN_INVALID"));
    expect(() => bus.subscribe("a", () => 0, { maxBacklog: 0 })).toThrow(code("SUBSCRIPTION_INVALID"));
    expect(() => makeBus({ maxQueued: 0.5 })).toThrow(/maxQueued/);
    await bus.close();
    expect(() => bus.publish(makeSignal("a"))).toThrow(code("BUS_CLOSED"));
    expect(() => bus.subscribe("a", () => 0)).toThrow(code("BUS_CLOSED"));
  });
});

describe("closing", () => {
  test("finishes what was accepted, once", async () => {
    const seen: unknown[] = [];
    {
      await using bus = makeBus().bus;
      bus.subscribe("a", async ({ data }) => {
        await Promise.resolve();
        seen.push(data);
      });
      bus.publish(makeSignal("a", 1));
      bus.publish(makeSignal("a", 2));
      expect(bus.close()).toBe(bus.close());
    }
    expect(seen).toEqual([1, 2]);
  });

  test("does not wait for ever", async () => {
    const { bus, clock } = makeBus();
    bus.subscribe("a", () => gate().promise);
    bus.publish(makeSignal("a"));
    const closed = bus.close(ms(100));
    await clock.advance(ms(100));
    await closed;
    expect(() => bus.publish(makeSignal("a"))).toThrow(/closed/);
  });
});

describe("the log", () => {
  test("keeps the newest by count and age, and replays by pattern, sequence and time", async () => {
    const { bus, clock } = makeBus({ log: { count: 5, age: ms(100) } });
    for (let i = 1; i <= 8; i++) {
      bus.publish(makeSignal(i % 2 === 0 ? "even" : "odd", i));
      await clock.advance(ms(10));
    }
    const data = (entries: { signal: Signal }[]) => entries.map(({ signal }) => signal.data);
    expect(data(bus.replay("**"))).toEqual([4, 5, 6, 7, 8]);
    expect(bus.replay("even").map(({ sequence, publishedAt }) => [sequence, publishedAt])).toEqual([
      [4, 1030],
      [6, 1050],
      [8, 1070],
    ]);
    expect(data(bus.replay("**", { sequence: 7 }))).toEqual([7, 8]);
    expect(data(bus.replay("**", { time: 1051 }))).toEqual([7, 8]);
    expect(data(bus.replay("**", { time: 1050 }, 2))).toEqual([6, 7]);
    await clock.advance(ms(80)); // 1160: what was published before 1060 is too old
    expect(data(bus.replay("**"))).toEqual([7, 8]);
  });

  test("keeps its order by time when the clock steps back", () => {
    let wall = 1000;
    const clock = Object.assign(new ManualClock(), { wallTime: () => ms(wall) });
    const { bus } = makeBus({ clock, turns: { soon: (run) => run(), later: (run) => run() } });
    for (const at of [1000, 2000, 500, 3000]) {
      wall = at;
      bus.publish(makeSignal("a", at));
    }
    expect(bus.replay("a").map(({ publishedAt }) => publishedAt)).toEqual([1000, 2000, 2000, 3000]);
    expect(bus.replay("a", { time: 1500 }).map(({ signal }) => signal.data)).toEqual([2000, 500, 3000]);
  });

  test("does not grow beyond its retention, whatever is published", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 120 }), (count, published) => {
        const { bus } = makeBus({ log: { count } });
        for (let i = 1; i <= published; i++) bus.publish(makeSignal("a", i));
        const expected = Array.from({ length: published }, (_, i) => i + 1).slice(-count);
        expect(bus.replay("a").map(({ sequence }) => sequence)).toEqual(expected);
      }),
    );
  });

  test("a subscriber that starts in the past sees every signal once and in order", async () => {
    const { bus } = makeBus();
    const { seen, handler } = collector();
    bus.subscribe("a", () => undefined); // so that signals are queued while the other joins
    for (let i = 0; i < 5; i++) bus.publish(makeSignal("a", i));
    bus.subscribe("a", handler, { from: { sequence: 3 }, maxBacklog: 1 });
    bus.publish(makeSignal("a", 5));
    await bus.idle();
    bus.publish(makeSignal("a", 6));
    await bus.idle();
    expect(seen).toEqual([2, 3, 4, 5, 6]);
  });

  test("can be left out", () => {
    const { bus } = makeBus({ log: false });
    bus.publish(makeSignal("a"));
    expect([bus.replay("**"), bus.statistics.logged]).toEqual([[], 0]);
  });
});

describe("middleware", () => {
  test("runs before publish, before dispatch and after it, in order", async () => {
    const { bus } = makeBus();
    const calls: string[] = [];
    for (const name of ["one", "two"]) {
      bus.use({
        name,
        beforePublish: (signal) => {
          calls.push(`${name} publish`);
          return { ...signal, data: `${signal.data as string}${name[0]}` };
        },
        beforeDispatch: (signal, { pattern }) => {
          calls.push(`${name} before ${pattern}`);
          return { ...signal, data: `${signal.data as string}${name[1]}` };
        },
        afterDispatch: (_, __, outcome) => void calls.push(`${name} after ${outcome.state}`),
      });
    }
    bus.subscribe("a", ({ data }) => {
      calls.push(`handler ${data as string}`);
      return Promise.resolve();
    });
    bus.publish(makeSignal("a", ""));
    await bus.idle();
    expect(calls).toEqual([
      "one publish",
      "two publish",
      "one before a",
      "two before a",
      "handler otnw",
      "two after handled",
      "one after handled",
    ]);
    expect(bus.replay("a")[0]?.signal.data).toBe("ot");
  });

  test("can stop a signal for all or for one, and can be taken out", async () => {
    const { bus } = makeBus();
    const [one, two] = [collector(), collector()];
    bus.subscribe("a", one.handler, { name: "one" });
    bus.subscribe("a", two.handler, { name: "two" });
    const remove = bus.use({ name: "odd", beforePublish: (s) => ((s.data as number) % 2 === 0 ? s : undefined) });
    bus.use({ name: "only two", beforeDispatch: (s, { name }) => (name === "two" ? s : undefined) });
    for (let i = 0; i < 4; i++) bus.publish(makeSignal("a", i));
    remove();
    bus.publish(makeSignal("a", 5));
    await bus.idle();
    expect([one.seen, two.seen, bus.statistics.published]).toEqual([[], [0, 2, 5], 3]);
  });

  test("sees failures, and its own failures reach who they concern", async () => {
    const { bus, problems } = makeBus();
    const outcomes: unknown[] = [];
    bus.use({ name: "watch", afterDispatch: (_, __, outcome) => void outcomes.push(outcome) });
    const [thrown, rejected] = [new Error("thrown"), new Error("rejected")];
    bus.subscribe("a", () => {
      throw thrown;
    });
    bus.subscribe("a", () => Promise.reject(rejected));
    bus.publish(makeSignal("a"));
    await bus.idle();
    expect(outcomes).toEqual([
      { state: "failed", error: thrown },
      { state: "failed", error: rejected },
    ]);
    expect(problems.map(({ error }) => error)).toEqual([thrown, rejected]);
    const hook = new Error("hook");
    bus.use({
      name: "bad watch",
      afterDispatch: () => {
        throw hook;
      },
    });
    bus.publish(makeSignal("a"));
    await bus.idle();
    expect(problems.slice(2).map(({ error }) => (error as AggregateError).errors)).toEqual([
      [thrown, hook],
      [rejected, hook],
    ]);
    bus.use({
      name: "broken",
      beforePublish: () => {
        throw new Error("bad luck");
      },
    });
    expect(() => bus.publish(makeSignal("a"))).toThrow(
      expect.objectContaining({ code: "BUS_MIDDLEWARE_FAILED", message: "The middleware broken threw: bad luck." }),
    );
  });
});

test("without onProblem a failing handler is a warning of the process, once", async () => {
  const warnings: string[] = [];
  const listener = (warning: Error): void => void warnings.push(`${warning.name}: ${warning.message}`);
  process.on("warning", listener);
  const bus = new SignalBus();
  bus.subscribe("a", () => {
    throw new Error("no");
  });
  for (let i = 0; i < 3; i++) bus.publish(makeSignal("a"));
  await bus.idle();
  const turn = gate();
  setImmediate(turn.resolve);
  await turn.promise;
  process.off("warning", listener);
  expect(warnings).toEqual(["MettleBusWarning: Subscription to a failed a: no. Further ones are only counted."]);
  expect(bus.statistics.problems.failed).toBe(3);
  await bus.close();
});

test.each([{ count: 2.5 }, { count: 0 }, { count: Number.NaN }, { age: ms(0) }, { age: Number.NaN as never }])(
  "a log without a limit that holds is refused: %o",
  (log) => {
    expect(() => makeBus({ log })).toThrow(expect.objectContaining({ code: "SUBSCRIPTION_INVALID" }));
  },
);
