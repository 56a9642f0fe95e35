import type { CommittedBy } from "./signals.ts";

/** One value that a variable had. */
export interface HistoryEntry<Value> {
  readonly value: Value;
  readonly generation: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly by: CommittedBy;
  readonly requester: string;
}

/** The last changes, in a ring: adding never moves the others. */
export class History<Value> {
  readonly #entries: HistoryEntry<Value>[] = [];
  readonly #length: number;
  #next = 0;

  constructor(length: number) {
    this.#length = length;
  }

  /** Hot: once per change. */
  add(entry: HistoryEntry<Value>): void {
    this.#entries[this.#next] = entry;
    this.#next = this.#next + 1 === this.#length ? 0 : this.#next + 1;
  }

  /** Oldest first. */
  list(): HistoryEntry<Value>[] {
    return [...this.#entries.slice(this.#next), ...this.#entries.slice(0, this.#next)];
  }
}
