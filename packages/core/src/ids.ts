import type { Clock } from "./clock.ts";
import { systemClock } from "./clock.ts";

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");

/**
 * A UUID version 7 (RFC 9562): sorts by the time it was made, to the millisecond.
 *
 * @param random32 - uniform unsigned 32-bit integers; pass a seeded one for a reproducible id
 */
export function timeOrderedId(clock: Clock = systemClock, random32: () => number = systemRandom32): string {
  const time = hex(Math.max(0, Math.floor(clock.wallTime())), 12);
  const [a, b, c] = [random32(), random32(), random32()];
  const version = hex(0x7000 | (a & 0x0fff), 4);
  const variant = hex(0x8000 | ((a >>> 12) & 0x3fff), 4);
  return `${time.slice(0, 8)}-${time.slice(8)}-${version}-${variant}-${hex(b, 8)}${hex(c >>> 16, 4)}`;
}

/** Asking the system costs a microsecond, whether for one number or for many. */
const drawn = new Uint32Array(256);
let used = drawn.length;

function systemRandom32(): number {
  if (used === drawn.length) {
    crypto.getRandomValues(drawn);
    used = 0;
  }
  return drawn[used++] ?? 0;
}
