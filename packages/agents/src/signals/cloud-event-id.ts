import { Random, timeOrderedId } from "@mettle/core";

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");

/**
 * The outer ids of a runtime's signals: UUIDs version 7 made of a signal's time, its counter and a number drawn once per
 * runtime. The same signal gets the same id whenever it is written, so a receiver can tell a repetition from a new event;
 * ids of one millisecond sort as the signals were made.
 *
 * After the 48 bits of time: 42 bits of counter (RFC 9562, section 6.2, method 1) and 32 bits of the runtime's own.
 */
export class CloudEventIds {
  readonly #own: string;

  /** @param own - unsigned 32-bit number of this runtime; random unless given */
  constructor(own: number = Number.parseInt(timeOrderedId().slice(-8), 16)) {
    this.#own = hex(own >>> 0, 8);
  }

  /** @param counter - `Signal.id`, modulo 2^42 */
  idOf(timeMs: number, counter: number): string {
    const time = hex(Math.max(0, Math.floor(timeMs)) % 2 ** 48, 12);
    const version = hex(0x7000 | (Math.floor(counter / 2 ** 30) & 0x0fff), 4);
    const low = counter % 2 ** 30;
    const variant = hex(0x8000 | (low >>> 16), 4);
    return `${time.slice(0, 8)}-${time.slice(8)}-${version}-${variant}-${hex(low & 0xffff, 4)}${this.#own}`;
  }
}

/** @returns ids that repeat for a seed, for tests and examples */
export function seededCloudEventIds(seed: number): CloudEventIds {
  return new CloudEventIds(new Random(seed).uint32());
}
