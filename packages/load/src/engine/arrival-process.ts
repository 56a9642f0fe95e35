import { Random } from "@mettle/core";
import type { RateProfile } from "./rate-profile.ts";

/**
 * When arrivals are due, known before any of them is sent and whatever becomes of them: an absolute schedule.
 * `next()` never decreases; Infinity when there are no more.
 */
export interface ArrivalProcess {
  /** Milliseconds from the scenario's start. Hot: once per arrival. */
  next(): number;
}

/**
 * How arrivals scatter about the rate. `gamma` with shape k: gaps have the coefficient of variation 1/√k; below 1 they come
 * in bursts, 1 is Poisson, and the greater k the more even.
 */
export type ArrivalPattern =
  | { readonly kind: "even" }
  | { readonly kind: "poisson" }
  | { readonly kind: "gamma"; readonly shape: number };

/** Arrivals at a rate that may change: a process of mean gap 1, stretched by the inverse of the expected count. */
export function arrivals(profile: RateProfile, pattern: ArrivalPattern, seed: number): ArrivalProcess {
  if (pattern.kind === "even") {
    let number = 0;
    return { next: () => profile.timeOf(number++) };
  }
  const random = new Random(seed);
  const gap = pattern.kind === "poisson" ? () => exponential(random) : unitGamma(random, pattern.shape);
  let expected = 0;
  return {
    next: () => {
      expected += gap();
      return profile.timeOf(expected);
    },
  };
}

/** Arrivals at recorded moments. @param timesMs - ascending, from the start */
export function traceArrivals(timesMs: ArrayLike<number>, speed = 1): ArrivalProcess {
  let number = 0;
  return {
    next: () => {
      const at = timesMs[number++];
      return at === undefined ? Number.POSITIVE_INFINITY : at / speed;
    },
  };
}

/** 1 − uniform is in (0, 1], so the logarithm is finite. */
export const exponential = (random: Random): number => -Math.log(1 - random.uniform());

/** Gamma(shape, 1/shape), of mean 1: Marsaglia and Tsang (2000); below shape 1 by their boost U^(1/shape). */
export function unitGamma(random: Random, shape: number): () => number {
  const boosted = shape < 1 ? shape + 1 : shape;
  const d = boosted - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  const base = (): number => {
    for (;;) {
      const x = random.normal();
      const v = (1 + c * x) ** 3;
      if (v <= 0) continue;
      const u = 1 - random.uniform();
      if (Math.log(u) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
    }
  };
  if (shape >= 1) return () => base() / shape;
  return () => (base() * (1 - random.uniform()) ** (1 / shape)) / shape;
}

/** The arrivals of one worker: number k of the whole schedule belongs to worker k mod `workers`. */
export class WorkerArrivals {
  readonly #process: ArrivalProcess;
  readonly #worker: number;
  readonly #workers: number;
  #number = -1;
  /** When the current arrival is due, in ms from the scenario's start. */
  dueMs = 0;

  constructor(process: ArrivalProcess, worker: number, workers: number) {
    this.#process = process;
    this.#worker = worker;
    this.#workers = workers;
    this.advance();
  }

  /** Of the current arrival, over all workers, from 0. */
  get number(): number {
    return this.#number;
  }

  /** Hot: once per arrival of the whole schedule. */
  advance(): void {
    do {
      this.dueMs = this.#process.next();
      this.#number += 1;
    } while (this.dueMs !== Number.POSITIVE_INFINITY && this.#number % this.#workers !== this.#worker);
  }
}
