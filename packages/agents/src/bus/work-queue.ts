import { Ring } from "./ring.ts";

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
/** Deliveries that one piece of work makes before another's turn. */
const slice = 512;

/**
 * Work in turn, round robin. Starts as a microtask; after 4 096 deliveries, in however many microtasks, it waits for the
 * event loop, because microtasks alone would starve timers and I/O.
 */
export class WorkQueue {
  readonly #turns: Turns;
  readonly #waiting = new Ring<Work>();
  readonly #drainBound = (): void => this.#drain();
  #scheduled = false;
  #spent = 0;

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  get idle(): boolean {
    return this.#waiting.size === 0;
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
    this.#turns.later(this.#drainBound);
  }

  #drain(): void {
    try {
      for (let work = this.#waiting.shift(); work !== undefined; work = this.#waiting.shift()) {
        work.queued = false;
        this.#spent += work.run(Math.min(slice, turnBudget - this.#spent));
        if (this.#spent >= turnBudget) break;
      }
    } finally {
      // Also when something threw: the rest must not wait for the next publish.
      this.#scheduled = false;
      if (this.#waiting.size > 0) this.#schedule();
    }
  }
}
