import { type Clock, ManualClock, ms } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CallbackTimer, TimerWheel } from "../../src/timers/timer-wheel.ts";

/** Counts what the wheel asks of the clock. */
class CountingClock extends ManualClock {
  sleeping = 0;
  slept = 0;
  readings = 0;

  override now(): ReturnType<Clock["now"]> {
    this.readings++;
    return super.now();
  }

  override async sleep(...args: Parameters<Clock["sleep"]>): Promise<void> {
    this.sleeping++;
    this.slept++;
    try {
      await super.sleep(...args);
    } finally {
      this.sleeping--;
    }
  }
}

describe("TimerWheel", () => {
  test("fires at the tick that is due, in order of due time, each once", async () => {
    const clock = new ManualClock();
    const wheel = new TimerWheel(clock);
    const fired: [string, number][] = [];
    const at = (name: string, after: number): void =>
      wheel.add(new CallbackTimer(() => fired.push([name, clock.now() / 1e6])), after);
    at("late", 70_000);
    at("now", 0);
    at("soon", 3);
    at("level one", 300);
    await clock.advance(ms(200_000));
    expect(fired).toEqual([
      ["now", 1],
      ["soon", 3],
      ["level one", 300],
      ["late", 70_000],
    ]);
    expect(wheel.size).toBe(0);
  });

  test("against a sorted list: never early, at most a tick late (coarse: a window more), removed ones never", async () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constantFrom("exact" as const, "coarse" as const),
        after: fc.oneof(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 0, max: 20_000_000 })),
      }),
      fc.record({ kind: fc.constant("remove" as const), after: fc.nat(50) }),
      fc.record({ kind: fc.constant("advance" as const), after: fc.oneof(fc.nat(900), fc.nat(300_000)) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const clock = new ManualClock();
        const wheel = new TimerWheel(clock);
        const expected = new Map<CallbackTimer, { due: number; late: number }>();
        const order: number[] = [];
        for (const { kind, after } of steps) {
          const now = clock.now() / 1e6;
          if (kind === "advance") await clock.advance(ms(after));
          else if (kind === "remove") {
            const timer = [...expected.keys()][after];
            if (!timer) continue;
            wheel.remove(timer);
            expected.delete(timer);
          } else {
            const timer = new CallbackTimer(() => {
              const { due, late } = expected.get(timer)!;
              const firedAt = clock.now() / 1e6;
              expect(firedAt).toBeGreaterThanOrEqual(due);
              expect(firedAt).toBeLessThanOrEqual(due + late);
              expected.delete(timer);
              order.push(firedAt);
            });
            expected.set(timer, { due: now + after, late: kind === "coarse" && after >= 100 ? 11 : 1 });
            if (kind === "coarse") wheel.addCoarse(timer, after);
            else wheel.add(timer, after);
          }
          expect(wheel.size).toBe(expected.size);
        }
        await clock.advance(ms(20_000_100));
        expect(expected.size).toBe(0);
        expect(order).toEqual(order.toSorted((a, b) => a - b));
      }),
      { numRuns: 60, endOnFailure: true },
    );
  });

  test("farther than the wheel reaches is placed again", async () => {
    const clock = new ManualClock();
    const wheel = new TimerWheel(clock);
    let firedAt = -1;
    const day = 86_400_000;
    // A clock that jumps, as a suspended machine's does: no million sleeps in between.
    const jumping: Clock = {
      now: () => clock.now(),
      wallTime: () => clock.wallTime(),
      sleep: () => new Promise((resolve) => wakes.push(resolve)),
    };
    const wakes: (() => void)[] = [];
    const far = new TimerWheel(jumping);
    far.add(new CallbackTimer(() => (firedAt = clock.now() / 1e6)), 60 * day);
    for (let days = 0; days < 61; days++) {
      await clock.advance(ms(day));
      wakes.shift()?.();
      await Promise.resolve();
      if (days < 59) expect(firedAt).toBe(-1);
    }
    expect(firedAt).toBe(60 * day);
    expect(wheel.size).toBe(0);
  });

  test("a coarse timer reads no clock, and one sleep serves all that come within a window", async () => {
    const clock = new CountingClock();
    const wheel = new TimerWheel(clock);
    wheel.addCoarse(new CallbackTimer(() => {}), 5000);
    const before = clock.readings;
    for (let i = 0; i < 1000; i++) {
      const timer = new CallbackTimer(() => {});
      wheel.addCoarse(timer, 5000);
      wheel.remove(timer);
    }
    expect([clock.readings - before, clock.slept]).toEqual([0, 1]);
    await clock.advance(ms(6000));
    expect([wheel.size, clock.sleeping]).toEqual([0, 0]);
  });

  test("sleeps only while a timer is pending; close ends the sleep and fires nothing", async () => {
    const clock = new CountingClock();
    const wheel = new TimerWheel(clock);
    expect(clock.slept).toBe(0);
    let fired = 0;
    const timer = new CallbackTimer(() => fired++);
    wheel.add(timer, 50);
    wheel.add(timer, 20); // moved, not doubled
    await clock.advance(ms(100));
    expect([fired, clock.sleeping]).toEqual([1, 0]);
    wheel.add(timer, 20);
    wheel.close();
    wheel.add(timer, 20);
    await clock.advance(ms(100));
    expect([fired, wheel.size, clock.sleeping]).toEqual([1, 0, 0]);
  });

  test("timers may add and remove timers while they fire, themselves included", async () => {
    const clock = new ManualClock();
    const wheel = new TimerWheel(clock);
    const beats: number[] = [];
    const victim = new CallbackTimer(() => beats.push(-1));
    const beat = new CallbackTimer(() => {
      beats.push(clock.now() / 1e6);
      wheel.remove(victim);
      if (beats.length < 3) wheel.add(beat, 10);
    });
    wheel.add(victim, 10);
    wheel.add(beat, 10); // the later one of a slot fires first: it takes the other out
    await clock.advance(ms(100));
    expect(beats).toEqual([10, 20, 30]);
  });

  test("one that throws does not keep the others from firing, and is not swallowed", async () => {
    let wake: () => void = () => {};
    // A promise that settles when the test says so, within the call.
    const sleeping = new Proxy(Promise.resolve(), { get: () => (resolve: () => void) => (wake = resolve) });
    let now = 0;
    const clock = {
      now: () => now,
      wallTime: () => 0,
      sleep: () => sleeping,
    } as unknown as Clock;
    const wheel = new TimerWheel(clock);
    let fired = 0;
    wheel.add(new CallbackTimer(() => fired++), 5);
    wheel.add(
      new CallbackTimer(() => {
        throw new Error("broken timer");
      }),
      5,
    );
    wheel.add(new CallbackTimer(() => fired++), 6);
    now = 10e6;
    expect(() => wake()).toThrow("broken timer");
    expect([fired, wheel.size]).toEqual([2, 0]);
  });
});
