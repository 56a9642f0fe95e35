import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { messageOf } from "@mettle/core";
import { distributeErrors } from "./errors.ts";

/**
 * Messages as bytes: JSON in which numbers that JSON has not (Infinity, NaN, -0) and typed arrays bear a mark, deflated
 * where that pays. Typed arrays are written in the byte order of the machine: little-endian wherever Node runs but s390x.
 */

/** Below this, deflating costs more than it saves. */
const DEFLATE_FROM = 4096;
/** Most bytes that a message may have when inflated. */
const MESSAGE_LIMIT = 512 * 1024 * 1024;
const PLAIN = 0;
const DEFLATED = 1;
/** Names of marked values: no name that data of ours begins with. */
const MARK = "\u0000";

const arrays = { Uint8Array, Uint16Array, Uint32Array, Float64Array } as const;
type ArrayName = keyof typeof arrays;
type TypedArray = InstanceType<(typeof arrays)[ArrayName]>;

/**
 * @param value - plain data and typed arrays; `undefined` members vanish as in JSON
 */
export function encodeMessage(value: unknown): Uint8Array {
  const text = Buffer.from(JSON.stringify(marked(value)), "utf8");
  const deflated = text.length < DEFLATE_FROM ? undefined : deflateRawSync(text, { level: constants.Z_BEST_SPEED });
  const body = deflated ?? text;
  const bytes = new Uint8Array(body.length + 1);
  bytes[0] = deflated ? DEFLATED : PLAIN;
  bytes.set(body, 1);
  return bytes;
}

/**
 * @param limit - most bytes that the message may have when inflated
 * @throws MettleError `LOAD_MESSAGE_INVALID` for what `encodeMessage` did not write
 */
export function decodeMessage(bytes: Uint8Array, limit: number = MESSAGE_LIMIT): unknown {
  const body = bytes.subarray(1);
  try {
    const text = bytes[0] === DEFLATED ? inflateRawSync(body, { maxOutputLength: limit }) : Buffer.from(body);
    if (bytes[0] !== DEFLATED && bytes[0] !== PLAIN) throw new Error(`it begins with ${bytes[0]}`);
    return unmarked(JSON.parse(text.toString("utf8")));
  } catch (cause) {
    throw distributeErrors.create("LOAD_MESSAGE_INVALID", `A message cannot be read: ${messageOf(cause)}.`, { cause });
  }
}

function marked(value: unknown): unknown {
  if (typeof value === "number") {
    return Number.isFinite(value) && !Object.is(value, -0)
      ? value
      : { [`${MARK}number`]: Object.is(value, -0) ? "-0" : String(value) };
  }
  if (typeof value !== "object" || value === null) return value;
  if (ArrayBuffer.isView(value)) return markedArray(value as TypedArray);
  if (Array.isArray(value)) return value.map((each) => marked(each === undefined ? null : each));
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]): [string, unknown][] =>
      member === undefined ? [] : [[escaped(name), marked(member)]],
    ),
  );
}

/** A name of the data's own that begins like a mark gets one more. */
const escaped = (name: string): string => (name.startsWith(MARK) ? `${MARK}${name}` : name);

function markedArray(array: TypedArray): unknown {
  const name = Buffer.isBuffer(array) ? "Uint8Array" : array.constructor.name;
  if (!Object.hasOwn(arrays, name)) throw new Error(`a ${name} cannot be sent`);
  const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  return { [`${MARK}${name}`]: bytes.toString("base64") };
}

function unmarked(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(unmarked);
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first?.[0].startsWith(MARK) && !first[0].startsWith(MARK + MARK)) {
    return unmarkedValue(first[0].slice(1), first[1]);
  }
  // `__proto__` as a name must stay a name: fromEntries defines, it does not assign.
  return Object.fromEntries(
    entries.map(([name, member]) => [name.startsWith(MARK) ? name.slice(1) : name, unmarked(member)]),
  );
}

function unmarkedValue(mark: string, written: unknown): unknown {
  if (typeof written !== "string") throw new Error(`a value marked ${mark} is no text`);
  if (mark === "number") return Number(written);
  if (!Object.hasOwn(arrays, mark)) throw new Error(`${mark} is no mark`);
  const bytes = Buffer.from(written, "base64");
  // Copied, as a Buffer may begin anywhere in its memory.
  const memory = new Uint8Array(bytes).buffer;
  return new arrays[mark as ArrayName](memory);
}
