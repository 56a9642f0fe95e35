/**
 * A question that many ask at once, and that has one answer for all. Each caller gets an answer that was begun after it asked:
 * who comes while one is under way waits for the next, together with all others who do.
 */
export class SharedRead<T> {
  readonly #read: () => Promise<T>;
  #running: Promise<T> | undefined;
  #next: Promise<T> | undefined;

  constructor(read: () => Promise<T>) {
    this.#read = read;
  }

  /** Rejects with what the reading that was begun for it rejects with; the next caller's is begun all the same. */
  get(): Promise<T> {
    if (!this.#running) return this.#begin();
    this.#next ??= this.#running.then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#next;
  }

  #begin(): Promise<T> {
    this.#next = undefined;
    const running = this.#read().finally(() => {
      // The next, if anybody waits for it, has not begun yet: it begins when this is settled.
      if (this.#running === running && !this.#next) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }
}
