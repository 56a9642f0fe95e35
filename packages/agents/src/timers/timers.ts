import type { Milliseconds } from "@mettle/core";

/** A deadline that has not come yet. */
export interface Timer {
  /** The callback will not be called any more. May be called again, and after the callback ran. */
  cancel(): void;
}

/**
 * Deadlines: what coordination, pools and batches need of time. A {@link TimerWheel} is one; in a simulation the simulated
 * time is. One timer serves a whole collection of votes or a whole batch, never one vote or one item.
 */
export interface Timers {
  /** Calls `run` once, not before `delay` has passed. */
  after(delay: Milliseconds, run: () => void): Timer;
}
