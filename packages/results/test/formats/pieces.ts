/** A text as a stream delivers it: bytes in pieces of a size that respects neither lines nor characters. */
export function* inPieces(text: string, size: number): Generator<Uint8Array, void, void> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
