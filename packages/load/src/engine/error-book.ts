import { messageOf } from "@mettle/core";

/** What user code threw, by message, with counts. Bounded: ids in messages would make each one new. */
export interface ErrorEntry {
  readonly message: string;
  /** The first one's stack, where it has one. */
  readonly stack?: string;
  readonly count: number;
}

const MOST_MESSAGES = 50;
const LONGEST_MESSAGE = 500;
/** Everything after the first 50 different messages. */
const OTHER = "other messages";

export class ErrorBook {
  readonly #entries = new Map<string, { stack: string | undefined; count: number }>();

  add(thrown: unknown): void {
    const message = messageOf(thrown).slice(0, LONGEST_MESSAGE);
    this.count(message, thrown instanceof Error ? thrown.stack : undefined, 1);
  }

  merge(entries: readonly ErrorEntry[]): void {
    for (const { message, stack, count } of entries) this.count(message, stack, count);
  }

  count(message: string, stack: string | undefined, times: number): void {
    const known = this.#entries.get(message);
    if (known) known.count += times;
    else if (this.#entries.size < MOST_MESSAGES) this.#entries.set(message, { stack, count: times });
    else if (message !== OTHER) this.count(OTHER, undefined, times);
    else this.#entries.set(OTHER, { stack: undefined, count: times });
  }

  /** Most frequent first; empties the book. */
  take(): readonly ErrorEntry[] {
    const entries = this.entries;
    this.#entries.clear();
    return entries;
  }

  get entries(): readonly ErrorEntry[] {
    return [...this.#entries]
      .map(([message, { stack, count }]) => ({ message, count, ...(stack !== undefined && { stack }) }))
      .sort((a, b) => b.count - a.count);
  }
}
