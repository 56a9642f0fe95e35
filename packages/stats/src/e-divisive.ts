import { Random } from "@mettle/core";
import { requireArgument, requireSamples } from "./samples.ts";

export interface EDivisiveOptions {
  /** Level of each permutation test. @defaultValue 0.05 */
  readonly significance?: number;
  /** Shuffles a test. The smallest p-value is 1 / (permutations + 1). @defaultValue 199 */
  readonly permutations?: number;
  /** Fewest values in a segment. @defaultValue 5 */
  readonly minimumSegment?: number;
  readonly seed?: number;
}

export interface EDivisiveChange {
  readonly index: number;
  /** Of the permutation test that admitted the change. */
  readonly pValue: number;
}

/**
 * Changes in distribution by divisive energy statistics with exponent 1 and a seeded permutation test (Matteson &
 * James, JASA 2014), in the two-sided-window form that performance histories use (Daly et al., ICPE 2020): each split
 * compares all of the segment's left side with all of its right side. O(segment²) a split and a permutation. Kept for
 * comparison: permuting assumes independent values, so autocorrelation passes for change.
 *
 * @returns ascending by index
 * @throws MettleError `STATS_TOO_FEW_SAMPLES`, `STATS_SAMPLE_INVALID`, `STATS_ARGUMENT_INVALID`
 */
export function eDivisive(values: ArrayLike<number>, options: EDivisiveOptions = {}): EDivisiveChange[] {
  const { significance = 0.05, permutations = 199, minimumSegment = 5, seed = 1 } = options;
  requireArgument(significance > 0 && significance < 1, `significance must be in (0, 1), got ${significance}.`);
  requireArgument(
    Number.isInteger(permutations) && (permutations + 1) * significance >= 1,
    `${permutations} permutations cannot reach a p-value of ${significance}.`,
  );
  requireArgument(
    Number.isInteger(minimumSegment) && minimumSegment >= 2,
    `minimumSegment must be an integer of at least 2, got ${minimumSegment}.`,
  );
  requireSamples(values, 2 * minimumSegment, "E-divisive");
  const random = new Random(seed);
  const bounds = [0, values.length];
  const found: EDivisiveChange[] = [];
  for (;;) {
    const best = bestOver(segmentsOf(values, bounds), minimumSegment);
    if (!best) break;
    const pValue = permutationPValue(values, bounds, best.statistic, { random, permutations, minimumSegment });
    if (pValue > significance) break;
    found.push({ index: best.index, pValue });
    bounds.push(best.index);
    bounds.sort((a, b) => a - b);
  }
  return found.sort((a, b) => a.index - b.index);
}

interface Part {
  readonly from: number;
  readonly values: Float64Array;
}

function segmentsOf(values: ArrayLike<number>, bounds: readonly number[]): Part[] {
  return bounds.slice(1).map((to, i) => {
    const from = bounds[i] as number;
    return { from, values: Float64Array.from({ length: to - from }, (_, k) => values[from + k] as number) };
  });
}

interface Split {
  readonly index: number;
  readonly statistic: number;
}

function bestOver(parts: readonly Part[], minimumSegment: number): Split | undefined {
  let best: Split | undefined;
  for (const part of parts) {
    const split = energySplit(part.values, minimumSegment);
    if (split && (!best || split.statistic > best.statistic)) {
      best = { index: part.from + split.index, statistic: split.statistic };
    }
  }
  return best;
}

/** Shuffling within the segments found so far keeps earlier changes out of the null distribution. */
function permutationPValue(
  values: ArrayLike<number>,
  bounds: readonly number[],
  observed: number,
  test: { readonly random: Random; readonly permutations: number; readonly minimumSegment: number },
): number {
  let reached = 0;
  const parts = segmentsOf(values, bounds);
  for (let i = 0; i < test.permutations; i++) {
    for (const part of parts) test.random.shuffle(part.values);
    const split = bestOver(parts, test.minimumSegment);
    if (split && split.statistic >= observed) reached += 1;
  }
  return (reached + 1) / (test.permutations + 1);
}

/**
 * The split of a segment that maximizes the scaled energy distance
 * (mn / (m + n)) · (2·mean|x − y| − mean|x − x′| − mean|y − y′|), means within over distinct pairs. O(n²).
 * Hot: once per segment and permutation.
 *
 * @returns undefined when the segment cannot hold two
 */
export function energySplit(values: Float64Array, minimumSegment: number): Split | undefined {
  const n = values.length;
  if (n < 2 * minimumSegment) return undefined;
  let left = 0;
  let between = 0;
  let right = 0;
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) right += Math.abs((values[i] as number) - (values[j] as number));
  }
  let index = 0;
  let statistic = Number.NEGATIVE_INFINITY;
  for (let moved = 0; moved < n; moved++) {
    if (moved >= minimumSegment && n - moved >= minimumSegment) {
      const other = n - moved;
      const energy =
        (2 * between) / (moved * other) - left / ((moved * (moved - 1)) / 2) - right / ((other * (other - 1)) / 2);
      const scaled = ((moved * other) / n) * energy;
      if (scaled > statistic) {
        statistic = scaled;
        index = moved;
      }
    }
    const value = values[moved] as number;
    let toLeft = 0;
    let toRight = 0;
    for (let i = 0; i < moved; i++) toLeft += Math.abs(value - (values[i] as number));
    for (let i = moved + 1; i < n; i++) toRight += Math.abs(value - (values[i] as number));
    left += toLeft;
    between += toRight - toLeft;
    right -= toRight;
  }
  return { index, statistic };
}
