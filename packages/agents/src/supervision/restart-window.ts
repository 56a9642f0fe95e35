/** How often a child may fail before its supervisor gives up, and how long it waits between restarts. */
export interface RestartLimits {
  /** Restarts allowed within the window; one more escalates. @defaultValue 3 */
  readonly maxRestarts: number;
  /** @defaultValue 5000 */
  readonly withinMs: number;
  /** Wait before the second restart of a window; the first is at once, each later one waits `factor` times longer. @defaultValue 10 */
  readonly backoffMs: number;
  /** @defaultValue 2 */
  readonly backoffFactor: number;
  /** @defaultValue 1000 */
  readonly backoffMaxMs: number;
}

export const restartDefaults: RestartLimits = {
  maxRestarts: 3,
  withinMs: 5000,
  backoffMs: 10,
  backoffFactor: 2,
  backoffMaxMs: 1000,
};

/** The problems of given limits, in words. */
export function problemsOfLimits(limits: RestartLimits): string[] {
  const problems: string[] = [];
  const { maxRestarts, withinMs, backoffMs, backoffFactor, backoffMaxMs } = limits;
  if (!Number.isInteger(maxRestarts) || maxRestarts < 0)
    problems.push(`maxRestarts must be a whole number, got ${maxRestarts}`);
  if (!(withinMs > 0)) problems.push(`withinMs must be more than 0, got ${withinMs}`);
  if (!(backoffMs >= 0)) problems.push(`backoffMs must be 0 or more, got ${backoffMs}`);
  if (!(backoffFactor >= 1)) problems.push(`backoffFactor must be 1 or more, got ${backoffFactor}`);
  if (!(backoffMaxMs >= backoffMs)) problems.push(`backoffMaxMs must be at least backoffMs, got ${backoffMaxMs}`);
  return problems;
}

/** Remembers the failures of the last `withinMs`. */
export class RestartWindow {
  readonly #limits: RestartLimits;
  #failures: number[] = [];

  constructor(limits: RestartLimits) {
    this.#limits = limits;
  }

  /**
   * Counts a failure.
   *
   * @returns milliseconds to wait before the restart, or undefined when there were too many
   */
  next(nowMs: number): number | undefined {
    const { maxRestarts, withinMs, backoffMs, backoffFactor, backoffMaxMs } = this.#limits;
    this.#failures = this.#failures.filter((at) => nowMs - at < withinMs);
    if (this.#failures.length >= maxRestarts) return undefined;
    const earlier = this.#failures.length;
    this.#failures.push(nowMs);
    return earlier === 0 ? 0 : Math.min(backoffMs * backoffFactor ** (earlier - 1), backoffMaxMs);
  }
}
