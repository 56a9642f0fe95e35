import { bytesOf } from "../http/body.ts";
import { textOf } from "../text.ts";

type Variant = "std" | "rawstd" | "url" | "rawurl";

function variantOf(encoding: unknown): Variant {
  if (encoding === undefined || encoding === "") return "std";
  if (encoding === "std" || encoding === "rawstd" || encoding === "url" || encoding === "rawurl") return encoding;
  throw new TypeError(`unknown base64 encoding ${textOf(encoding)}: use std, rawstd, url or rawurl`);
}

/** An ArrayBuffer of its own, as scripts expect one. */
export const arrayBufferOf = (bytes: Uint8Array): ArrayBuffer =>
  bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;

function b64encode(input: string | ArrayBuffer, encoding?: unknown): string {
  const variant = variantOf(encoding);
  const bytes = Buffer.from(bytesOf(input));
  const text = variant.endsWith("url") ? bytes.toString("base64url") : bytes.toString("base64");
  if (variant === "rawstd") return text.replace(/=+$/, "");
  return variant === "url" ? text.padEnd(Math.ceil(text.length / 4) * 4, "=") : text;
}

function b64decode(input: string, encoding?: unknown, format?: string): string | ArrayBuffer {
  const variant = variantOf(encoding);
  const alphabet = variant.endsWith("url") ? /^[\w-]*={0,2}$/ : /^[A-Za-z0-9+/]*={0,2}$/;
  if (!alphabet.test(input)) throw new Error(`illegal base64 data for encoding ${variant}`);
  const bytes = Buffer.from(input, variant.endsWith("url") ? "base64url" : "base64");
  return format === "s" ? bytes.toString("utf8") : arrayBufferOf(bytes);
}

/** The module `k6/encoding`. */
export const encodingModule = (): Record<string, unknown> => ({ b64encode, b64decode });
