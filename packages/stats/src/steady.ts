import { changePoints } from "./change-points.ts";
import { requireArgument, requireConfidence, requireSample } from "./internal-validate.ts";

export interface SteadyOptions {
  /** Levels within this fraction of the last one count as the same level: 0.01 is 1 %. @defaultValue 0.01 */
  readonly tolerance?: number;
  /** Least share of the series that must be steady at its end, 0 … 1. @defaultValue 0.25 */
  readonly minimumShare?: number;
  /** Fewest values on each side of a change of level. @defaultValue 5 */
  readonly minimumSegment?: number;
  /** Of the segmentation. @defaultValue 0.99 */
  readonly confidence?: number;
}

export const steadyDefaults: Required<SteadyOptions> = {
  tolerance: 0.01,
  minimumShare: 0.25,
  minimumSegment: 5,
  confidence: 0.99,
};

/** `from`: position of the first value of the steady stretch that reaches to the end. */
export type Steady = { readonly from: number } | { readonly never: true };

/**
 * Where a warm-up series becomes steady, if it does: the earliest change after which every segment's median lies
 * within `tolerance` of the last segment's, provided that stretch is long enough (after Barrett et al., Virtual
 * Machine Warmup Blows Hot and Cold, OOPSLA 2017). A series that still drifts is cut into short steps and is never
 * steady; one that alternates between two levels at every turn is steady about both. Under 1 ms for 300 values.
 *
 * @throws MettleError `STATS_TOO_FEW_SAMPLES`, `STATS_SAMPLE_INVALID`, `STATS_ARGUMENT_INVALID`
 */
export function steadyFrom(series: ArrayLike<number>, options: SteadyOptions = {}): Steady {
  const { tolerance, minimumShare, minimumSegment, confidence } = { ...steadyDefaults, ...options };
  requireArgument(tolerance >= 0, `tolerance must be 0 or more, got ${tolerance}.`);
  requireArgument(minimumShare > 0 && minimumShare <= 1, `minimumShare must be in (0, 1], got ${minimumShare}.`);
  requireConfidence(confidence);
  requireSample(series, 2 * minimumSegment, "Steadiness");
  const { segments } = changePoints(series, { minimumSegment, confidence });
  let from = series.length;
  let level: number | undefined;
  for (const segment of segments.toReversed()) {
    level ??= segment.median;
    if (Math.abs(segment.median - level) > tolerance * Math.abs(level)) break;
    from = segment.from;
  }
  const length = series.length - from;
  return length >= Math.max(2 * minimumSegment, minimumShare * series.length) ? { from } : { never: true };
}
