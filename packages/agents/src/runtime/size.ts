const WORD = 8;
const OBJECT = 3 * WORD;
/** Of a longer collection this many items are looked at, and stand for the others. */
const SAMPLED = 64;
const DEEPEST = 200;

/**
 * The heap bytes that a value keeps alive, estimated from V8's layout on 64 bits (a word a field, three a header). Shared
 * parts count once; what closures hold is not seen; of a collection of more than 64 a sample is looked at, so that the
 * cost stays small for any state. An account to hold against a limit, not a measurement.
 */
export function accountedSize(value: unknown): number {
  return Math.round(sizeOf(value, new Set(), 0));
}

function sizeOf(value: unknown, seen: Set<object>, depth: number): number {
  if (typeof value === "string") return OBJECT + value.length;
  if (typeof value === "number") return Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? 0 : 2 * WORD; // in its field
  if (typeof value === "bigint") return OBJECT;
  if (typeof value !== "object" || value === null || seen.has(value) || depth > DEEPEST) return 0;
  seen.add(value);
  if (ArrayBuffer.isView(value)) return OBJECT * 2 + value.byteLength;
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return OBJECT + value.byteLength;
  if (Array.isArray(value)) {
    const sample = spread(value);
    // Of numbers only: they are in the array itself, whole or not. Beside others a fraction is an object of its own.
    const inPlace = sample.every((item) => typeof item === "number");
    return OBJECT + WORD * (2 + value.length) + (inPlace ? 0 : itemsOf(sample, value.length, seen, depth));
  }
  if (value instanceof Map) return OBJECT + value.size * 4 * WORD + itemsOf(first(value), value.size, seen, depth);
  if (value instanceof Set) return OBJECT + value.size * 3 * WORD + itemsOf(first(value), value.size, seen, depth);
  const fields = Object.values(value);
  return OBJECT + fields.length * WORD + itemsOf(spread(fields), fields.length, seen, depth);
}

function itemsOf(sample: readonly unknown[], count: number, seen: Set<object>, depth: number): number {
  if (sample.length === 0) return 0;
  let total = 0;
  for (const item of sample) total += sizeOf(item, seen, depth + 1);
  return (total * count) / sample.length;
}

/** All of a short array, evenly spread items of a long one. */
function spread(items: readonly unknown[]): readonly unknown[] {
  if (items.length <= SAMPLED) return items;
  const step = items.length / SAMPLED;
  return Array.from({ length: SAMPLED }, (_, i) => items[Math.floor(i * step)]);
}

/** The first items of a collection that has no index; of a map, each with its key. */
function first(items: Iterable<unknown>): unknown[] {
  const sample: unknown[] = [];
  for (const item of items) {
    if (sample.length === SAMPLED) break;
    sample.push(item);
  }
  return sample;
}
