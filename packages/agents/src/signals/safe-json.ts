import { messageOf } from "@mettle/core";
import { signalErrors } from "./errors.ts";

/** Limits on JSON from outside. */
export interface JsonLimits {
  /** Longest text in bytes (of UTF-8). */
  readonly maxBytes: number;
  /** Deepest nesting; deeper data would overflow the stack of whoever walks it by recursion, `JSON.stringify` included. */
  readonly maxDepth: number;
}
export const jsonLimits: JsonLimits = { maxBytes: 1024 * 1024, maxDepth: 128 };

/**
 * Reads JSON that came from outside. Keys that would reach a prototype when the data is merged into another object
 * (`__proto__`, and `prototype` inside `constructor`) are refused rather than dropped, so that nothing is changed silently.
 *
 * @throws MettleError `SIGNAL_INVALID` (not JSON), `SIGNAL_TOO_LARGE`, `SIGNAL_UNSAFE`
 */
export function parseJson(text: string, limits: JsonLimits = jsonLimits): unknown {
  if (text.length > limits.maxBytes || Buffer.byteLength(text) > limits.maxBytes) {
    throw tooLarge(`is longer than ${limits.maxBytes} bytes`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw signalErrors.create("SIGNAL_INVALID", `The event is not JSON: ${messageOf(error)}.`, { cause: error });
  }
  checkData(value, limits.maxDepth);
  return value;
}

/** Level by level, so the check itself cannot overflow the stack. */
export function checkData(value: unknown, maxDepth: number = jsonLimits.maxDepth): void {
  let level: object[] = isObject(value) ? [value] : [];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > maxDepth) throw tooLarge(`is nested deeper than ${maxDepth} levels`);
    const next: object[] = [];
    for (const object of level) {
      for (const [key, child] of Object.entries(object)) {
        if (key === "__proto__") throw unsafe(key);
        if (!isObject(child)) continue;
        if (key === "constructor" && Object.hasOwn(child, "prototype")) throw unsafe("constructor.prototype");
        next.push(child);
      }
    }
    level = next;
  }
}

/** Objects and arrays whose keys come from data; bytes have none. */
const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !ArrayBuffer.isView(value);

const tooLarge = (why: string): Error => signalErrors.create("SIGNAL_TOO_LARGE", `The event ${why}.`);

const unsafe = (key: string): Error =>
  signalErrors.create("SIGNAL_UNSAFE", `The event has the key ${key}.`, { details: { key } });
