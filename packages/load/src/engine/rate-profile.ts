/** A stretch of a rate over time: it goes in a straight line from one rate to another. */
export interface RateStage {
  readonly durationMs: number;
  /** Arrivals per second at its start and at its end. */
  readonly from: number;
  readonly to: number;
}

/**
 * A rate over time, and its closed-form inverse: when are n arrivals due. Stages follow each other; what comes before the
 * first arrival or between two stages at rate 0 is waiting.
 */
export class RateProfile {
  readonly #stages: readonly (RateStage & { readonly startMs: number; readonly before: number })[];
  readonly durationMs: number;
  /** Arrivals over all stages; not whole in general. */
  readonly arrivals: number;
  /** Where the last answer was found: numbers are asked for in ascending order. */
  #at = 0;

  constructor(stages: readonly RateStage[]) {
    let startMs = 0;
    let before = 0;
    this.#stages = stages.map((stage) => {
      const placed = { ...stage, startMs, before };
      startMs += stage.durationMs;
      before += (((stage.from + stage.to) / 2) * stage.durationMs) / 1000;
      return placed;
    });
    this.durationMs = startMs;
    this.arrivals = before;
  }

  /** Arrivals per second at a moment; 0 after the end. */
  rateAt(ms: number): number {
    for (const { startMs, durationMs, from, to } of this.#stages) {
      if (ms >= startMs && ms < startMs + durationMs) return from + ((to - from) * (ms - startMs)) / durationMs;
    }
    return 0;
  }

  /**
   * The moment by which `count` arrivals have come, in ms from the start: the latest such moment, so that a pause is
   * waited out. Infinity when so many never come. Hot: once per arrival.
   */
  timeOf(count: number): number {
    const stages = this.#stages;
    if (this.#at > 0 && count < stages[this.#at]!.before) this.#at = 0;
    while (this.#at < stages.length) {
      const stage = stages[this.#at]!;
      const rest = count - stage.before;
      const seconds = timeWithin(stage, rest);
      if (seconds * 1000 < stage.durationMs) return stage.startMs + seconds * 1000;
      if (this.#at === stages.length - 1) return Number.POSITIVE_INFINITY;
      this.#at += 1;
    }
    return Number.POSITIVE_INFINITY;
  }
}

/** Solves from·t + (to − from)·t²/2d = n for t in seconds; Infinity where the stage has no such moment. */
function timeWithin({ durationMs, from, to }: RateStage, n: number): number {
  const seconds = durationMs / 1000;
  const slope = seconds > 0 ? (to - from) / seconds : 0;
  // Below this the square root would underflow; it is no part of an arrival.
  if (n <= 1e-12) return from > 0 || slope > 0 ? 0 : Number.POSITIVE_INFINITY;
  const discriminant = from * from + 2 * slope * n;
  if (discriminant < 0) return Number.POSITIVE_INFINITY;
  // The form without a difference of near numbers; it also covers a slope of 0.
  const denominator = from + Math.sqrt(discriminant);
  return denominator > 0 ? (2 * n) / denominator : Number.POSITIVE_INFINITY;
}
