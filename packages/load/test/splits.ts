import * as fc from "fast-check";

export type Cuts = readonly number[] | "every byte";

/** The same bytes cut at arbitrary places; each piece in a buffer of its own, so that none can be read after its turn. */
export function split(bytes: Uint8Array, cuts: Cuts): Buffer[] {
  if (cuts === "every byte") return Array.from(bytes, (byte) => Buffer.of(byte));
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...places, bytes.length].map((end, i) => Buffer.from(bytes.subarray(places[i - 1] ?? 0, end)));
}

export const cuts: fc.Arbitrary<Cuts> = fc.oneof(
  fc.array(fc.nat(1000), { maxLength: 12 }),
  fc.constant("every byte" as const),
);
