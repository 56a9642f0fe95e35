import { ManualClock, ms, Random } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LocalNetwork, SimulatedNetwork, SimulatedTime, TimerWheel } from "../../src/index.ts";

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe("LocalNetwork", () => {
  test("delivers in the order of sending, outside of send, in slices", async () => {
    const network = new LocalNetwork<number>();
    const got: number[] = [];
    network.attach(1, (from, message) => {
      got.push(message);
      // Sent while others wait: comes after them.
      if (message < 10) network.send(1, 1, 1_000_000 + message);
      expect(from === 0 || from === 1).toBe(true);
    });
    for (let i = 0; i < 10_000; i++) network.send(0, 1, i);
    network.send(0, 2, 0); // nobody there
    expect(got).toEqual([]);
    await Promise.resolve();
    expect(got).toHaveLength(4096); // the event loop gets its turn
    await turn();
    await turn();
    await turn();
    expect(got.slice(0, 10_000)).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
    expect(got.slice(10_000)).toEqual(Array.from({ length: 10 }, (_, i) => 1_000_000 + i));
  });

  test("goes on after a receiver has thrown, and lets the error surface", async () => {
    const network = new LocalNetwork<string>();
    const got: string[] = [];
    const surfaced: unknown[] = [];
    network.attach(0, (_, message) => {
      got.push(message);
      if (message === "bad") throw new Error("receiver");
    });
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.once("uncaughtException", (error) => surfaced.push(error));
    for (const message of ["a", "bad", "b"]) network.send(1, 0, message);
    await turn();
    await turn();
    for (const listener of listeners) process.on("uncaughtException", listener);
    expect(surfaced).toEqual([new Error("receiver")]);
    network.send(1, 0, "c");
    await turn();
    expect(got).toEqual(["a", "bad", "b", "c"]);
  });
});

describe("SimulatedTime", () => {
  test("runs events by due time, then by order of making; cancelled ones never", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ delay: fc.nat(20), cancel: fc.boolean() }), { maxLength: 50 }), (events) => {
        const time = new SimulatedTime();
        const ran: number[] = [];
        const timers = events.map(({ delay }, i) =>
          time.after(ms(delay), () => {
            expect(time.nowMs()).toBe(delay);
            ran.push(i);
          }),
        );
        for (const [i, { cancel }] of events.entries()) if (cancel) timers[i]!.cancel();
        const left = events.flatMap(({ cancel }, i) => (cancel ? [] : [i]));
        expect(time.run()).toBe(left.length);
        expect(ran).toEqual(left.toSorted((a, b) => events[a]!.delay - events[b]!.delay || a - b));
      }),
    );
  });

  test("its clock sleeps in the same time, and stops where it is told to", async () => {
    const time = new SimulatedTime();
    const woken: number[] = [];
    void time.clock.sleep(ms(10)).then(() => woken.push(time.clock.wallTime()));
    const controller = new AbortController();
    const cut = time.clock.sleep(ms(5), controller.signal);
    controller.abort(new Error("enough"));
    await expect(cut).rejects.toThrow("enough");
    time.run({ until: ms(9) });
    await turn();
    expect([woken, time.nowMs(), time.clock.now()]).toEqual([[], 9, 9e6]);
    time.run();
    await turn();
    expect(woken).toEqual([10]);
  });
});

describe("SimulatedNetwork (S2-043)", () => {
  const run = (seed: number) => {
    const time = new SimulatedTime();
    const network = new SimulatedNetwork<number>(time, new Random(seed), {
      delay: { min: ms(5), max: ms(15) },
      loss: 0.2,
      duplication: 0.1,
    });
    const delays: number[] = [];
    network.attach(1, (_, sentAt) => delays.push(time.nowMs() - sentAt));
    for (let i = 0; i < 10_000; i++) network.send(0, 1, 0);
    time.run();
    return { delays, counts: network.counts };
  };

  test("loses, repeats and delays as often and as long as it says", () => {
    const { delays, counts } = run(3);
    // Four standard deviations of a binomial of 10 000.
    expect(Math.abs(counts.lost / 10_000 - 0.2)).toBeLessThan(4 * Math.sqrt((0.2 * 0.8) / 10_000));
    expect(Math.abs(counts.duplicated / 8000 - 0.1)).toBeLessThan(4 * Math.sqrt((0.1 * 0.9) / 8000));
    expect(counts.delivered).toBe(counts.sent - counts.lost + counts.duplicated);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(5);
    expect(Math.max(...delays)).toBeLessThanOrEqual(15);
    const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
    expect(Math.abs(mean - 10)).toBeLessThan(0.15);
  });

  test("the same seed repeats, another does not", () => {
    expect(run(5)).toEqual(run(5));
    expect(run(5)).not.toEqual(run(6));
  });

  test("delays are real ones on a clock", async () => {
    const clock = new ManualClock();
    const network = new SimulatedNetwork<string>(new TimerWheel(clock), new Random(1), {
      delay: { min: ms(7), max: ms(7) },
    });
    const got: string[] = [];
    network.attach(1, (_, message) => got.push(message));
    network.send(0, 1, "a");
    await clock.advance(ms(6));
    expect(got).toEqual([]);
    await clock.advance(ms(1));
    expect(got).toEqual(["a"]);
  });

  test("crashed members and other sides get nothing, not even what was under way", () => {
    const time = new SimulatedTime();
    const network = new SimulatedNetwork<string>(time, new Random(1));
    const got: string[] = [];
    network.attach(1, (_, message) => got.push(message));
    network.send(0, 1, "under way");
    network.crash(1);
    time.run();
    network.recover(1);
    network.partition([0, 1]);
    network.send(0, 1, "other side");
    network.heal();
    network.send(0, 1, "healed");
    time.run();
    expect(got).toEqual(["healed"]);
    expect(network.counts).toMatchObject({ sent: 3, delivered: 1, lost: 2 });
  });

  test("rates that are none are refused together", () => {
    const options = { loss: 2, duplication: -1, delay: { min: ms(5), max: ms(1) } };
    expect(() => new SimulatedNetwork(new SimulatedTime(), new Random(1), options)).toThrow(
      /loss.*duplication.*delay.max/,
    );
  });
});
