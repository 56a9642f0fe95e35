/**
 * Where a number of units falls. Bucket k holds exactly k units up to 2^(bits+1); above, every doubling is split into
 * 2^bits buckets of equal width. Bucket numbers ascend with the units and leave no gap.
 */

/** Buckets needed for 0 … 2^53 units. */
export function bucketCount(bits: number): number {
  return (54 - bits) * 2 ** bits + 1;
}

/** @param units - 0 … 2^53 (half a unit more is allowed); the fraction is dropped */
export function bucketOf(units: number, bits: number): number {
  if (units < 2147483648) {
    const whole = units | 0;
    const shift = 31 - Math.clz32(whole | (1 << bits)) - bits;
    return (shift << bits) + (whole >>> shift);
  }
  // The exponent from the upper 32 bits (clz32(0) is 32, which makes it 31); Math.log2 would round 2^49 − 1 up to 49.
  const shift = 63 - Math.clz32(Math.floor(units / 4294967296)) - bits;
  return shift * 2 ** bits + Math.floor(units / 2 ** shift);
}

/** The least whole number of units in a bucket. */
export function lowestIn(index: number, bits: number): number {
  const shift = shiftOf(index, bits);
  return (index - shift * 2 ** bits) * 2 ** shift;
}

/** The greatest whole number of units in a bucket. */
export function highestIn(index: number, bits: number): number {
  return lowestIn(index, bits) + 2 ** shiftOf(index, bits) - 1;
}

/** Middle of the whole numbers in a bucket: half a width at most from any of them. */
export function middleOf(index: number, bits: number): number {
  return lowestIn(index, bits) + (2 ** shiftOf(index, bits) - 1) / 2;
}

/** The bucket is 2^shift units wide. */
function shiftOf(index: number, bits: number): number {
  return Math.max(0, Math.floor(index / 2 ** bits) - 1);
}
