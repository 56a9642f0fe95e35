import { statsErrors } from "./errors.ts";
import { bucketCount, bucketOf, highestIn, lowestIn, middleOf } from "./histogram-buckets.ts";
import { decodeHistogram, type EncodedHistogram, packBuckets } from "./histogram-codec.ts";
import { allocateWords, type HistogramOptions, resolveHistogramOptions } from "./histogram-options.ts";
import { nearestRank } from "./quantile.ts";
import { argumentInvalid, requireFraction, requireInteger } from "./samples.ts";
import { type SampleSummary, supportedPercentiles } from "./summary.ts";

/** Above this many units of `resolution` whole numbers are no longer exact. */
const MAXIMUM_UNITS = 2 ** 53;

// One Float64Array holds everything, so that a histogram is one piece of memory that threads can share, and a counter
// stays exact up to 2^53 (a 32-bit one would wrap within hours of a busy load test).
const SIGNATURE = 0;
const RESOLUTION = 1;
const LIMIT_COUNT = 2;
const COUNT = 3;
const SUM = 4;
const SUM_LOST = 5;
const MINIMUM = 6;
const MAXIMUM = 7;
const REJECTED = 8;
const HEADER = 9;
const FORMAT = 1;

/**
 * Counts of values ≥ 0 in log-linear buckets: fixed memory for any number of values, mergeable, constant time to record.
 *
 * A value is rounded to the nearest multiple of `resolution`, called units. Up to 2^(bits+1) units each has its own
 * bucket; above, every doubling is split into 2^bits buckets of equal width, and a bucket reports its middle. With x
 * the value at a rank and r the resolution, what `quantile` says of it is off by at most
 * `max(r / 2, (x + r / 2) · 2^−(bits+1))`: nothing for whole units up to 2^(bits+1), 0.39 % above that at 7 bits.
 *
 * Exact regardless of buckets: `count`, `min`, `max`, counts at declared limits. `sum` is compensated (Kahan), so it
 * is off by a few units in the last place, however many values there are. What is no value (NaN, negative, infinite,
 * above 2^53 units) is counted in `rejected` and touches nothing else.
 *
 * Memory: 8 · (54 − bits) · 2^bits bytes: 48 kB at 7 bits.
 */
export class Histogram {
  readonly bits: number;
  readonly resolution: number;
  /** Ascending, without repeats. */
  readonly limits: readonly number[];
  readonly #words: Float64Array;
  readonly #limitCount: number;
  readonly #base: number;
  readonly #unitsPerValue: number;
  readonly #maximumValue: number;

  /**
   * @throws MettleError `STATS_ARGUMENT_INVALID` for options out of range, `HISTOGRAM_INCOMPATIBLE` for memory that
   * holds a histogram of other options
   */
  constructor(options: HistogramOptions = {}) {
    const { bits, resolution, limits } = resolveHistogramOptions(options);
    this.bits = bits;
    this.resolution = resolution;
    this.limits = limits;
    this.#limitCount = limits.length;
    this.#base = HEADER + 2 * limits.length;
    this.#unitsPerValue = 1 / resolution;
    this.#maximumValue = MAXIMUM_UNITS * resolution;
    const length = this.#base + bucketCount(bits);
    this.#words = allocateWords(length, options.buffer);
    this.#claim();
  }

  /** Bytes that `options.buffer` needs. */
  static byteLength(options: HistogramOptions = {}): number {
    const { bits, limits } = resolveHistogramOptions(options);
    return Float64Array.BYTES_PER_ELEMENT * (HEADER + 2 * limits.length + bucketCount(bits));
  }

