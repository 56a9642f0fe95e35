import { argumentInvalid, requireInteger } from "./samples.ts";

export interface HistogramOptions {
  /** Sub-buckets per doubling as a power of two, 1 … 14: the relative error is at most 2^−(bits+1). @defaultValue 7 */
  readonly bits?: number;
  /** Values are recorded in multiples of this, in their own unit. @defaultValue 1 */
  readonly resolution?: number;
  /** Limits, at most 64, whose counts are kept exactly, apart from the buckets. @defaultValue none */
  readonly limits?: readonly number[];
  /**
   * Memory of at least `Histogram.byteLength(options)` to keep everything in, such as a SharedArrayBuffer: one thread
   * records, any other may attach a Histogram of equal options to the same memory and read. New memory must be all
   * zeros, and the first Histogram on it made before a second thread attaches.
   */
  readonly buffer?: ArrayBufferLike;
}

export const histogramDefaults: Required<Omit<HistogramOptions, "buffer">> = { bits: 7, resolution: 1, limits: [] };

/** Every recorded value is compared with them one by one. */
const MAXIMUM_LIMITS = 64;
/**
 * Fills in the defaults and sorts the limits.
 *
 * @throws MettleError `STATS_ARGUMENT_INVALID`
 */
export function resolveHistogramOptions(options: HistogramOptions): Required<Omit<HistogramOptions, "buffer">> {
  const bits = options.bits ?? histogramDefaults.bits;
  const resolution = options.resolution ?? histogramDefaults.resolution;
  const limits = [...new Set(options.limits)].sort((a, b) => a - b);
  requireInteger(bits, "bits", 1, 14);
  // Both ends keep 2^53 units, and one unit's reciprocal, within what a number can hold.
  if (!(resolution >= 1e-200 && resolution <= 1e200)) {
    throw argumentInvalid("resolution", resolution, "must be positive, from 1e-200 to 1e200");
  }
  if (limits.length > MAXIMUM_LIMITS) throw argumentInvalid("limits", limits.length, `are at most ${MAXIMUM_LIMITS}`);
  for (const limit of limits) {
    if (!(limit >= 0 && Number.isFinite(limit)))
      throw argumentInvalid("limit", limit, "must be finite and not negative");
  }
  return { bits, resolution, limits };
}

/** The memory given, or new memory; `length` words of it. */
export function allocateWords(length: number, buffer: ArrayBufferLike | undefined): Float64Array {
  if (!buffer) return new Float64Array(length);
  if (buffer.byteLength < length * Float64Array.BYTES_PER_ELEMENT) {
    throw argumentInvalid(
      "buffer",
      buffer.byteLength,
      `must have ${length * Float64Array.BYTES_PER_ELEMENT} bytes or more`,
    );
  }
  return new Float64Array(buffer, 0, length);
}
