/**
 * How many agents live in all threads of a runtime, in memory that they share, so that the ceiling holds for the node and
 * not for each thread. What a thread has counted itself is kept beside it: when the thread dies, that goes with it.
 */
export class Census {
  /** Given to the other threads. */
  readonly shared: SharedArrayBuffer;
  readonly #total: Int32Array<SharedArrayBuffer>;
  readonly #own: Int32Array | undefined;

  /** @param own - one place that holds what this thread has counted; without it the thread lives as long as the runtime */
  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT), own?: Int32Array) {
    this.shared = shared;
    this.#total = new Int32Array(shared);
    this.#own = own;
  }

  get living(): number {
    return Atomics.load(this.#total, 0);
  }

  /** Hot: once per agent, when it starts (1) and when it has ended (-1). */
  add(change: 1 | -1): void {
    Atomics.add(this.#total, 0, change);
    if (this.#own !== undefined) Atomics.add(this.#own, 0, change);
  }

  /** A thread has died with this many agents. */
  lose(agents: number): void {
    Atomics.sub(this.#total, 0, agents);
  }
}
