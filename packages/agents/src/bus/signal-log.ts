import { type Milliseconds, ms } from "@mettle/core";
import type { Signal } from "../signals/signal.ts";
import { emptySlots } from "../queues/ring.ts";

/** How much of the past a log keeps; whichever limit is reached first drops the oldest. */
export interface LogRetention {
  /** Signals. @defaultValue 10 000 */
  readonly count: number;
  /** @defaultValue one hour */
  readonly age: Milliseconds;
}
export const logRetention: LogRetention = { count: 10_000, age: ms(3_600_000) };

export interface LogEntry {
  /** Counts published signals, from 1. */
  readonly sequence: number;
  /** When it was published, milliseconds since the epoch. */
  readonly publishedAt: number;
  readonly signal: Signal;
}

/** Where reading begins: all that is kept, a sequence, or a time; both inclusive. */
export type LogStart = "start" | { readonly sequence: number } | { readonly time: number };

/** The last signals published, in a circular array with their times beside it. */
export class SignalLog {
  readonly #retention: LogRetention;
  #signals: (Signal | undefined)[] = emptySlots(16);
  #times = new Float64Array(16);
  #head = 0;
  #size = 0;
  #last = 0;

  constructor(retention: LogRetention) {
    this.#retention = retention;
  }

  get size(): number {
    return this.#size;
  }

  /** Sequence of the newest signal; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  /** Hot: once per publish. A clock that steps back is held: times never decrease. Returns the sequence. */
  append(signal: Signal, now: number): number {
    if (this.#size === this.#retention.count) this.#drop();
    if (this.#size === this.#signals.length) this.#grow();
    const mask = this.#signals.length - 1;
    const newest = this.#size === 0 ? 0 : this.#times[(this.#head + this.#size - 1) & mask]!;
    const at = (this.#head + this.#size) & mask;
    this.#signals[at] = signal;
    this.#times[at] = now > newest ? now : newest;
    this.#size += 1;
    this.#last += 1;
    if (this.#times[this.#head]! < now - this.#retention.age) this.prune(now);
    return this.#last;
  }

  /** Drops what is older than the retention. */
  prune(now: number): void {
    while (this.#size > 0 && this.#times[this.#head]! < now - this.#retention.age) this.#drop();
  }

  /** What is kept from `start` on, oldest first, at most `limit`. */
  read(start: LogStart, now: number, limit: number = Number.POSITIVE_INFINITY): LogEntry[] {
    this.prune(now);
    const entries: LogEntry[] = [];
    const first = this.#last - this.#size + 1;
    const mask = this.#signals.length - 1;
    for (let i = this.#indexOf(start); i < this.#size && entries.length < limit; i++) {
      const at = (this.#head + i) & mask;
      entries.push({ sequence: first + i, publishedAt: this.#times[at]!, signal: this.#signals[at]! });
    }
    return entries;
  }

  #indexOf(start: LogStart): number {
    if (start === "start") return 0;
    if ("sequence" in start) return Math.max(0, start.sequence - (this.#last - this.#size + 1));
    let low = 0;
    let high = this.#size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#times[(this.#head + middle) & (this.#signals.length - 1)]! < start.time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #drop(): void {
    this.#signals[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#signals.length - 1);
    this.#size -= 1;
  }

  #grow(): void {
    const capacity = this.#signals.length;
    const signals = emptySlots<Signal>(capacity * 2);
    const times = new Float64Array(capacity * 2);
    for (let i = 0; i < this.#size; i++) {
      signals[i] = this.#signals[(this.#head + i) & (capacity - 1)];
      times[i] = this.#times[(this.#head + i) & (capacity - 1)]!;
    }
    this.#signals = signals;
    this.#times = times;
    this.#head = 0;
  }
}
