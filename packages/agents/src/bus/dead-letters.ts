import type { Signal } from "../signals/signal.ts";
import { Ring } from "../queues/ring.ts";

/** A signal that its persistent subscription could not deliver. */
export interface DeadLetter {
  /** Counts dead letters of this bus, from 1. */
  readonly id: number;
  readonly subscription: string;
  readonly signal: Signal;
  readonly sequence: number;
  /** Deliveries that failed; 0 for a surplus that was never delivered. */
  readonly attempts: number;
  /** `attempts`: it failed as often as allowed. `surplus`: the subscription was full. */
  readonly reason: "attempts" | "surplus";
  /** What the last delivery threw; absent for a surplus. */
  readonly error?: unknown;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface DeadLetterSelection {
  readonly subscription?: string;
  readonly where?: (letter: DeadLetter) => boolean;
  /** Oldest first. */
  readonly limit?: number;
}

/** The newest dead letters of a bus. Bounded: a poisoned stream must not fill the memory; what was let go is counted. */
export class DeadLetters {
  readonly #limit: number;
  #letters = new Ring<DeadLetter>();
  #added = 0;
  #evicted = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#letters.size;
  }

  /** All there ever were. */
  get added(): number {
    return this.#added;
  }

  /** Those let go because the queue was full. */
  get evicted(): number {
    return this.#evicted;
  }

  add(letter: Omit<DeadLetter, "id">): void {
    if (this.#letters.size >= this.#limit) {
      this.#letters.shift();
      this.#evicted += 1;
    }
    this.#added += 1;
    if (this.#limit > 0) this.#letters.push({ ...letter, id: this.#added });
    else this.#evicted += 1;
  }

  /** Oldest first. */
  list(selection: DeadLetterSelection = {}): DeadLetter[] {
    const found: DeadLetter[] = [];
    const limit = selection.limit ?? Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#letters.size && found.length < limit; i++) {
      const letter = this.#letters.at(i);
      if (letter !== undefined && selects(selection, letter)) found.push(letter);
    }
    return found;
  }

  /**
   * Takes out those selected for which `take` returns true, oldest first, and returns how many it took. `limit` counts
   * those offered.
   */
  remove(selection: DeadLetterSelection = {}, take: (letter: DeadLetter) => boolean = () => true): number {
    const offered = new Set(this.list(selection));
    const kept = new Ring<DeadLetter>();
    let taken = 0;
    for (let letter = this.#letters.shift(); letter !== undefined; letter = this.#letters.shift()) {
      if (offered.has(letter) && take(letter)) taken += 1;
      else kept.push(letter);
    }
    this.#letters = kept;
    return taken;
  }
}

const selects = ({ subscription, where }: DeadLetterSelection, letter: DeadLetter): boolean =>
  (subscription === undefined || letter.subscription === subscription) && (where === undefined || where(letter));
