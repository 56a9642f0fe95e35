import { codingsToUndo, decodeBody, StreamingDecoder } from "./content-coding.ts";
import type { BodyChunkHandler, HttpFailure } from "./exchange.ts";
import type { Carrier, Exchange } from "./exchange-record.ts";
import { failure, failureCodes } from "./failure.ts";

/**
 * Takes the body of one response for whoever wants it: kept whole, handed on in pieces, or both. Only made where somebody
 * does; a body that nobody wants is only counted.
 */
export class BodyReceiver implements Carrier {
  readonly #exchange: Exchange;
  readonly #maxBytes: number;
  readonly #keep: boolean;
  readonly #undo: ReturnType<typeof codingsToUndo>;
  readonly #decoder: StreamingDecoder | undefined;
  #pieces: Uint8Array[] = [];
  #size = 0;
  #whenDecoded: ((problem: HttpFailure | undefined) => void) | undefined;
  #problem: HttpFailure | undefined;
  #decoded = false;
  #abandoned = false;

  /** @param contentEncoding - the header's value, or empty */
  constructor(exchange: Exchange, contentEncoding: string, maxBytes: number) {
    this.#exchange = exchange;
    this.#maxBytes = maxBytes;
    this.#keep = exchange.prepared.wantsBody;
    this.#undo = contentEncoding === "" ? [] : codingsToUndo(contentEncoding);
    const { onChunk } = exchange;
    if (onChunk && this.#undo.length > 0) this.#decoder = this.#streamingDecoder(onChunk);
  }

  /** Copies, as the bytes are the read buffer. False when the body exceeds what may be kept. */
  push(bytes: Uint8Array, start: number, end: number, at: number): boolean {
    const copy = Buffer.from(bytes.subarray(start, end));
    if (this.#decoder) {
      this.#decoder.write(copy, at);
      return this.#problem === undefined || this.#decoded;
    }
    this.#exchange.onChunk?.(copy, at, this.#exchange.status);
    return !this.#keep || this.#store(copy);
  }

  get limitFailure(): HttpFailure {
    return this.#problem ?? failure(failureCodes.generic, `the body exceeds ${this.#maxBytes} bytes`);
  }

  /**
   * Puts the body into the exchange. Calls back at once where nothing is to be decoded elsewhere; meanwhile it is what carries
   * the exchange, which may be dispatched again when it was ended otherwise.
   */
  finish(done: (problem: HttpFailure | undefined) => void): void {
    this.#exchange.carrier = this;
    this.#finish((problem) => {
      if (this.#abandoned) return;
      this.#exchange.carrier = undefined;
      done(problem);
    });
  }

  #finish(done: (problem: HttpFailure | undefined) => void): void {
    if (this.#decoder) {
      this.#whenDecoded = done;
      if (this.#decoded) this.#settle();
      else this.#decoder.end();
      return;
    }
    if (!this.#keep) {
      done(undefined);
      return;
    }
    decodeBody(this.#joined(), this.#undo, this.#maxBytes, (body, problem) => {
      if (!problem && !this.#abandoned) this.#setBody(body);
      done(problem);
    });
  }

  abandon(): void {
    this.#abandoned = true;
    this.#decoder?.destroy();
    this.#pieces = [];
  }

  #streamingDecoder(onChunk: BodyChunkHandler): StreamingDecoder {
    return new StreamingDecoder(
      this.#undo,
      (chunk, at) => {
        onChunk(chunk, at, this.#exchange.status);
        if (this.#keep && !this.#store(chunk)) this.#decoder?.stop(this.limitFailure);
      },
      (problem) => {
        this.#problem = problem;
        this.#decoded = true;
        if (this.#whenDecoded) this.#settle();
      },
    );
  }

  #settle(): void {
    if (!this.#problem && this.#keep) this.#setBody(this.#joined());
    this.#whenDecoded?.(this.#problem);
  }

  #store(piece: Uint8Array): boolean {
    this.#size += piece.length;
    if (this.#size > this.#maxBytes) {
      this.#pieces = [];
      return false;
    }
    this.#pieces.push(piece);
    return true;
  }

  #joined(): Buffer {
    const pieces = this.#pieces;
    this.#pieces = [];
    if (pieces.length === 1) return pieces[0] as Buffer;
    return Buffer.concat(pieces, this.#size);
  }

  #setBody(body: Uint8Array): void {
    this.#exchange.body = this.#exchange.prepared.wantsText
      ? Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8")
      : body;
  }
}
