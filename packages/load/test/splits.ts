import * as fc from "fast-check";

/** The same bytes cut at arbitrary places; each piece in a buffer of its own, so that none can be read after its turn. */
export function split(bytes: Uint8Array, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...places, bytes.length].map((end, i) => Buffer.from(bytes.subarray(places[i - 1] ?? 0, end)));
}

export const cuts: fc.Arbitrary<number[]> = fc.oneof(
  fc.array(fc.nat(1000), { maxLength: 12 }),
  // Every byte on its own.
  fc.constant(Array.from({ length: 1000 }, (_, i) => i)),
);
