import { ManualClock, ms } from "@mettle/core";
import { expect, test } from "vitest";
import { PreciseTimer, type Punctuality } from "../../src/engine/precise-timer.ts";
import { engineClock } from "../../src/engine/engine-clock.ts";

test("it calls back once, at the moment, and not before", async () => {
  const clock = new ManualClock();
  const timer = new PreciseTimer(clock, "timer");
  const calls: number[] = [];
  timer.at(100, () => calls.push(clock.now() / 1e6));
  await clock.advance(ms(99));
  expect(calls).toEqual([]);
  await clock.advance(ms(1));
  expect(calls).toEqual([100]);
  await clock.advance(ms(1000));
  expect(calls).toEqual([100]);
});

test("a later order replaces the earlier; cancelling and Infinity call nobody", async () => {
  const clock = new ManualClock();
  const timer = new PreciseTimer(clock, "timer");
  const calls: string[] = [];
  timer.at(50, () => calls.push("first"));
  timer.at(80, () => calls.push("second"));
  await clock.advance(ms(200));
  expect(calls).toEqual(["second"]);
  timer.at(300, () => calls.push("cancelled"));
  timer.cancel();
  timer.at(Number.POSITIVE_INFINITY, () => calls.push("never"));
  await clock.advance(ms(1000));
  expect(calls).toEqual(["second"]);
});

test.each<Punctuality>(["timer", "end", "full"])("on the real clock, %s is never early", async (punctuality) => {
  const timer = new PreciseTimer(engineClock, punctuality);
  for (const wait of [0, 0.3, 3.7]) {
    const due = performance.now() + wait;
    await new Promise<void>((resolve) => {
      timer.at(due, resolve);
    });
    expect(performance.now()).toBeGreaterThanOrEqual(due);
  }
});
