import { varint } from "./protobuf.ts";

/** A literal's length fits two bytes. */
const LONGEST_LITERAL = 65_536;

/**
 * Bytes in Snappy's block format, stored and not compressed: remote write demands the format, and a few kilobytes every
 * five seconds are not worth a compressor. Every decoder reads it.
 */
export function snappyStored(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [varint(bytes.length)];
  for (let at = 0; at < bytes.length; at += LONGEST_LITERAL) {
    const literal = bytes.subarray(at, at + LONGEST_LITERAL);
    const length = literal.length - 1;
    // Tag 61 << 2: a literal whose length − 1 follows in two bytes, little-endian.
    parts.push(Uint8Array.of(61 << 2, length & 255, length >> 8), literal);
  }
  return new Uint8Array(Buffer.concat(parts));
}
