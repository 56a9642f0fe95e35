/**
 * Which events share a key, as a list through the past: for each key the newest event, for each event the one before it
 * with the same key. 8 bytes per event, and nothing to search when the oldest event goes.
 */
export class EventChain {
  readonly #newest = new Map<string, number>();
  #previous = new Float64Array(16);

  /** Keys of the events that are kept. */
  get keys(): number {
    return this.#newest.size;
  }

  /** Hot. @param key - `undefined` for an event that has none */
  append(sequence: number, key: string | undefined): void {
    if (key === undefined) return;
    this.#previous[sequence & (this.#previous.length - 1)] = this.#newest.get(key) ?? 0;
    this.#newest.set(key, sequence);
  }

  /** The oldest event goes; the others of its key keep a number that is older than the store and ends the list. */
  drop(sequence: number, key: string | undefined): void {
    if (key !== undefined && this.#newest.get(key) === sequence) this.#newest.delete(key);
  }

  /** Sequences with a key from the newest down to `first`. */
  *walk(key: string, first: number): Generator<number> {
    for (let at = this.#newest.get(key) ?? 0; at >= first; at = this.#previous[at & (this.#previous.length - 1)]!) {
      yield at;
    }
  }

  /** Follows a store whose room grew; `first` to `last` are kept. */
  grow(capacity: number, first: number, last: number): void {
    const previous = new Float64Array(capacity);
    for (let at = first; at <= last; at++) {
      previous[at & (capacity - 1)] = this.#previous[at & (this.#previous.length - 1)]!;
    }
    this.#previous = previous;
  }
}
