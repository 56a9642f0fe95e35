import { type Clock, ms } from "@mettle/core";
import { Histogram } from "@mettle/stats";

const SLOTS = 1024;

/** Something that falls due again and again. */
export interface Timed {
  /** Called at or after the time it was due, in ms. Returns when it is due next, or NaN when it is done. */
  due(now: number): number;
}

interface Entry {
  readonly timed: Timed;
  at: number;
  next: Entry | undefined;
  cancelled: boolean;
}

/**
 * One timer for any number of streams: entries hang in slots of 1 ms, and each tick runs those that fell due. Adding and
 * running cost the same however many there are; a timer of its own for each of 50 000 tokens a second would not.
 */
export class TimerWheel {
  readonly #clock: Clock;
  readonly #slots: (Entry | undefined)[] = Array.from({ length: SLOTS }, () => undefined);
  readonly #onError: (error: unknown) => void;
  #cursor: number;
  #size = 0;
  #ticking = false;
  readonly #stop = new AbortController();
  /** How late entries ran, ms: the mock's own part in what a client measures. */
  readonly lateness: Histogram = new Histogram({ resolution: 0.01 });

  /** @param onError - what to do with an error thrown by an entry; the others go on */
  constructor(clock: Clock, onError: (error: unknown) => void) {
    this.#clock = clock;
    this.#onError = onError;
    this.#cursor = Math.floor(this.now());
  }

  /** Milliseconds of the clock. */
  now(): number {
    return this.#clock.now() / 1e6;
  }

  /** Entries waiting. */
  get size(): number {
    return this.#size;
  }

  /** @returns cancels it; may be called any number of times */
  add(at: number, timed: Timed): () => void {
    const entry: Entry = { timed, at, next: undefined, cancelled: false };
    // An empty wheel did not turn: it starts where the clock is.
    if (this.#size === 0) this.#cursor = Math.floor(this.now());
    this.#insert(entry);
    this.#size++;
    if (!this.#ticking) void this.#tick();
    return () => {
      if (entry.cancelled) return;
      entry.cancelled = true;
      this.#size--;
    };
  }

  /** Calls once. */
  after(delay: number, run: () => void): () => void {
    return this.add(this.now() + delay, {
      due: () => {
        run();
        return Number.NaN;
      },
    });
  }

  close(): void {
    this.#stop.abort();
    this.#slots.fill(undefined);
    this.#size = 0;
  }

  /** Hot: once an entry's turn. What is overdue goes into the next slot to be visited. */
  #insert(entry: Entry): void {
    const slot = Math.max(this.#cursor + 1, Math.ceil(entry.at)) & (SLOTS - 1);
    entry.next = this.#slots[slot];
    this.#slots[slot] = entry;
  }

  async #tick(): Promise<void> {
    this.#ticking = true;
    const { signal } = this.#stop;
    while (this.#size > 0 && !signal.aborted) {
      try {
        await this.#clock.sleep(ms(1), signal);
      } catch (error) {
        if (!signal.aborted) throw error;
        break;
      }
      this.#turnTo(this.now());
    }
    this.#ticking = false;
  }

  /** Hot: visits every slot since the last turn once, however late it is. */
  #turnTo(now: number): void {
    const target = Math.floor(now);
    const visits = Math.min(SLOTS, target - this.#cursor);
    // The cursor moves first: what is put back while running lands after the slots being visited, never in them.
    const from = target - visits;
    this.#cursor = target;
    for (let slot = from + 1; slot <= target; slot++) {
      let entry = this.#slots[slot & (SLOTS - 1)];
      this.#slots[slot & (SLOTS - 1)] = undefined;
      while (entry) {
        const { next } = entry;
        if (!entry.cancelled) this.#run(entry, now);
        entry = next;
      }
    }
  }

  #run(entry: Entry, now: number): void {
    if (entry.at > now) {
      // More than a turn away, or due within this millisecond.
      this.#insert(entry);
      return;
    }
    this.lateness.record(now - entry.at);
    let at = Number.NaN;
    try {
      at = entry.timed.due(now);
    } catch (error) {
      this.#onError(error);
    }
    if (entry.cancelled) return;
    if (Number.isNaN(at)) {
      entry.cancelled = true;
      this.#size--;
      return;
    }
    entry.at = at;
    this.#insert(entry);
  }
}
