import { clip, longRunVariance, noiseFromDifferences, standardized } from "./internal-noise.ts";
import { medianOf } from "./internal-robust.ts";
import { requireArgument, requireSamples } from "./samples.ts";
import { clippedSegmentation } from "./robust-segmentation.ts";

export interface SteadyOptions {
  /** Levels within this fraction of the last one count as the same level: 0.01 is 1 %. @defaultValue 0.01 */
  readonly tolerance?: number;
  /** Least share of the series that must be steady at its end, 0 … 1. @defaultValue 0.25 */
  readonly minimumShare?: number;
  /** Fewest values that make a level; shorter stretches count as outliers. @defaultValue 5 */
  readonly minimumSegment?: number;
}

export const steadyDefaults: Required<SteadyOptions> = {
  tolerance: 0.01,
  minimumShare: 0.25,
  minimumSegment: 5,
};

/** `from`: position of the first value of the steady stretch that reaches to the end. */
export type Steady = { readonly from: number } | { readonly never: true };

/**
 * Where a warm-up series becomes steady, if it does: the earliest change after which every segment's median lies
 * within `tolerance` of the last segment's, provided that stretch is long enough (after Barrett et al., Virtual
 * Machine Warmup Blows Hot and Cold, OOPSLA 2017). About 1 ms for 300 values.
 *
 * The segments are those of the clipped segmentation before `changePoints` merges them: it takes a drift for strong
 * autocorrelation, but here a drift is what must be seen. Noise and its correlation are taken from differences of
 * near values, which a drift hardly touches; it is then cut into short steps and never steady.
 *
 * @throws MettleError `STATS_TOO_FEW_SAMPLES`, `STATS_SAMPLE_INVALID`, `STATS_ARGUMENT_INVALID`
 */
export function steadyFrom(series: ArrayLike<number>, options: SteadyOptions = {}): Steady {
  const { tolerance, minimumShare, minimumSegment } = { ...steadyDefaults, ...options };
  requireArgument(tolerance >= 0, `tolerance must be 0 or more, got ${tolerance}.`);
  requireArgument(minimumShare > 0 && minimumShare <= 1, `minimumShare must be in (0, 1], got ${minimumShare}.`);
  requireArgument(
    Number.isInteger(minimumSegment) && minimumSegment >= 2,
    `minimumSegment must be an integer of at least 2, got ${minimumSegment}.`,
  );
  requireSamples(series, 2 * minimumSegment, "Steadiness");
  const n = series.length;
  const noise = noiseFromDifferences(series);
  // Three logarithms a change rather than two: no later test takes back a change found by chance.
  const penalty = 3 * Math.log(n) * longRunVariance(Math.max(0, noise.correlation));
  const changes = noise.deviation > 0 ? clippedSegmentation(standardized(series, noise.deviation), penalty, clip) : [];
  let from = n;
  let to = n;
  let level: number | undefined;
  for (const start of [0, ...changes].toReversed()) {
    const end = to;
    to = start;
    if (end - start < minimumSegment) continue;
    const median = medianOf(series, start, end);
    level ??= median;
    if (Math.abs(median - level) > tolerance * Math.abs(level)) break;
    from = start;
  }
  return n - from >= Math.max(2 * minimumSegment, minimumShare * n) ? { from } : { never: true };
}
