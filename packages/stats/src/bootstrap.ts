import { normalCdf, normalQuantile } from "./distributions.ts";
import { statsErrors } from "./errors.ts";
import { quantileSorted } from "./quantile.ts";
import { mean, requireInteger, requireOpenFraction, requireSamples, variance } from "./samples.ts";

export interface BootstrapOptions {
  /** Coverage as a fraction. @defaultValue 0.95 */
  readonly confidence?: number;
  /** Resamples drawn, 100 … 1 000 000. @defaultValue 2000, where an interval's end moves by about 3 % of its width */
  readonly resamples?: number;
  /** `bca` corrects for bias and skew; `percentile` does not. @defaultValue "bca" */
  readonly method?: "bca" | "percentile";
  /** Uniform in [0, 1); pass a seeded one for a reproducible interval. */
  readonly random: () => number;
}

export interface BootstrapInterval {
  /** The statistic of the samples themselves. */
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
  /** What was used: `percentile` also where BCa was asked for and is undefined (see `bootstrapInterval`). */
  readonly method: "bca" | "percentile";
  /** Standard deviation of the resampled statistic. */
  readonly standardError: number;
  readonly resamples: number;
}

/**
 * Bootstrap interval of any statistic. Calls it `resamples` times, and once per sample more for BCa, always on the
 * same array, which it may reorder but not keep.
 *
 * BCa is undefined where no resample (or every one) falls below the estimate or where leaving one sample out changes
 * nothing, as with a constant; the percentile interval is returned then, and says so in `method`.
 *
 * @param samples - two or more; not modified. Below about 15 an interval of a median is too narrow
 * @throws MettleError `STATS_TOO_FEW_SAMPLES`, `STATS_SAMPLE_INVALID` (of the statistic's results as well),
 * `STATS_ARGUMENT_INVALID`
 * @see Efron & Tibshirani, An Introduction to the Bootstrap (1993), sections 13.3 and 14.3
 */
export function bootstrapInterval(
  samples: ArrayLike<number>,
  statistic: (resample: Float64Array) => number,
  options: BootstrapOptions,
): BootstrapInterval {
  const { confidence = 0.95, resamples = 2000, method = "bca", random } = options;
  requireSamples(samples, 2);
  requireOpenFraction(confidence, "confidence");
  requireInteger(resamples, "resamples", 100, 1_000_000);
  const estimate = resultOf(statistic, Float64Array.from(samples));
  const replicates = resample(samples, statistic, resamples, random);
  const tail = (1 - confidence) / 2;
  const corrected = method === "bca" ? correctedLevels(samples, statistic, replicates, estimate, tail) : undefined;
  const [lowLevel, highLevel] = corrected ?? [tail, 1 - tail];
  return {
    estimate,
    low: quantileSorted(replicates, lowLevel),
    high: quantileSorted(replicates, highLevel),
    confidence,
    method: corrected ? "bca" : "percentile",
    standardError: Math.sqrt(variance(replicates)),
    resamples,
  };
}

/** The statistic of each resample, ascending. */
function resample(
  samples: ArrayLike<number>,
  statistic: (resample: Float64Array) => number,
  resamples: number,
  random: () => number,
): Float64Array {
  const count = samples.length;
  const drawn = new Float64Array(count);
  const replicates = new Float64Array(resamples);
  for (let b = 0; b < resamples; b++) {
    for (let i = 0; i < count; i++) drawn[i] = samples[Math.floor(random() * count)] ?? Number.NaN;
    replicates[b] = resultOf(statistic, drawn);
  }
  return replicates.sort();
}

/** The two quantile levels of the BCa interval; undefined where it has none. */
function correctedLevels(
  samples: ArrayLike<number>,
  statistic: (resample: Float64Array) => number,
  replicates: Float64Array,
  estimate: number,
  tail: number,
): readonly [number, number] | undefined {
  // A replicate equal to the estimate counts half: a median has many of them.
  let below = 0;
  for (const replicate of replicates) below += replicate < estimate ? 1 : replicate === estimate ? 0.5 : 0;
  const bias = normalQuantile(below / replicates.length);
  const acceleration = accelerationOf(samples, statistic);
  if (!Number.isFinite(bias) || acceleration === undefined) return undefined;
  const level = (p: number): number => {
    const shifted = bias + normalQuantile(p);
    return normalCdf(bias + shifted / (1 - acceleration * shifted));
  };
  return [level(tail), level(1 - tail)];
}

/** A sixth of the skewness of the statistic when each sample in turn is left out. */
function accelerationOf(samples: ArrayLike<number>, statistic: (resample: Float64Array) => number): number | undefined {
  const count = samples.length;
  const without = new Float64Array(count - 1);
  const results = new Float64Array(count);
  for (let left = 0; left < count; left++) {
    for (let i = 0; i < count - 1; i++) without[i] = samples[i < left ? i : i + 1] ?? Number.NaN;
    results[left] = resultOf(statistic, without);
  }
  const center = mean(results);
  let squares = 0;
  let cubes = 0;
  for (const result of results) {
    const distance = center - result;
    squares += distance ** 2;
    cubes += distance ** 3;
  }
  return squares > 0 ? cubes / (6 * squares ** 1.5) : undefined;
}

function resultOf(statistic: (resample: Float64Array) => number, values: Float64Array): number {
  const result = statistic(values);
  if (Number.isFinite(result)) return result;
  throw statsErrors.create("STATS_SAMPLE_INVALID", `The bootstrapped statistic returned ${result}.`, {
    details: { value: String(result) },
    next: "Give a statistic that is finite for every resample, those of a single repeated value included.",
  });
}
