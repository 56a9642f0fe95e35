import { type Clock, ms } from "@mettle/core";

/**
 * How closely a worker keeps its schedule. `timer`: the system's timers alone, up to about 1 ms late and cheapest. `end`:
 * sleeps until shortly before, then watches the clock. `full`: always watches the clock, for a worker with a core of its
 * own.
 */
export type Punctuality = "timer" | "end" | "full";

/** Timers of Node fire up to 1 ms late, for their resolution, and some more for the loop's own work. */
const SPIN_MS = 1.2;
/** Turns of the loop shorter than this did nothing but watch the clock. */
const IDLE_TURN_MS = 0.05;

/**
 * Calls back at absolute moments of a clock. While it watches the clock it yields to the event loop on every turn, so
 * that responses are read meanwhile.
 */
export class PreciseTimer {
  readonly #clock: Clock;
  readonly #punctuality: Punctuality;
  #dueMs = Number.POSITIVE_INFINITY;
  #action: () => void = () => {};
  #sleep: AbortController | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #lastTurnMs = 0;
  /** Milliseconds spent watching the clock with nothing else to do: idleness that looks like work to the system. */
  idleSpinMs = 0;

  constructor(clock: Clock, punctuality: Punctuality) {
    this.#clock = clock;
    this.#punctuality = punctuality;
  }

  /** Calls `action` once, at or soon after `dueMs` on the clock; replaces what was asked before. Infinity: never. */
  at(dueMs: number, action: () => void): void {
    this.cancel();
    this.#dueMs = dueMs;
    this.#action = action;
    if (dueMs !== Number.POSITIVE_INFINITY) this.#wait();
  }

  cancel(): void {
    this.#sleep?.abort();
    this.#sleep = undefined;
    if (this.#immediate) clearImmediate(this.#immediate);
    this.#immediate = undefined;
    this.#dueMs = Number.POSITIVE_INFINITY;
  }

  #wait(): void {
    const left = this.#dueMs - this.#nowMs();
    const spin = this.#punctuality === "full" ? Number.POSITIVE_INFINITY : this.#punctuality === "end" ? SPIN_MS : 0;
    if (left <= spin) {
      this.#lastTurnMs = this.#nowMs();
      this.#immediate = setImmediate(this.#turn);
      return;
    }
    const controller = new AbortController();
    this.#sleep = controller;
    this.#clock.sleep(ms(left - spin), controller.signal).then(
      () => {
        if (controller.signal.aborted) return;
        this.#sleep = undefined;
        if (this.#nowMs() >= this.#dueMs) this.#fire();
        else this.#wait();
      },
      (reason: unknown) => {
        if (!controller.signal.aborted) throw reason;
      },
    );
  }

  /** Hot while spinning: once a turn of the event loop. */
  readonly #turn = (): void => {
    const now = this.#nowMs();
    if (now >= this.#dueMs) {
      this.#fire();
      return;
    }
    const turn = now - this.#lastTurnMs;
    if (turn < IDLE_TURN_MS) this.idleSpinMs += turn;
    this.#lastTurnMs = now;
    this.#immediate = setImmediate(this.#turn);
  };

  #fire(): void {
    this.#immediate = undefined;
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.#action();
  }

  #nowMs(): number {
    return this.#clock.now() / 1e6;
  }
}
