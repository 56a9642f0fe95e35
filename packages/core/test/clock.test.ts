import { describe, expect, test } from "vitest";
import { ManualClock, systemClock } from "../src/clock.ts";
import { ms } from "../src/units.ts";

describe("ManualClock", () => {
  test("stands still until it is moved, and tells monotonic and wall time apart", async () => {
    const clock = new ManualClock(1_000);
    expect([clock.now(), clock.wallTime()]).toEqual([0, 1000]);
    await clock.advance(ms(2.5));
    expect([clock.now(), clock.wallTime()]).toEqual([2_500_000, 1002]);
  });

  test("wakes sleepers in the order they fall due, at their time, and not before", async () => {
    const clock = new ManualClock();
    const woken: [string, number][] = [];
    const sleep = async (name: string, duration: number): Promise<void> => {
      await clock.sleep(ms(duration));
      woken.push([name, clock.now() / 1e6]);
    };
    const all = Promise.all([sleep("late", 30), sleep("soon", 10), sleep("never yet", 100), sleep("soon too", 10)]);
    await clock.advance(ms(30));
    expect(woken).toEqual([
      ["soon", 10],
      ["soon too", 10],
      ["late", 30],
    ]);
    await clock.advance(ms(70));
    await all;
    expect(woken.at(-1)).toEqual(["never yet", 100]);
  });

  test("a sleep begun by one that woke counts from there, within the same advance", async () => {
    const clock = new ManualClock();
    const times: number[] = [];
    const beat = async (): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        await clock.sleep(ms(10));
        times.push(clock.now() / 1e6);
      }
    };
    const beating = beat();
    await clock.advance(ms(35));
    await beating;
    expect(times).toEqual([10, 20, 30]);
    expect(clock.now()).toBe(35e6);
  });

  test("an aborted sleep rejects with the reason and is forgotten", async () => {
    const clock = new ManualClock();
    const controller = new AbortController();
    const sleeping = clock.sleep(ms(10), controller.signal);
    controller.abort(new Error("enough"));
    await expect(sleeping).rejects.toThrow("enough");
    await expect(clock.sleep(ms(10), controller.signal)).rejects.toThrow("enough");
    await clock.advance(ms(20));
    expect(clock.now()).toBe(20e6);
  });
});

describe("systemClock", () => {
  test("never runs backwards, and its wall time is the system's", () => {
    const readings = Array.from({ length: 1000 }, () => systemClock.now());
    expect(readings.toSorted((a, b) => a - b)).toEqual(readings);
    expect(Math.abs(systemClock.wallTime() - Date.now())).toBeLessThan(1000);
  });

  test("sleeps at least as long as asked, to the timer's millisecond; abort ends it at once", async () => {
    const before = systemClock.now();
    await systemClock.sleep(ms(5));
    expect(systemClock.now() - before).toBeGreaterThan(3.9e6);
    const controller = new AbortController();
    const long = systemClock.sleep(ms(3_600_000), controller.signal);
    controller.abort(new Error("enough"));
    await expect(long).rejects.toThrow("enough");
    await expect(systemClock.sleep(ms(1), controller.signal)).rejects.toThrow("enough");
  });
});
