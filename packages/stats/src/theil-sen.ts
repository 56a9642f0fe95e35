import { statsErrors } from "./errors.ts";
import { normalQuantile } from "./distributions.ts";
import { medianOf } from "./internal-robust.ts";
import { requireArgument, requireConfidence, requireSamples } from "./samples.ts";

export interface TheilSen {
  /** Median of the slopes of all pairs with different x, in units of y per unit of x. */
  readonly slope: number;
  /** Median of y less slope × median of x, so that the line passes through the medians. */
  readonly intercept: number;
  /** Interval of the slope. */
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
}

export interface TheilSenOptions {
  /** Coverage of `low … high`. @defaultValue 0.95 */
  readonly confidence?: number;
}

/** Up to this many values the slopes of all pairs are formed and sorted; beyond, they are counted and bisected. */
const directLimit = 600;

/**
 * A straight line that up to 29 % of wild values do not move: the median of all pairwise slopes (Theil 1950, Sen,
 * JASA 1968) with Sen's rank interval, which allows for ties in x and y and assumes independent errors: for
 * autocorrelated ones it is too narrow. O(n²) up to 600 values, O(n log n) beyond, by counting inversions.
 *
 * @param x - finite, at least two different; any order
 * @param y - as many as x
 * @throws MettleError `STATS_TOO_FEW_SAMPLES` for fewer than 3 values, `STATS_SAMPLE_INVALID`,
 *   `STATS_ARGUMENT_INVALID` for different lengths or x all equal
 */
export function theilSen(x: ArrayLike<number>, y: ArrayLike<number>, options: TheilSenOptions = {}): TheilSen {
  const { confidence = 0.95 } = options;
  requireConfidence(confidence);
  requirePairs(x, y, 3, "Theil–Sen slope");
  const points = sortedPoints(x, y);
  const pairs = countPairs(points.x);
  const slopes = x.length <= directLimit ? sortedSlopes(points, pairs) : countedSlopes(points);
  const slope = (slopes(Math.floor((pairs - 1) / 2)) + slopes(Math.floor(pairs / 2))) / 2;
  const error = Math.sqrt(kendallVariance(points));
  const spread = -normalQuantile((1 - confidence) / 2) * error;
  const lower = Math.round((pairs - spread) / 2) - 1;
  const upper = Math.round((pairs + spread) / 2);
  return {
    slope,
    intercept: medianOf(y) - slope * medianOf(x),
    low: slopes(Math.max(0, lower)),
    high: slopes(Math.min(pairs - 1, upper)),
    confidence,
  };
}

/** @throws MettleError as the functions of x and y promise; x must hold two different values */
export function requirePairs(x: ArrayLike<number>, y: ArrayLike<number>, minimum: number, what: string): void {
  requireArgument(x.length === y.length, `${what}: x has ${x.length} values and y has ${y.length}.`);
  requireSamples(x, minimum, `${what}: x`);
  requireSamples(y, minimum, `${what}: y`);
  for (let i = 1; i < x.length; i++) if (x[i] !== x[0]) return;
  throw statsErrors.create("STATS_ARGUMENT_INVALID", `${what}: all x are ${x[0]}, so there is no slope.`, {
    details: { what },
  });
}

