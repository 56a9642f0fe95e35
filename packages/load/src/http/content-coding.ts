import type { Duplex } from "node:stream";
import type { HttpFailure } from "./exchange.ts";
import { failure, failureCodes } from "./failure.ts";
import { nodeZlib } from "./node-parts.ts";

/** Content codings that are undone; others leave the body as it came, as k6 does. */
export type ContentCoding = "gzip" | "deflate" | "br" | "zstd";

const codings = new Map<string, ContentCoding>([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
  ["br", "br"],
  ["zstd", "zstd"],
]);

/** Above this many compressed bytes the work goes to another thread, which costs more but does not hold up the loop. */
const SYNC_LIMIT = 64 * 1024;

/** The codings of a Content-Encoding header that can be undone, in the order to undo them. */
export function codingsToUndo(contentEncoding: string): ContentCoding[] {
  return contentEncoding
    .split(",")
    .map((word) => codings.get(word.trim().toLowerCase()))
    .filter((coding) => coding !== undefined)
    .toReversed();
}

/** `deflate` is zlib's format by the standard; some servers send it bare. The first byte tells (RFC 1950 2.2). */
const isZlib = (data: Uint8Array): boolean =>
  (data[0]! & 0x0f) === 8 && data.length > 1 && ((data[0]! << 8) | data[1]!) % 31 === 0;

type Decode = (data: Uint8Array, options: { maxOutputLength: number }, done: ZlibDone) => void;
type ZlibDone = (error: Error | null, result: Buffer) => void;

function decodeSync(coding: ContentCoding, data: Uint8Array, maxOutputLength: number): Buffer {
  const options = { maxOutputLength };
  const zlib = nodeZlib();
  switch (coding) {
    case "gzip":
      return zlib.gunzipSync(data, options);
    case "deflate":
      return isZlib(data) ? zlib.inflateSync(data, options) : zlib.inflateRawSync(data, options);
    case "br":
      return zlib.brotliDecompressSync(data, options);
    case "zstd":
      return zlib.zstdDecompressSync(data, options);
  }
}

function asyncDecoder(coding: ContentCoding, data: Uint8Array): Decode {
  const zlib = nodeZlib();
  switch (coding) {
    case "gzip":
      return zlib.gunzip;
    case "deflate":
      return isZlib(data) ? zlib.inflate : zlib.inflateRaw;
    case "br":
      return zlib.brotliDecompress;
    case "zstd":
      return zlib.zstdDecompress;
  }
}

/**
 * Undoes the codings of a whole body. Calls back at once for small bodies.
 *
 * @param maxBytes - bound of the result, so that a small body cannot become a huge one
 */
export function decodeBody(
  data: Uint8Array,
  undo: readonly ContentCoding[],
  maxBytes: number,
  done: (result: Uint8Array, problem: HttpFailure | undefined) => void,
): void {
  const [coding, ...rest] = undo;
  if (coding === undefined || data.length === 0) {
    done(data, undefined);
    return;
  }
  if (data.length <= SYNC_LIMIT) {
    let decoded: Buffer;
    try {
      decoded = decodeSync(coding, data, maxBytes);
    } catch (error) {
      done(data, decodingFailure(coding, error));
      return;
    }
    decodeBody(decoded, rest, maxBytes, done);
    return;
  }
  asyncDecoder(coding, data)(data, { maxOutputLength: maxBytes }, (error, decoded) => {
    if (error) done(data, decodingFailure(coding, error));
    else decodeBody(decoded, rest, maxBytes, done);
  });
}

function decodingFailure(coding: string, error: unknown): HttpFailure {
  const { code, message } = error as { code?: string; message: string };
  const reason = code === "ERR_BUFFER_TOO_LARGE" ? "the decoded body exceeds the limit" : message;
  return failure(failureCodes.decompression, `error decompressing response body (${coding}): ${reason}`, error);
}

/**
 * Undoes codings while the bytes arrive. What comes out of one piece carries the time at which that piece arrived.
 */
export class StreamingDecoder {
  readonly #undo: readonly ContentCoding[];
  readonly #onData: (chunk: Uint8Array, at: number) => void;
  readonly #onEnd: (problem: HttpFailure | undefined) => void;
  readonly #streams: Duplex[] = [];
  /** Arrival times of the pieces that are being worked on, the oldest first. */
  readonly #times: number[] = [];
  #lastAt = 0;
  #ended = false;

  constructor(
    undo: readonly ContentCoding[],
    onData: (chunk: Uint8Array, at: number) => void,
    onEnd: (problem: HttpFailure | undefined) => void,
  ) {
    this.#undo = undo;
    this.#onData = onData;
    this.#onEnd = onEnd;
  }

  /** The bytes belong to the decoder from here on. */
  write(bytes: Uint8Array, at: number): void {
    if (this.#streams.length === 0) this.#open(bytes);
    this.#times.push(at);
    this.#lastAt = at;
    this.#streams[0]!.write(bytes, () => this.#times.shift());
  }

  end(): void {
    if (this.#streams.length === 0) this.#finish(undefined);
    else this.#streams[0]!.end();
  }

  /** Ends with `problem`, whatever is still to come. */
  stop(problem: HttpFailure): void {
    this.#finish(problem);
  }

  /** Stops without a word. */
  destroy(): void {
    this.#ended = true;
    for (const stream of this.#streams) stream.destroy();
  }

  #open(first: Uint8Array): void {
    this.#undo.forEach((coding, i) => {
      const stream = streamFor(coding, i === 0 ? first : undefined);
      stream.on("error", (error) => this.#finish(decodingFailure(coding, error)));
      this.#streams.at(-1)?.pipe(stream);
      this.#streams.push(stream);
    });
    const last = this.#streams.at(-1)!;
    last.on("data", (chunk: Buffer) => {
      if (!this.#ended) this.#onData(chunk, this.#times[0] ?? this.#lastAt);
    });
    last.on("end", () => this.#finish(undefined));
  }

  #finish(problem: HttpFailure | undefined): void {
    if (this.#ended) return;
    this.destroy();
    this.#onEnd(problem);
  }
}

function streamFor(coding: ContentCoding, first: Uint8Array | undefined): Duplex {
  const zlib = nodeZlib();
  switch (coding) {
    case "gzip":
      return zlib.createGunzip();
    case "deflate":
      // One byte alone does not tell; then the standard's format is meant.
      return !first || first.length < 2 || isZlib(first) ? zlib.createInflate() : zlib.createInflateRaw();
    case "br":
      return zlib.createBrotliDecompress();
    case "zstd":
      return zlib.createZstdDecompress();
  }
}
