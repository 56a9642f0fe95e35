import { ManualClock, ms } from "@mettle/core";
import { describe, expect, test } from "vitest";
import { SimulatedTime, type Timers, TimerWheel } from "../../src/index.ts";

/** Each kind, with a way to let time pass. */
function kinds(): { name: string; timers: Timers; pass: (duration: number) => Promise<void> }[] {
  const [clock, time] = [new ManualClock(), new SimulatedTime()];
  return [
    { name: "wheel", timers: new TimerWheel(clock), pass: (duration) => clock.advance(ms(duration)) },
    {
      name: "simulated",
      timers: time,
      pass: async (duration) => void time.run({ until: ms(time.nowMs() + duration) }),
    },
  ];
}

describe.each(kinds())("timers on a $name", ({ timers, pass }) => {
  test("run once, never early, in order; a cancelled one never, and cancelling again does nothing", async () => {
    const ran: string[] = [];
    timers.after(ms(500), () => ran.push("late"));
    const cancelled = timers.after(ms(200), () => ran.push("cancelled"));
    const first = timers.after(ms(20), () => ran.push("soon"));
    cancelled.cancel();
    cancelled.cancel();
    await pass(19);
    expect(ran).toEqual([]);
    await pass(2);
    expect(ran).toEqual(["soon"]);
    first.cancel();
    await pass(478);
    expect(ran).toEqual(["soon"]);
    await pass(3); // a tick of the wheel is 1 ms
    expect(ran).toEqual(["soon", "late"]);
    await pass(5000);
    expect(ran).toHaveLength(2);
  });

  test("one may start another", async () => {
    const ran: number[] = [];
    const again = (): void => {
      ran.push(ran.length);
      if (ran.length < 3) timers.after(ms(10), again);
    };
    timers.after(ms(10), again);
    await pass(60);
    expect(ran).toEqual([0, 1, 2]);
  });
});