interface Points {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

function sortedPoints(x: ArrayLike<number>, y: ArrayLike<number>): Points {
  const order = Array.from({ length: x.length }, (_, i) => i).sort((a, b) => (x[a] as number) - (x[b] as number));
  return {
    x: Float64Array.from(order, (i) => x[i] as number),
    y: Float64Array.from(order, (i) => y[i] as number),
  };
}

/** Lengths of the runs of equal values in a sorted array. */
function runs(sorted: Float64Array): number[] {
  const lengths: number[] = [];
  for (let from = 0; from < sorted.length; ) {
    let to = from + 1;
    while (to < sorted.length && sorted[to] === sorted[from]) to++;
    lengths.push(to - from);
    from = to;
  }
  return lengths;
}

function countPairs(sortedX: Float64Array): number {
  const n = sortedX.length;
  return runs(sortedX).reduce((pairs, run) => pairs - (run * (run - 1)) / 2, (n * (n - 1)) / 2);
}

/** Variance of Kendall's S, ties in x and y corrected (Sen 1968, equation 2.6). */
function kendallVariance({ x, y }: Points): number {
  const term = (k: number): number => k * (k - 1) * (2 * k + 5);
  const ties = [...runs(x), ...runs(Float64Array.from(y).sort())];
  return ties.reduce((variance, run) => variance - term(run), term(x.length)) / 18;
}

type SlopeOfOrder = (k: number) => number;

function sortedSlopes({ x, y }: Points, pairs: number): SlopeOfOrder {
  const slopes = new Float64Array(pairs);
  let at = 0;
  for (let i = 0; i < x.length; i++) {
    for (let j = i + 1; j < x.length; j++) {
      if (x[j] === x[i]) continue;
      slopes[at++] = ((y[j] as number) - (y[i] as number)) / ((x[j] as number) - (x[i] as number));
    }
  }
  slopes.sort();
  return (k) => slopes[k] as number;
}

/**
 * The k-th slope by bisection: a pair's slope is below s exactly when y − s·x falls from the one to the other, so the
 * slopes below s are counted as inversions. To the precision of the arithmetic, about 1e-12 of the slopes' range.
 */
function countedSlopes(points: Points): SlopeOfOrder {
  const [least, most] = extremeSlopes(points);
  const buffers = { residuals: new Float64Array(points.x.length), scratch: new Float64Array(points.x.length) };
  return (k) => {
    let [low, high] = [least, most];
    // Invariant: at most k slopes lie below `low`, more than k below `high`.
    if (countSlopesBelow(points, high, buffers) <= k) return high;
    for (let step = 0; step < 80 && high - low > 1e-15 * Math.max(Math.abs(low), Math.abs(high)); step++) {
      const middle = low + (high - low) / 2;
      if (middle <= low || middle >= high) break;
      if (countSlopesBelow(points, middle, buffers) > k) high = middle;
      else low = middle;
    }
    return low;
  };
}

/** A slope across several points is a mean of those between neighbours, so the extremes lie between neighbours in x. */
function extremeSlopes({ x, y }: Points): readonly [number, number] {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let before: { readonly x: number; readonly low: number; readonly high: number } | undefined;
  let from = 0;
  for (const run of runs(x)) {
    const group = y.slice(from, from + run).sort();
    const here = { x: x[from] as number, low: group[0] as number, high: group[run - 1] as number };
    if (before) {
      least = Math.min(least, (here.low - before.high) / (here.x - before.x));
      most = Math.max(most, (here.high - before.low) / (here.x - before.x));
    }
    before = here;
    from += run;
  }
  return [least, most];
}

interface Buffers {
  readonly residuals: Float64Array;
  readonly scratch: Float64Array;
}

function countSlopesBelow({ x, y }: Points, slope: number, { residuals, scratch }: Buffers): number {
  for (let i = 0; i < x.length; i++) residuals[i] = (y[i] as number) - slope * (x[i] as number);
  // Among equal x no pair counts: ascending order there has no inversion.
  for (let from = 0; from < x.length; ) {
    let to = from + 1;
    while (to < x.length && x[to] === x[from]) to++;
    if (to - from > 1) residuals.subarray(from, to).sort();
    from = to;
  }
  return countInversions(residuals, scratch);
}

/** Hot: pairs i < j with values[i] > values[j], by bottom-up merge sort. Sorts `values`. */
function countInversions(values: Float64Array, scratch: Float64Array): number {
  const n = values.length;
  let [from, to] = [values, scratch];
  let count = 0;
  for (let width = 1; width < n; width *= 2) {
    for (let start = 0; start < n; start += 2 * width) {
      const middle = Math.min(start + width, n);
      const end = Math.min(start + 2 * width, n);
      let i = start;
      let j = middle;
      for (let at = start; at < end; at++) {
        if (i < middle && (j >= end || (from[i] as number) <= (from[j] as number))) to[at] = from[i++] as number;
        else {
          count += middle - i;
          to[at] = from[j++] as number;
        }
      }
    }
    [from, to] = [to, from];
  }
  return count;
}
