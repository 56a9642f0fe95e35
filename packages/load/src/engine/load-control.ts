type Listener = (scenario: string, users: number) => void;

/** Changes the number of users of `externally-controlled` scenarios while they run. Given to `runLoad` as `control`. */
export class LoadControl {
  readonly #listeners = new Set<Listener>();

  /**
   * From now on so many users are wanted, over all workers; no more than the scenario's `maxVUs`. Nothing happens to
   * scenarios of other executors, and before the start or after the end.
   */
  scale(scenario: string, users: number): void {
    if (!Number.isSafeInteger(users) || users < 0)
      throw new RangeError(`users must be a whole number from 0, got ${users}`);
    for (const listener of this.#listeners) listener(scenario, users);
  }

  /** @internal */
  attach(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
