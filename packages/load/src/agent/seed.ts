/**
 * A seed made of another and of what it is for: the same parts give the same seed on every platform, and neighbouring
 * parts (request 7, request 8) give unrelated ones. FNV-1a over the parts, finished as in MurmurHash3.
 */
export function derivedSeed(seed: number, ...parts: readonly (number | string)[]): number {
  return finish(hash(0x811c9dc5, seed, parts)) * 2 ** 21 + (finish(hash(0x9e3779b9, seed, parts)) >>> 11);
}

function hash(basis: number, seed: number, parts: readonly (number | string)[]): number {
  let state = basis;
  for (const part of [seed, ...parts]) {
    const text = String(part);
    for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
    // Between parts, so that ("a", "b") is not ("ab").
    state = Math.imul(state ^ 0x1f, 0x01000193);
  }
  return state;
}

function finish(state: number): number {
  let mixed = state ^ (state >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
