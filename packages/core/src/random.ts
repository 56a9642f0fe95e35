/**
 * Seeded random numbers (sfc32 by Chris Doty-Humphrey, PractRand; period about 2^127; not for secrets).
 * The same seed gives the same stream on every platform.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed - any number; its 53-bit integer part is used */
  constructor(seed: number) {
    const whole = Math.abs(Math.trunc(seed)) % 2 ** 53;
    this.#a = 0;
    this.#b = whole >>> 0;
    this.#c = Math.floor(whole / 2 ** 32) >>> 0;
    for (let i = 0; i < 15; i++) this.uint32();
  }

  /** Uniform in 0 … 2^32 − 1. */
  uint32(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** Uniform in [0, 1), 53 bits. Bound, so it can be passed as `() => number`. */
  readonly uniform = (): number => ((this.uint32() >>> 5) * 67_108_864 + (this.uint32() >>> 6)) / 9_007_199_254_740_992;

  /** Uniform integer in [0, bound); `bound` up to 2^53. */
  below(bound: number): number {
    return Math.floor(this.uniform() * bound);
  }

  /** Standard normal, by Marsaglia's polar method. */
  normal(): number {
    for (;;) {
      const u = 2 * this.uniform() - 1;
      const v = 2 * this.uniform() - 1;
      const square = u * u + v * v;
      if (square > 0 && square < 1) return u * Math.sqrt((-2 * Math.log(square)) / square);
    }
  }

  /** Fisher–Yates, in place. */
  shuffle<T extends { length: number; [index: number]: unknown }>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const held = items[i];
      items[i] = items[j];
      items[j] = held;
    }
    return items;
  }
}
