import type { Clock, Milliseconds } from "@mettle/core";

/** A deadline that has not come yet. */
export interface Timer {
  /** The callback will not be called any more. May be called again, and after the callback ran. */
  cancel(): void;
}

/**
 * Deadlines: what coordination, pools and batches need of a timer wheel. One timer serves a whole collection of votes or
 * a whole batch, never one vote or one item.
 */
export interface Timers {
  /** Calls `run` once, not before `delay` has passed. */
  after(delay: Milliseconds, run: () => void): Timer;
}

/** Timers on a Clock's sleeps: enough for tests and for the few deadlines of a small program. */
export function clockTimers(clock: Clock): Timers {
  return {
    after(delay, run) {
      const controller = new AbortController();
      let open = true;
      clock.sleep(delay, controller.signal).then(
        () => {
          if (!open) return;
          open = false;
          run();
        },
        (reason: unknown) => {
          if (open) throw reason; // a sleep that failed for another reason than cancel() is a fault of the clock
        },
      );
      return {
        cancel() {
          if (!open) return;
          open = false;
          controller.abort();
        },
      };
    },
  };
}
