import { Ring } from "../queues/ring.ts";

/** What every dead letter has, be it a message to an agent or a signal. */
export interface AnyDeadLetter {
  /** Counts the dead letters of its queue, from 1. */
  readonly id: number;
  /** Whom it was for: the address of an agent, or the name of a persistent subscription. */
  readonly to: string;
  readonly reason: string;
  /** What was thrown when it was handled last; undefined when it never was. */
  readonly error?: unknown;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Which dead letters. Without anything, all. */
export interface DeadLetterSelection<Letter extends AnyDeadLetter> {
  readonly to?: string;
  readonly reason?: Letter["reason"];
  readonly where?: (letter: Letter) => boolean;
  /** Oldest first. */
  readonly limit?: number;
}

/**
 * The newest of what could not be delivered, for messages and signals alike: all of them counted by reason, and as many
 * kept as there is room for. A poisoned stream must not fill the memory; what was let go is counted.
 */
export class DeadLetters<Letter extends AnyDeadLetter> {
  readonly #limit: number;
  readonly #counts = new Map<Letter["reason"], number>();
  #letters = new Ring<Letter>();
  #added = 0;
  #evicted = 0;

  /** @param limit - letters kept; 0 counts them only */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many are kept. */
  get size(): number {
    return this.#letters.size;
  }

  /** All there ever were, kept or not. */
  get added(): number {
    return this.#added;
  }

  /** Those let go because there was no room. */
  get evicted(): number {
    return this.#evicted;
  }

  /** How many there ever were of a reason, kept or not. */
  count(reason: Letter["reason"]): number {
    return this.#counts.get(reason) ?? 0;
  }

  add(letter: Omit<Letter, "id">): void {
    this.#added += 1;
    this.#counts.set(letter.reason, (this.#counts.get(letter.reason) ?? 0) + 1);
    if (this.#letters.size >= this.#limit) {
      this.#letters.shift();
      this.#evicted += 1;
    }
    if (this.#limit > 0) this.#letters.push({ ...letter, id: this.#added } as Letter);
  }

  /** Oldest first. */
  list(selection: DeadLetterSelection<Letter> = {}): Letter[] {
    const found: Letter[] = [];
    const limit = selection.limit ?? Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#letters.size && found.length < limit; i++) {
      const letter = this.#letters.at(i);
      if (letter !== undefined && selects(selection, letter)) found.push(letter);
    }
    return found;
  }

  /**
   * Takes out those selected for which `take` returns true, oldest first, and returns how many it took. `limit` counts
   * those offered. What it throws reaches the caller; those not taken stay.
   */
  remove(selection: DeadLetterSelection<Letter> = {}, take: (letter: Letter) => boolean = () => true): number {
    const offered = new Set(this.list(selection));
    const kept = new Ring<Letter>();
    let taken = 0;
    let letter: Letter | undefined;
    try {
      for (letter = this.#letters.shift(); letter !== undefined; letter = this.#letters.shift()) {
        if (offered.has(letter) && take(letter)) taken += 1;
        else kept.push(letter);
      }
    } finally {
      for (; letter !== undefined; letter = this.#letters.shift()) kept.push(letter);
      this.#letters = kept;
    }
    return taken;
  }

  /** Takes out what is selected and returns it, oldest first, for example to send it again. */
  drain(selection: DeadLetterSelection<Letter> = {}): Letter[] {
    const letters: Letter[] = [];
    this.remove(selection, (letter) => letters.push(letter) > 0);
    return letters;
  }
}

function selects<Letter extends AnyDeadLetter>(
  { to, reason, where }: DeadLetterSelection<Letter>,
  letter: Letter,
): boolean {
  if (to !== undefined && letter.to !== to) return false;
  return (reason === undefined || letter.reason === reason) && (where === undefined || where(letter));
}
