import { performance } from "node:perf_hooks";
import { type Clock, ms, ns, systemClock } from "@mettle/core";

/**
 * The real clock on the time line of `performance.now()`, on which HTTP timings are given. Cheaper than hrtime to read;
 * imported, as the global of that name is a getter which costs as much again.
 */
export const engineClock: Clock = {
  now: () => ns(performance.now() * 1e6),
  wallTime: () => ms(Date.now()),
  sleep: (duration, signal) => systemClock.sleep(duration, signal),
};

export const nowMs = (clock: Clock): number => clock.now() / 1e6;
