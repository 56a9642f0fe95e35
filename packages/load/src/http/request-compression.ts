import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import type { ContentCoding } from "./content-coding.ts";

/**
 * A request's body in these codings, the first applied first, and the header that says so. On the calling thread: meant
 * for bodies that are prepared once or are small.
 */
export function compressBody(
  body: string | Uint8Array,
  codings: readonly ContentCoding[],
): { body: Uint8Array; contentEncoding: string } {
  let bytes: Uint8Array = typeof body === "string" ? Buffer.from(body, "utf8") : body;
  for (const coding of codings) bytes = compress(bytes, coding);
  return { body: bytes, contentEncoding: codings.join(", ") };
}

function compress(bytes: Uint8Array, coding: ContentCoding): Buffer {
  switch (coding) {
    case "gzip":
      return gzipSync(bytes);
    case "deflate":
      return deflateSync(bytes);
    case "br":
      return brotliCompressSync(bytes);
    case "zstd":
      return zstdCompressSync(bytes);
  }
}
