/** Longest time that iterations may follow one another without a turn: timers, stops and other users wait for it. */
const LONGEST_MS = 10;

/**
 * Notices when the event loop of this thread has not turned for a while: iterations that compute and never wait go on from
 * one to the next without it, and would keep even the end of the test from coming.
 */
export class LoopTurns {
  #watching = false;
  #sinceMs = 0;

  /**
   * Whether the loop should have its turn before anything else is begun. Hot: an immediate for each turn.
   *
   * @param now - ms of a monotonic clock
   */
  overdue(now: number): boolean {
    if (!this.#watching) {
      this.#watching = true;
      this.#sinceMs = now;
      setImmediate(this.#turned);
    }
    return now - this.#sinceMs > LONGEST_MS;
  }

  readonly #turned = (): void => {
    this.#watching = false;
  };
}
