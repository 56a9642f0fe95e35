import { Ring } from "../queues/ring.ts";
import { dispatchErrors } from "./errors.ts";

/** Runs at most `limit` calls at once; further ones wait their turn, first come first served, at most `maxWaiting`. */
export class ConcurrencyLimit {
  readonly #limit: number;
  readonly #maxWaiting: number;
  readonly #waiting = new Ring<Waiter>();
  #running = 0;
  #cancelled = 0;

  /** @throws MettleError `DISPATCH_OPTIONS_INVALID` */
  constructor(limit: number, maxWaiting = 1000) {
    if (!(Number.isInteger(limit) && limit >= 1 && Number.isInteger(maxWaiting) && maxWaiting >= 0)) {
      throw dispatchErrors.create(
        "DISPATCH_OPTIONS_INVALID",
        "A concurrency limit needs a whole number from 1, and for those that wait one from 0.",
      );
    }
    this.#limit = limit;
    this.#maxWaiting = maxWaiting;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.size - this.#cancelled;
  }

  /**
   * Calls `work` when there is room. Passes on what it returns or throws.
   *
   * @param abort - ends the waiting, with its reason; work that has begun is left to itself
   * @throws MettleError `DISPATCH_BUSY` when too many wait
   */
  async run<Result>(work: () => Result | Promise<Result>, abort?: AbortSignal): Promise<Result> {
    abort?.throwIfAborted();
    if (this.#running < this.#limit) this.#running += 1;
    else await this.#wait(abort);
    try {
      return await work();
    } finally {
      this.#next();
    }
  }

  #wait(abort: AbortSignal | undefined): Promise<void> {
    if (this.waiting >= this.#maxWaiting) {
      throw dispatchErrors.create("DISPATCH_BUSY", `${this.#limit} calls run and ${this.waiting} wait.`, {
        details: { limit: this.#limit, waiting: this.waiting },
      });
    }
    return new Promise((resolve, reject) => {
      const cancel = (): void => {
        waiter.start = undefined;
        this.#cancelled += 1;
        this.#dropCancelled();
        reject(abort?.reason as Error);
      };
      const waiter: Waiter = {
        start: () => {
          abort?.removeEventListener("abort", cancel);
          resolve();
        },
      };
      abort?.addEventListener("abort", cancel, { once: true });
      this.#waiting.push(waiter);
    });
  }

  /** Hands the place to the one who waits longest; `running` stays as it is then. */
  #next(): void {
    this.#dropCancelled();
    const waiter = this.#waiting.shift();
    if (waiter === undefined) this.#running -= 1;
    else waiter.start?.();
  }

  /** Those in front at once; when they are many, all, so that what was given up takes no room. */
  #dropCancelled(): void {
    while (this.#cancelled > 0 && this.#waiting.at(0)?.start === undefined) {
      this.#waiting.shift();
      this.#cancelled -= 1;
    }
    if (this.#cancelled <= this.#waiting.size / 2) return;
    for (let i = this.#waiting.size; i > 0; i--) {
      const waiter = this.#waiting.shift();
      if (waiter?.start !== undefined) this.#waiting.push(waiter);
    }
    this.#cancelled = 0;
  }
}

interface Waiter {
  /** `undefined` once it was given up. */
  start: (() => void) | undefined;
}
