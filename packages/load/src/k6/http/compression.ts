import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";

const encoders = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync, zstd: zstdCompressSync } as const;

/** Encodes a body with each algorithm in turn. */
export function compress(body: string | Uint8Array, algorithms: readonly (keyof typeof encoders)[]): Uint8Array {
  return algorithms.reduce<Uint8Array>((bytes, name) => encoders[name](bytes), Buffer.from(body));
}
