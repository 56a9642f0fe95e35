import type { Random } from "@mettle/core";

/**
 * One family of noise and what a "standard deviation" of it means when a step is said to be 2.5 of them: the marginal
 * deviation of the noise; under outliers, that of the normal core.
 */
export interface NoiseFamily {
  readonly name: string;
  readonly deviation: number;
  make(n: number, random: Random): Float64Array;
}

const modeDistance = 3.5;

export const noiseFamilies: readonly NoiseFamily[] = [
  { name: "normal", deviation: 1, make: (n, random) => Float64Array.from({ length: n }, () => random.normal()) },
  {
    // One-sided, as latency has them: +8 … +15 deviations.
    name: "5 % outliers",
    deviation: 1,
    make: (n, random) =>
      Float64Array.from(
        { length: n },
        () => random.normal() + (random.uniform() < 0.05 ? 8 + 7 * random.uniform() : 0),
      ),
  },
  {
    name: "AR(1) 0.5",
    deviation: 1,
    make: (n, random) => {
      let level = random.normal();
      return Float64Array.from({ length: n }, () => {
        const value = level;
        level = 0.5 * level + Math.sqrt(0.75) * random.normal();
        return value;
      });
    },
  },
  {
    // Two levels 3.5 deviations of either apart; every point is of one or the other by a fair coin.
    name: "two modes",
    deviation: Math.sqrt(1 + (modeDistance / 2) ** 2),
    make: (n, random) =>
      Float64Array.from({ length: n }, () => random.normal() + (random.uniform() < 0.5 ? modeDistance : 0)),
  },
];

/** A level of 100 noise deviations, so that relative margins mean something, and a step up at `at`. */
export function seriesWithStep(family: NoiseFamily, n: number, at: number, step: number, random: Random): Float64Array {
  return family.make(n, random).map((noise, i) => 100 + noise + (i >= at ? step * family.deviation : 0));
}
