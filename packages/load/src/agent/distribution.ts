import type { Random } from "@mettle/core";
import { normalCdf, normalQuantile } from "@mettle/stats";
import { workloadErrors } from "./errors.ts";

interface Bounds {
  /** Values outside are not drawn: the distribution is truncated, not clamped, so no mass piles up at a bound. */
  readonly min?: number;
  readonly max?: number;
}

/** A distribution of waiting times (ms) or counts, as plain data. Negative values are never drawn. */
export type Distribution =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "uniform"; readonly low: number; readonly high: number }
  | ({ readonly kind: "normal"; readonly mean: number; readonly stddev: number } & Bounds)
  /** `mean` and `stddev` of the values themselves before truncation, not of their logarithms. */
  | ({ readonly kind: "lognormal"; readonly mean: number; readonly stddev: number } & Bounds)
  | ({ readonly kind: "exponential"; readonly mean: number } & Bounds)
  /** Observed values, drawn with equal chances. */
  | { readonly kind: "empirical"; readonly values: readonly number[] };

/** Draws one value; one uniform number of the generator each, so that sequences of different distributions keep step. */
export type Sampler = (random: Random) => number;

/**
 * The sampler of a distribution, by inversion.
 *
 * @param what - named in the error, e.g. `time to first token`
 * @throws MettleError `DISTRIBUTION_INVALID`
 */
export function samplerOf(distribution: Distribution, what = "distribution"): Sampler {
  const problem = problemOf(distribution);
  if (problem) throw invalid(what, problem, distribution);
  switch (distribution.kind) {
    case "constant": {
      const { value } = distribution;
      return (random) => {
        random.uniform();
        return value;
      };
    }
    case "uniform": {
      const { low, high } = distribution;
      return (random) => low + (high - low) * random.uniform();
    }
    case "normal": {
      const { mean, stddev, min = 0, max = Infinity } = distribution;
      return truncatedNormal(mean, stddev, min, max, (value) => value, what, distribution);
    }
    case "lognormal": {
      const { mean, stddev, min = 0, max = Infinity } = distribution;
      const variance = Math.log1p((stddev / mean) ** 2);
      const location = Math.log(mean) - variance / 2;
      const bounded = (value: number): number => Math.min(max, Math.max(min, Math.exp(value)));
      const [low, high] = [min > 0 ? Math.log(min) : -Infinity, Math.log(max)];
      return truncatedNormal(location, Math.sqrt(variance), low, high, bounded, what, distribution);
    }
    case "exponential": {
      const { mean, min = 0, max = Infinity } = distribution;
      const share = -Math.expm1(-(max - min) / mean);
      return (random) => Math.min(max, min - mean * Math.log1p(-share * random.uniform()));
    }
    case "empirical": {
      const { values } = distribution;
      return (random) => values[Math.floor(random.uniform() * values.length)] ?? Number.NaN;
    }
  }
}

/** Whole numbers ≥ `least`: each draw rounded to the nearest. */
export function countSampler(distribution: Distribution, what: string, least = 0): Sampler {
  const sample = samplerOf(distribution, what);
  return (random) => Math.max(least, Math.round(sample(random)));
}

function truncatedNormal(
  mean: number,
  stddev: number,
  low: number,
  high: number,
  transform: (value: number) => number,
  what: string,
  distribution: Distribution,
): Sampler {
  if (stddev === 0) {
    const value = transform(mean);
    return (random) => {
      random.uniform();
      return value;
    };
  }
  const from = low === -Infinity ? 0 : normalCdf((low - mean) / stddev);
  const to = high === Infinity ? 1 : normalCdf((high - mean) / stddev);
  if (!(to - from > 1e-9)) throw invalid(what, "its bounds leave next to nothing of it", distribution);
  return (random) => {
    const share = from + (to - from) * random.uniform();
    // 0 and 1 would be infinite; 2^-53 is the smallest step of the generator.
    const inside = Math.min(1 - 2 ** -53, Math.max(2 ** -53, share));
    return transform(Math.min(high, Math.max(low, mean + stddev * normalQuantile(inside))));
  };
}

function problemOf(distribution: Distribution): string | undefined {
  const numbers = Object.entries(distribution).filter(([key]) => key !== "kind" && key !== "values");
  for (const [key, value] of numbers) {
    if (typeof value !== "number" || !(value >= 0) || (value === Infinity && key !== "max")) {
      return `${key} must be a number ≥ 0, got ${String(value)}`;
    }
  }
  switch (distribution.kind) {
    case "constant":
      return Number.isFinite(distribution.value) ? undefined : "value must be a number ≥ 0";
    case "uniform":
      return distribution.low <= distribution.high ? undefined : "low must not be above high";
    case "empirical":
      return distribution.values.length > 0 && distribution.values.every((value) => value >= 0 && value < Infinity)
        ? undefined
        : "values must be one or more numbers ≥ 0";
    case "normal":
    case "lognormal":
    case "exponential": {
      const { min = 0, max = Infinity, mean } = distribution;
      if (!(mean >= 0) || (distribution.kind !== "normal" && !(mean > 0))) return "mean must be above 0";
      if (distribution.kind !== "exponential" && !(distribution.stddev >= 0)) return "stddev must be a number ≥ 0";
      return min < max ? undefined : "min must be below max";
    }
    default:
      return `there is no distribution ${JSON.stringify((distribution as { kind: unknown }).kind)}`;
  }
}

function invalid(what: string, problem: string, distribution: Distribution): Error {
  return workloadErrors.create("DISTRIBUTION_INVALID", `The ${what} is not a distribution: ${problem}.`, {
    details: { what, problem, distribution },
  });
}
