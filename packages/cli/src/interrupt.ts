import { exitCodes } from "@mettle/core";

/** Ctrl-C, and what a CI service sends to a job it cancels. */
const signals = ["SIGINT", "SIGTERM"] as const;

/**
 * Turns the first interruption into an aborted signal, so that what was measured can be written; the second ends the
 * process at once. Dispose it to give the signals their usual meaning back.
 */
export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #onSignal = (): void => {
    if (this.#controller.signal.aborted) process.exit(exitCodes.interrupted);
    this.#onFirst();
    this.#controller.abort();
  };
  readonly #onFirst: () => void;

  /** @param onFirst - tells the user that it was heard */
  constructor(onFirst: () => void = () => {}) {
    this.#onFirst = onFirst;
    for (const name of signals) process.on(name, this.#onSignal);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    for (const name of signals) process.off(name, this.#onSignal);
  }
}
