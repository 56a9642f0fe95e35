import { Ring } from "../queues/ring.ts";

/** How work gets a turn of the event loop; a seam for tests and for a runtime that has a run queue of its own. */
export interface Turns {
  /** Before anything else that waits, as a microtask. */
  soon(run: () => void): void;
  /** After timers and I/O had their turn. */
  later(run: () => void): void;
}
export const nodeTurns: Turns = { soon: queueMicrotask, later: (run) => void setImmediate(run) };

/** Something that has deliveries to make. */
export interface Work {
  /** The queue's own: true while it waits for its turn. */
  queued: boolean;
  /** Makes up to about `budget` deliveries and adds itself again when it has more. Returns how many it made. */
  run(budget: number): number;
}

/** Deliveries between two visits of the event loop: some 100 µs of quick handlers. */
const turnBudget = 4096;
/** Time between two visits of the event loop, as far as 64 deliveries at a time can keep to it. */
const turnNs = 5e6;
/** Most deliveries that one piece of work makes before another's turn; fewer while handlers are slow. */
const slice = 512;
/** The clock is read after so many deliveries, because reading it costs as much as several of them. */
const checkEvery = 64;

/**
 * Work in turn, round robin. Starts as a microtask; after 4 096 deliveries or 5 ms, in however many microtasks, it waits
 * for the event loop, because microtasks alone would starve timers and I/O.
 */
export class WorkQueue {
  readonly #turns: Turns;
  readonly #now: () => number;
  readonly #waiting = new Ring<Work>();
  readonly #drainBound = (): void => this.#drain();
  #scheduled = false;
  /** Deliveries of this turn. */
  #spent = 0;
  /** Deliveries since the clock was read. */
  #unchecked = 0;
  /** First and last reading of the clock in this turn; NaN before. */
  #turnAt = Number.NaN;
  #checkedAt = Number.NaN;
  #slice: number = checkEvery;

  /** @param now - monotonic, in ns */
  constructor(turns: Turns, now: () => number) {
    this.#turns = turns;
    this.#now = now;
  }

  /** Hot: once per publish. */
  add(work: Work): void {
    if (work.queued) return;
    work.queued = true;
    this.#waiting.push(work);
    if (!this.#scheduled) this.#schedule();
  }

  #schedule(): void {
    this.#scheduled = true;
    if (this.#spent < turnBudget) {
      this.#turns.soon(this.#drainBound);
      return;
    }
    this.#spent = 0;
    this.#unchecked = 0;
    this.#turnAt = Number.NaN;
    this.#checkedAt = Number.NaN;
    this.#turns.later(this.#drainBound);
  }

  #drain(): void {
    try {
      for (let work = this.#waiting.shift(); work !== undefined; work = this.#waiting.shift()) {
        work.queued = false;
        const done = work.run(Math.min(this.#slice, turnBudget - this.#spent));
        this.#spent += done;
        this.#unchecked += done;
        if (this.#unchecked >= checkEvery) this.#checkTime();
        if (this.#spent >= turnBudget) break;
      }
    } finally {
      // Also when something threw: the rest must not wait for the next publish.
      this.#scheduled = false;
      if (this.#waiting.size > 0) this.#schedule();
    }
  }

  /** Ends the turn when it took too long, and fits the slice to how long handlers take. */
  #checkTime(): void {
    const now = this.#now();
    if (Number.isNaN(this.#turnAt)) this.#turnAt = now;
    else this.#slice = now - this.#checkedAt > turnNs / 4 ? checkEvery : Math.min(slice, this.#slice * 2);
    if (now - this.#turnAt >= turnNs) this.#spent = turnBudget;
    this.#unchecked = 0;
    this.#checkedAt = now;
  }
}