  /**
   * Reads what `encode` wrote. Safe on text from outside: sizes are bounded before anything is allocated, and every
   * count is checked against the others.
   *
   * @throws MettleError `HISTOGRAM_ENCODING_INVALID` with the reason in `details`
   */
  static decode(encoded: EncodedHistogram): Histogram {
    const { bits, resolution, limits, buckets, atOrBelow, rejected } = decodeHistogram(encoded);
    const histogram = new Histogram({ bits, resolution, limits });
    const words = histogram.#words;
    for (const [index, count] of buckets) words[histogram.#base + index] = count;
    words[COUNT] = encoded.count;
    words[SUM] = encoded.sum;
    words[REJECTED] = rejected;
    if (encoded.count > 0) {
      words[MINIMUM] = encoded.min;
      words[MAXIMUM] = encoded.max;
    }
    for (let i = 0; i < limits.length; i++) {
      words[HEADER + limits.length + i] = (atOrBelow[i] ?? 0) - (i > 0 ? (atOrBelow[i - 1] ?? 0) : 0);
    }
    return histogram;
  }

  /** Values recorded, those rejected excluded. */
  get count(): number {
    return this.#word(COUNT);
  }

  /** Recordings that were NaN, negative, infinite or above 2^53 units. Anything but 0 is a fault of the caller. */
  get rejected(): number {
    return this.#word(REJECTED);
  }

  /** Sum of the values as given, not as rounded to buckets. */
  get sum(): number {
    return this.#word(SUM) - this.#word(SUM_LOST);
  }

  /** The least value as given; undefined while there is none. */
  get min(): number | undefined {
    return this.count > 0 ? this.#word(MINIMUM) : undefined;
  }

  /** The greatest value as given; undefined while there is none. */
  get max(): number | undefined {
    return this.count > 0 ? this.#word(MAXIMUM) : undefined;
  }

  /** Undefined while there is no value. */
  get mean(): number | undefined {
    return this.count > 0 ? this.sum / this.count : undefined;
  }

  /** Hot: once per measured operation, between two clock reads. */
  record(value: number): void {
    const words = this.#words;
    // Written so that NaN fails it.
    if (!(value >= 0 && value <= this.#maximumValue)) {
      words[REJECTED]! += 1;
      return;
    }
    const units = value * this.#unitsPerValue + 0.5;
    const bits = this.bits;
    if (units < 2147483648) {
      const whole = units | 0;
      // The shift is 0 for everything below 2^(bits+1), which is why those values need no case of their own.
      const shift = 31 - Math.clz32(whole | (1 << bits)) - bits;
      words[this.#base + (shift << bits) + (whole >>> shift)]! += 1;
    } else {
      words[this.#base + bucketOf(units, bits)]! += 1;
    }
    words[COUNT]! += 1;
    const sum = words[SUM]!;
    const added = value - words[SUM_LOST]!;
    const next = sum + added;
    words[SUM_LOST] = next - sum - added;
    words[SUM] = next;
    if (value < words[MINIMUM]!) words[MINIMUM] = value;
    if (value > words[MAXIMUM]!) words[MAXIMUM] = value;
    if (this.#limitCount > 0) this.#countLimit(value, 1);
  }

  /**
   * Records one value `times` times, at the cost of one.
   *
   * @throws MettleError `STATS_ARGUMENT_INVALID` unless `times` is a whole number ≥ 0
   */
  recordMany(value: number, times: number): void {
    requireInteger(times, "times", 0, Number.MAX_SAFE_INTEGER);
    if (times === 0) return;
    const words = this.#words;
    if (!(value >= 0 && value <= this.#maximumValue)) {
      words[REJECTED]! += times;
      return;
    }
    words[this.#base + this.#bucketOfValue(value)]! += times;
    words[COUNT]! += times;
    this.#addToSum(value * times);
    words[MINIMUM] = Math.min(this.#word(MINIMUM), value);
    words[MAXIMUM] = Math.max(this.#word(MAXIMUM), value);
    this.#countLimit(value, times);
  }

  /**
   * The value at nearest rank `ceil(q · count)`: a bucket's middle, never outside `min` … `max`; `q` 0 and 1 are exact.
   *
   * @returns undefined while there is no value
   * @throws MettleError `STATS_ARGUMENT_INVALID` for q outside 0 … 1
   */
  quantile(q: number): number | undefined {
    requireFraction(q, "q");
    const { min, max, count } = this;
    if (min === undefined || max === undefined) return undefined;
    const rank = nearestRank(q, count);
    if (rank <= 1) return min;
    if (rank >= count) return max;
    let seen = 0;
    for (let index = this.#bucketOfValue(min); index < bucketCount(this.bits); index++) {
      seen += this.#word(this.#base + index);
      if (seen >= rank) return Math.min(max, Math.max(min, middleOf(index, this.bits) * this.resolution));
    }
    // Reached only while another thread records into shared memory: its count ran ahead of its buckets.
    return max;
  }

  /**
   * How many values are at or below a declared limit. Exact.
   *
   * @throws MettleError `STATS_ARGUMENT_INVALID` for a limit that was not declared
   */
  countAtOrBelow(limit: number): number {
    const position = this.limits.indexOf(limit);
    if (position < 0)
      throw argumentInvalid("limit", limit, `must be one of those declared (${this.limits.join(", ")})`);
    let total = 0;
    for (let i = 0; i <= position; i++) total += this.#word(HEADER + this.#limitCount + i);
    return total;
  }

  /** How many values are at or below any value: the values that share its bucket are taken as evenly spread in it. */
  estimateCountAtOrBelow(value: number): number {
    const { min, max, count } = this;
    if (min === undefined || max === undefined || !(value >= min)) return 0;
    if (value >= max) return count;
    let total = 0;
    const shared = this.#bucketOfValue(value);
    for (let index = 0; index < shared; index++) total += this.#word(this.#base + index);
    const low = Math.max(min, (lowestIn(shared, this.bits) - 0.5) * this.resolution);
    const high = Math.min(max, (highestIn(shared, this.bits) + 0.5) * this.resolution);
    const share = high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 1;
    return total + share * this.#word(this.#base + shared);
  }

  /** The filled buckets, ascending: a value v lies in one when, rounded to units, `from <= v <= to`. */
  *buckets(): Generator<{ readonly from: number; readonly to: number; readonly count: number }> {
    for (let index = 0; index < bucketCount(this.bits); index++) {
      const count = this.#word(this.#base + index);
      if (count === 0) continue;
      const from = lowestIn(index, this.bits) * this.resolution;
      yield { from, to: highestIn(index, this.bits) * this.resolution, count };
    }
  }

  /**
   * Standard deviation (n − 1) with each value at its bucket's middle: off by at most the quantiles' error bound.
   *
   * @returns undefined for fewer than two values
   */
  get stddev(): number | undefined {
    const { count } = this;
    if (count < 2) return undefined;
    const middles: [number, number][] = [];
    let total = 0;
    for (const { from, to, count: inBucket } of this.buckets()) {
      const middle = this.#withinRange((from + to) / 2);
      middles.push([middle, inBucket]);
      total += middle * inBucket;
    }
    // Around the mean of the middles, not of the values: otherwise a shift of all of them would count as spread.
    const center = total / count;
    const squares = middles.reduce((sum, [middle, inBucket]) => sum + (middle - center) ** 2 * inBucket, 0);
    return Math.sqrt(squares / (count - 1));
  }

  /** The fields of a run document's summary; percentiles by nearest rank, only those that `count` supports. */
  summary(): SampleSummary {
    const { count, mean, stddev, min, max } = this;
    if (mean === undefined || min === undefined || max === undefined) return { count };
    return {
      count,
      mean,
      ...(stddev !== undefined && { stddev }),
      min,
      ...supportedPercentiles(count, (q) => this.quantile(q) ?? Number.NaN),
      max,
    };
  }

  /**
   * Adds everything the other recorded. The result is what recording all values into one would have given.
   *
   * @throws MettleError `HISTOGRAM_INCOMPATIBLE` unless bits, resolution and limits agree
   */
  merge(other: Histogram): this {
    this.#requireCompatible(other);
    const words = this.#words;
    const [count, sum, lost] = [other.#word(COUNT), other.#word(SUM), other.#word(SUM_LOST)];
    const source = other.#words;
    words[REJECTED]! += other.#word(REJECTED);
    if (count === 0) return this;
    for (let i = HEADER + this.#limitCount; i < this.#base; i++) words[i]! += source[i]!;
    // Only between the least and the greatest is anything to add: of thousands of buckets some hundreds.
    const last = this.#base + this.#bucketOfValue(other.#word(MAXIMUM));
    for (let i = this.#base + this.#bucketOfValue(other.#word(MINIMUM)); i <= last; i++) words[i]! += source[i]!;
    words[COUNT]! += count;
    this.#addToSum(sum);
    this.#addToSum(-lost);
    words[MINIMUM] = Math.min(this.#word(MINIMUM), other.#word(MINIMUM));
    words[MAXIMUM] = Math.max(this.#word(MAXIMUM), other.#word(MAXIMUM));
    return this;
  }

  /** Forgets all values and keeps the memory: for one histogram per reporting interval. */
  reset(): void {
    this.#words.fill(0, COUNT, HEADER);
    this.#words.fill(0, HEADER + this.#limitCount);
    this.#words[MINIMUM] = Number.POSITIVE_INFINITY;
    this.#words[MAXIMUM] = Number.NEGATIVE_INFINITY;
  }

  /** Plain data for a run document. An empty histogram has `min` and `max` 0 there, and no value either way. */
  encode(): EncodedHistogram {
    const { bits, resolution, count, sum, rejected, limits } = this;
    return {
      kind: "log-linear/1",
      bits,
      resolution,
      count,
      min: this.min ?? 0,
      max: this.max ?? 0,
      sum,
      buckets: packBuckets(this.#words.subarray(this.#base)),
      ...(limits.length > 0 && { limits: limits.map((limit) => [limit, this.countAtOrBelow(limit)] as const) }),
      ...(rejected > 0 && { rejected }),
    };
  }

  #bucketOfValue(value: number): number {
    return bucketOf(value * this.#unitsPerValue + 0.5, this.bits);
  }

  #withinRange(value: number): number {
    return Math.min(this.#word(MAXIMUM), Math.max(this.#word(MINIMUM), value));
  }

  /** Kahan's step; `record` has it written out. */
  #addToSum(value: number): void {
    const sum = this.#word(SUM);
    const added = value - this.#word(SUM_LOST);
    const next = sum + added;
    this.#words[SUM_LOST] = next - sum - added;
    this.#words[SUM] = next;
  }

  /** Counters hold what lies between two limits, so that recording touches one of them; reading adds them up. */
  #countLimit(value: number, times: number): void {
    const words = this.#words;
    const limitCount = this.#limitCount;
    for (let i = 0; i < limitCount; i++) {
      if (value <= words[HEADER + i]!) {
        words[HEADER + limitCount + i]! += times;
        return;
      }
    }
  }

  #requireCompatible(other: Histogram): void {
    const same =
      this.bits === other.bits &&
      this.resolution === other.resolution &&
      this.limits.length === other.limits.length &&
      this.limits.every((limit, i) => limit === other.limits[i]);
    if (same) return;
    const describe = ({ bits, resolution, limits }: Histogram): Record<string, unknown> => ({
      bits,
      resolution,
      limits,
    });
    throw statsErrors.create("HISTOGRAM_INCOMPATIBLE", "These histograms differ in bits, resolution or limits.", {
      details: { mine: describe(this), other: describe(other) },
    });
  }

  /** Marks new memory as this histogram's, or checks that it holds one of the same options. */
  #claim(): void {
    const words = this.#words;
    const signature = FORMAT * 256 + this.bits;
    if (words[SIGNATURE] === 0) {
      words[RESOLUTION] = this.resolution;
      words[LIMIT_COUNT] = this.#limitCount;
      words.set(this.limits, HEADER);
      words[MINIMUM] = Number.POSITIVE_INFINITY;
      words[MAXIMUM] = Number.NEGATIVE_INFINITY;
      words[SIGNATURE] = signature;
      return;
    }
    const same =
      words[SIGNATURE] === signature &&
      words[RESOLUTION] === this.resolution &&
      words[LIMIT_COUNT] === this.#limitCount &&
      this.limits.every((limit, i) => words[HEADER + i] === limit);
    if (!same) {
      throw statsErrors.create("HISTOGRAM_INCOMPATIBLE", "The memory given holds a histogram of other options.", {
        next: "Attach with the options that the memory was first used with, or give memory that is all zeros.",
      });
    }
  }

  #word(index: number): number {
    return this.#words[index] ?? 0;
  }
}
