/**
 * Optimal partitioning under a clipped quadratic cost, by functional pruning (Fearnhead & Rigaill, Changepoint
 * Detection in the Presence of Outliers, JASA 2019; Maidstone et al., Statistics and Computing 2017).
 *
 * Minimizes, over all segmentations and one level per segment, Σ min((value − level)², clip²) + penalty × changes.
 * A point far from its segment costs at most clip², so one outlier can never pay for two changes of its own.
 * Exact. Usually near-linear: about 0.02 s for 10 000 points.
 *
 * @param values - finite, in units of the noise's standard deviation about any centre; not modified
 * @returns the first index of every segment but the first, ascending
 */
export function clippedSegmentation(values: ArrayLike<number>, penalty: number, clip: number): number[] {
  const n = values.length;
  if (n < 2) return [];
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < n; i++) {
    low = Math.min(low, values[i] as number);
    high = Math.max(high, values[i] as number);
  }
  let current = new PiecewiseCost(high);
  let scratch = new PiecewiseCost(high);
  current.push(low, 0, 0, 0, 0);
  const lastChange = new Int32Array(n + 1);
  for (let t = 1; t <= n; t++) {
    if (t > 1) {
      scratch.capOf(current, current.minimum + penalty, t - 1);
      [current, scratch] = [scratch, current];
    }
    scratch.sumOf(current, values[t - 1] as number, clip);
    [current, scratch] = [scratch, current];
    lastChange[t] = current.findMinimum();
  }
  const changes: number[] = [];
  for (let at = lastChange[n] as number; at > 0; at = lastChange[at] as number) changes.push(at);
  return changes.toReversed();
}

/**
 * The least cost so far as a function of the last segment's level: quadratics a·x² + b·x + c on adjoining intervals,
 * each with the start of the segment it belongs to. Invariant: `left` ascends strictly from `low`.
 */
class PiecewiseCost {
  minimum = 0;
  readonly #high: number;
  #count = 0;
  #left = new Float64Array(64);
  #a = new Float64Array(64);
  #b = new Float64Array(64);
  #c = new Float64Array(64);
  #start = new Int32Array(64);

  constructor(high: number) {
    this.#high = high;
  }

  /** Hot: a few per point and piece. Joins a piece to its left neighbour when both are the same function. */
  push(left: number, a: number, b: number, c: number, start: number): void {
    const last = this.#count - 1;
    if (last >= 0) {
      const same = this.#a[last] === a && this.#b[last] === b && this.#c[last] === c && this.#start[last] === start;
      if (same) return;
    }
    if (this.#count === this.#left.length) this.#grow();
    const at = this.#count++;
    this.#left[at] = left;
    this.#a[at] = a;
    this.#b[at] = b;
    this.#c[at] = c;
    this.#start[at] = start;
  }

  /** Hot: becomes min(other, limit), where the limit means that a new segment starts at `start`. */
  capOf(other: PiecewiseCost, limit: number, start: number): void {
    this.#count = 0;
    for (let i = 0; i < other.#count; i++) {
      const left = other.#left[i] as number;
      const right = i + 1 < other.#count ? (other.#left[i + 1] as number) : this.#high;
      const a = other.#a[i] as number;
      const b = other.#b[i] as number;
      const c = other.#c[i] as number;
      if (a === 0) {
        if (c > limit) this.push(left, 0, 0, limit, start);
        else this.push(left, a, b, c, other.#start[i] as number);
        continue;
      }
      const discriminant = b * b - 4 * a * (c - limit);
      if (discriminant <= 0) {
        this.push(left, 0, 0, limit, start);
        continue;
      }
      const root = Math.sqrt(discriminant);
      const from = (-b - root) / (2 * a);
      const to = (-b + root) / (2 * a);
      if (to <= left || from >= right) {
        this.push(left, 0, 0, limit, start);
        continue;
      }
      if (from > left) this.push(left, 0, 0, limit, start);
      this.push(Math.max(left, from), a, b, c, other.#start[i] as number);
      if (to < right) this.push(to, 0, 0, limit, start);
    }
  }

  /** Hot: becomes other + min((x − value)², clip²). */
  sumOf(other: PiecewiseCost, value: number, clip: number): void {
    this.#count = 0;
    const from = value - clip;
    const to = value + clip;
    const flat = clip * clip;
    const square = value * value;
    for (let i = 0; i < other.#count; i++) {
      const left = other.#left[i] as number;
      const right = i + 1 < other.#count ? (other.#left[i + 1] as number) : this.#high;
      const a = other.#a[i] as number;
      const b = other.#b[i] as number;
      const c = other.#c[i] as number;
      const start = other.#start[i] as number;
      if (left < from) this.push(left, a, b, c + flat, start);
      if (right > from || i + 1 === other.#count) {
        if (left < to && right >= from) this.push(Math.max(left, from), a + 1, b - 2 * value, c + square, start);
        if (right > to) this.push(Math.max(left, to), a, b, c + flat, start);
      }
    }
  }

  /** Hot: sets `minimum`; returns the segment start that reaches it. */
  findMinimum(): number {
    let best = Number.POSITIVE_INFINITY;
    let start = 0;
    for (let i = 0; i < this.#count; i++) {
      const left = this.#left[i] as number;
      const right = i + 1 < this.#count ? (this.#left[i + 1] as number) : this.#high;
      const a = this.#a[i] as number;
      const b = this.#b[i] as number;
      const x = a === 0 ? left : Math.min(right, Math.max(left, -b / (2 * a)));
      const cost = (a * x + b) * x + (this.#c[i] as number);
      if (cost < best) {
        best = cost;
        start = this.#start[i] as number;
      }
    }
    this.minimum = best;
    return start;
  }

  #grow(): void {
    const size = this.#left.length * 2;
    const larger = (old: Float64Array): Float64Array<ArrayBuffer> => {
      const copy = new Float64Array(size);
      copy.set(old);
      return copy;
    };
    this.#left = larger(this.#left);
    this.#a = larger(this.#a);
    this.#b = larger(this.#b);
    this.#c = larger(this.#c);
    const starts = new Int32Array(size);
    starts.set(this.#start);
    this.#start = starts;
  }
}
