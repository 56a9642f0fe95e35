import { type Clock, type Milliseconds, ms, systemClock } from "@mettle/core";

/**
 * A question that many ask at once, and that has one answer for all. Each caller gets an answer that was begun after it asked,
 * or at most `freshFor` before: who comes while one is under way waits for the next, together with all others who do.
 */
export class SharedRead<T> {
  readonly #read: () => Promise<T>;
  readonly #freshFor: Milliseconds;
  readonly #clock: Clock;
  /** The last that was answered, and when it was begun. */
  #last: { readonly answer: T; readonly begunAt: number } | undefined;
  #running: Promise<T> | undefined;
  #next: Promise<T> | undefined;

  constructor(read: () => Promise<T>, freshFor: Milliseconds = ms(0), clock: Clock = systemClock) {
    this.#read = read;
    this.#freshFor = freshFor;
    this.#clock = clock;
  }

  /** Rejects with what the reading that was begun for it rejects with; the next caller's is begun all the same. */
  get(): Promise<T> {
    if (this.#last && this.#clock.now() - this.#last.begunAt < this.#freshFor * 1e6)
      return Promise.resolve(this.#last.answer);
    if (!this.#running) return this.#begin();
    this.#next ??= this.#running.then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#next;
  }

  #begin(): Promise<T> {
    this.#next = undefined;
    const begunAt = this.#clock.now();
    const answered = this.#read().then((answer) => {
      this.#last = { answer, begunAt };
      return answer;
    });
    const running = answered.finally(() => {
      // The next, if anybody waits for it, has not begun yet: it begins when this is settled.
      if (this.#running === running && !this.#next) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }
}
