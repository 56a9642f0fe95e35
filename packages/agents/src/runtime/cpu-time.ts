import { type Clock, systemClock } from "@mettle/core";

/**
 * CPU nanoseconds that the calling thread has used. Two microseconds a call; the kernel may account a running thread only
 * at its ticks, so that a difference can be off by some 4 ms either way.
 */
function threadCpuTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) * 1000;
}

/** What handlers are timed by: the thread's CPU where the runtime tells it, or else, and on a clock of a test, that clock. */
export function cpuTimeOn(clock: Clock): () => number {
  const known = clock === systemClock && typeof process.threadCpuUsage === "function";
  return known ? threadCpuTime : () => clock.now();
}
