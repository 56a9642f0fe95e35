/** A stretch of time in ms, half open: [start, end). */
export interface Interval {
  readonly start: number;
  readonly end: number;
}

/** Length of the union: time during which at least one interval ran. O(n log n). */
export function unionLength(intervals: readonly Interval[]): number {
  const sorted = intervals.toSorted((a, b) => a.start - b.start);
  let covered = 0;
  let reached = -Infinity;
  for (const { start, end } of sorted) {
    if (end <= reached) continue;
    covered += end - Math.max(start, reached);
    reached = end;
  }
  return covered;
}

/**
 * The most intervals that ran at once, by a sweep line: at one moment ends count before starts, so that a request sent
 * the moment another ended does not raise it. An interval without length never runs. O(n log n).
 */
export function peakConcurrency(intervals: readonly Interval[]): number {
  const events = intervals
    .filter(({ start, end }) => end > start)
    .flatMap(({ start, end }): [number, number][] => [
      [start, 1],
      [end, -1],
    ])
    .sort(([at, step], [otherAt, otherStep]) => at - otherAt || step - otherStep);
  let [current, peak] = [0, 0];
  for (const [, step] of events) {
    current += step;
    peak = Math.max(peak, current);
  }
  return peak;
}

/**
 * The same as it happens, in constant memory. Calls come in order of time; hot: two a request.
 */
export class ConcurrencyMeter {
  #current = 0;
  #peak = 0;
  #now = -Infinity;
  #starting = 0;

  /** Running at the last moment reported. */
  get current(): number {
    return this.#current + this.#starting;
  }

  get peak(): number {
    return Math.max(this.#peak, this.current);
  }

  start(at: number): void {
    this.#moveTo(at);
    this.#starting++;
  }

  end(at: number): void {
    this.#moveTo(at);
    // One that started at this very moment must still be counted once; others leave before the starters arrive.
    if (this.#current > 0) this.#current--;
    else this.#starting--;
  }

  #moveTo(at: number): void {
    if (at <= this.#now) return;
    this.#now = at;
    this.#current += this.#starting;
    this.#starting = 0;
    if (this.#current > this.#peak) this.#peak = this.#current;
  }
}
