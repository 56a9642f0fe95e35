import { statsErrors } from "./errors.ts";
import { bucketCount, bucketOf } from "./histogram-buckets.ts";

/** A histogram as plain data, the same shape as in a run document. */
export interface EncodedHistogram {
  readonly kind: "log-linear/1";
  /** Sub-buckets per doubling as a power of two. */
  readonly bits: number;
  /** Values are recorded in multiples of this. */
  readonly resolution: number;
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  /** Alternating gap (empty buckets skipped) and count of the filled buckets, LEB128, base64. */
  readonly buckets: string;
  /** Exact counts of values at or under declared limits: `[limit, count]`. */
  readonly limits?: readonly (readonly [number, number])[];
  /** Recordings that were no value (NaN, negative, infinite, too large); absent when there was none. */
  readonly rejected?: number;
}

/** What `decodeHistogram` read and checked, ready to be put into a histogram. */
export interface DecodedHistogram {
  readonly bits: number;
  readonly resolution: number;
  readonly limits: readonly number[];
  /** Count of values at or below each limit. */
  readonly atOrBelow: readonly number[];
  readonly rejected: number;
  /** Bucket number and count, ascending. */
  readonly buckets: readonly (readonly [index: number, count: number])[];
}

/** @param counts - one count per bucket */
export function packBuckets(counts: Float64Array): string {
  const bytes: number[] = [];
  let gap = 0;
  for (const count of counts) {
    if (count === 0) {
      gap += 1;
      continue;
    }
    pushVarint(bytes, gap);
    pushVarint(bytes, count);
    gap = 0;
  }
  // btoa, not Buffer: a browser reads and writes these documents too.
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/** LEB128 by arithmetic: counts go up to 2^53, bit operators only to 2^31. */
function pushVarint(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}

/**
 * Reads and checks an encoded histogram; trusts nothing of it.
 *
 * @throws MettleError `HISTOGRAM_ENCODING_INVALID`
 */
export function decodeHistogram(encoded: EncodedHistogram): DecodedHistogram {
  requireScalars(encoded);
  const buckets = unpackBuckets(encoded.buckets, bucketCount(encoded.bits));
  requireConsistent(encoded, buckets);
  const limits = encoded.limits ?? [];
  requireLimits(encoded, limits);
  return {
    bits: encoded.bits,
    resolution: encoded.resolution,
    limits: limits.map(([limit]) => limit),
    atOrBelow: limits.map(([, count]) => count),
    rejected: encoded.rejected ?? 0,
    buckets,
  };
}

function invalid(reason: string, details: Readonly<Record<string, unknown>> = {}, cause?: unknown): Error {
  return statsErrors.create("HISTOGRAM_ENCODING_INVALID", `Encoded histogram: ${reason}.`, {
    details: { reason, ...details },
    cause,
  });
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isAmount = (value: unknown): value is number => Number.isFinite(value) && (value as number) >= 0;

function requireScalars(encoded: EncodedHistogram): void {
  const { kind, bits, resolution, count, min, max, sum, buckets, limits, rejected } = encoded;
  if (kind !== "log-linear/1") throw invalid(`its kind is ${String(kind)}, not log-linear/1`);
  if (!Number.isInteger(bits) || bits < 1 || bits > 14) throw invalid("bits is not a whole number from 1 to 14");
  if (!(resolution >= 1e-200 && resolution <= 1e200)) throw invalid("resolution is not between 1e-200 and 1e200");
  if (!isCount(count)) throw invalid("count is not a whole number");
  if (rejected !== undefined && !isCount(rejected)) throw invalid("rejected is not a whole number");
  if (!isAmount(min) || !isAmount(max) || !isAmount(sum)) throw invalid("min, max or sum is no amount");
  if (typeof buckets !== "string") throw invalid("buckets is not text");
  if (limits !== undefined && !Array.isArray(limits)) throw invalid("limits is not a list");
}

function unpackBuckets(text: string, length: number): [number, number][] {
  // A gap takes at most 3 bytes and a count 8; longer text cannot be right, so it is not even read.
  if (text.length > 4 * Math.ceil((11 * length) / 3)) throw invalid("buckets is longer than any histogram's");
  const bytes = bytesOf(text);
  const buckets: [number, number][] = [];
  let position = 0;
  let index = -1;
  const next = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes.charCodeAt(position);
      if (Number.isNaN(byte)) throw invalid("buckets ends in the middle of an entry", { position });
      position += 1;
      value += (byte % 128) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw invalid("a number in buckets is too large", { position });
      if (byte < 128) {
        if (byte === 0 && scale > 1) throw invalid("a number in buckets is padded", { position });
        return value;
      }
      if (scale > 2 ** 49) throw invalid("a number in buckets has too many bytes", { position });
    }
  };
  while (position < bytes.length) {
    index += next() + 1;
    if (index >= length) throw invalid("a bucket lies beyond the last one", { index, last: length - 1 });
    const count = next();
    if (count === 0) throw invalid("a filled bucket has a count of 0", { index });
    buckets.push([index, count]);
  }
  return buckets;
}

function bytesOf(text: string): string {
  if (text.length % 4 !== 0) throw invalid("buckets is cut short");
  try {
    return atob(text);
  } catch (cause) {
    throw invalid("buckets is not base64", {}, cause);
  }
}

/** What the scalars and the buckets say about each other. */
function requireConsistent(encoded: EncodedHistogram, buckets: readonly (readonly [number, number])[]): void {
  const { bits, resolution, count, min, max, sum } = encoded;
  const total = buckets.reduce((all, [, inBucket]) => all + inBucket, 0);
  if (total !== count) throw invalid("the buckets do not add up to count", { count, total });
  const first = buckets[0]?.[0];
  const last = buckets.at(-1)?.[0];
  if (first === undefined || last === undefined) {
    if (min !== 0 || max !== 0 || sum !== 0) throw invalid("it has no values but a min, max or sum");
    return;
  }
  // The very expression that recording uses, so that rounding cannot make them differ.
  const place = (value: number): number => bucketOf(value * (1 / resolution) + 0.5, bits);
  if (max > 2 ** 53 * resolution || min > max) throw invalid("min or max is out of range", { min, max });
  if (place(min) !== first || place(max) !== last) {
    throw invalid("min or max is not in the first or last bucket", { min, max });
  }
  const slack = 1e-9 * sum;
  if (sum + slack < min * count || sum - slack > max * count) {
    throw invalid("sum does not fit count, min and max", { sum, count, min, max });
  }
}

function requireLimits(encoded: EncodedHistogram, limits: readonly (readonly [number, number])[]): void {
  if (limits.length > 64) throw invalid("it has more than 64 limits");
  let previousLimit = -1;
  let previousCount = 0;
  for (const entry of limits) {
    if (!Array.isArray(entry) || entry.length !== 2) throw invalid("a limit is not a pair");
    const [limit, atOrBelow] = entry as readonly [number, number];
    if (!isAmount(limit) || limit <= previousLimit) throw invalid("limits do not ascend", { limit });
    if (!isCount(atOrBelow) || atOrBelow < previousCount || atOrBelow > encoded.count) {
      throw invalid("the count at a limit does not fit", { limit, atOrBelow });
    }
    const expected = limit >= encoded.max ? encoded.count : limit < encoded.min ? 0 : atOrBelow;
    if (atOrBelow !== expected) throw invalid("the count at a limit contradicts min or max", { limit, atOrBelow });
    [previousLimit, previousCount] = [limit, atOrBelow];
  }
}
