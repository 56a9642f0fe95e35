import { CR, hexDigit, LF, SEMICOLON, SPACE, TAB } from "./byte-classes.ts";
import { INCOMPLETE, MALFORMED, ResponseHead } from "./response-head.ts";

/** Bounds on what a server may make us hold or read before a response is refused. */
export interface ParserLimits {
  /** Status line and fields, of each informational response too. @defaultValue 131072 */
  readonly maxHeadBytes: number;
  /** @defaultValue 1000 */
  readonly maxHeaders: number;
  /** Responses with a status of 1xx before the one that counts. @defaultValue 100 */
  readonly maxInformational: number;
  /** The trailer section after a chunked body. @defaultValue 65536 */
  readonly maxTrailerBytes: number;
}

export const parserLimitDefaults: ParserLimits = {
  maxHeadBytes: 128 * 1024,
  maxHeaders: 1000,
  maxInformational: 100,
  maxTrailerBytes: 64 * 1024,
};

/** Takes what the parser finds. Offsets are valid only during the call: the bytes are the read buffer. */
export interface ResponseSink {
  /** The final head; the fields of `head` tell the rest. Not called for informational responses. */
  onHead(head: ResponseHead, bytes: Buffer, start: number, end: number): void;
  onBody(bytes: Buffer, start: number, end: number): void;
}

const HEAD = 0;
const FIXED = 1;
const UNTIL_CLOSE = 2;
const CHUNK_SIZE_FIRST = 3;
const CHUNK_SIZE = 4;
const CHUNK_SIZE_BLANK = 5;
const CHUNK_EXTENSION = 6;
const CHUNK_SIZE_LF = 7;
const CHUNK_DATA = 8;
const CHUNK_DATA_CR = 9;
const CHUNK_DATA_LF = 10;
const TRAILER_START = 11;
const TRAILER_LINE = 12;
const TRAILER_END_LF = 13;
const DONE = 14;
const FAILED = 15;

const MAX_CHUNK_EXTENSION = 16 * 1024;

/**
 * One HTTP/1 response after the other, from bytes that may be split anywhere. Holds nothing but a head that came in parts,
 * and that only up to the limit.
 */
export class ResponseParser {
  readonly head: ResponseHead;
  /** Whether the connection may serve another request after this response. Known when it is complete. */
  keepAlive = false;
  problem = "";
  readonly #sink: ResponseSink;
  readonly #limits: ParserLimits;
  #state = HEAD;
  #withoutBody = false;
  #remaining = 0;
  #lineBytes = 0;
  #informational = 0;
  // A head that came in parts: its bytes so far, and the state of the search for its end.
  #carry: Buffer | undefined;
  #carried = 0;
  #lineIsEmpty = true;
  #sawStatusLine = false;

  constructor(sink: ResponseSink, limits: ParserLimits = parserLimitDefaults) {
    this.#sink = sink;
    this.#limits = limits;
    this.head = new ResponseHead(limits.maxHeaders);
  }

  /** Before each response. @param withoutBody - the request was HEAD, or CONNECT. Hot. */
  begin(withoutBody: boolean): void {
    this.#state = HEAD;
    this.#withoutBody = withoutBody;
    this.#informational = 0;
    this.#carried = 0;
    this.problem = "";
  }

  get complete(): boolean {
    return this.#state === DONE;
  }

  /** A part of a response has come, even if it is not the head yet. */
  get started(): boolean {
    return this.#state !== HEAD || this.#carried > 0 || this.#informational > 0;
  }

  /**
   * Takes bytes until the response is complete. Hot.
   *
   * @returns the offset after the last byte taken: below `end` only where the response ended earlier; or `MALFORMED`, with
   * `problem` set, after which nothing more may be given
   */
  execute(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end) {
      switch (this.#state) {
        case HEAD:
          at = this.#carried > 0 ? this.#continueHead(bytes, at, end) : this.#startHead(bytes, at, end);
          break;
        case FIXED: {
          const length = Math.min(this.#remaining, end - at);
          this.#remaining -= length;
          this.#sink.onBody(bytes, at, at + length);
          at += length;
          if (this.#remaining === 0) this.#state = DONE;
          break;
        }
        case UNTIL_CLOSE:
          this.#sink.onBody(bytes, at, end);
          return end;
        case DONE:
          return at;
        case FAILED:
          return MALFORMED;
        default:
          at = this.#chunked(bytes, at, end);
      }
      if (at < 0) {
        this.#state = FAILED;
        return MALFORMED;
      }
    }
    return at;
  }

  /** The peer has ended its stream. True when that completes the response; else it was cut off, if it had started. */
  finish(): boolean {
    if (this.#state === UNTIL_CLOSE) this.#state = DONE;
    if (this.#state === HEAD && this.#carried > 0) {
      // A head without an end may be wrong besides: say so, as if it had come in one piece.
      if (this.head.parse(this.#carry!, 0, this.#carried) === MALFORMED) this.problem = this.head.problem;
    }
    return this.#state === DONE;
  }

  #startHead(bytes: Buffer, start: number, end: number): number {
    const next = this.head.parse(bytes, start, end);
    if (next >= 0) {
      if (next - start > this.#limits.maxHeadBytes) return this.#headTooLong();
      return this.#afterHead(bytes) ? next : MALFORMED;
    }
    if (next === MALFORMED) {
      this.problem = this.head.problem;
      return MALFORMED;
    }
    this.#lineIsEmpty = true;
    this.#sawStatusLine = false;
    return this.#continueHead(bytes, start, end);
  }

  /** Keeps the head's bytes until its end is seen, so that each byte is looked at a fixed number of times. */
  #continueHead(bytes: Buffer, start: number, end: number): number {
    const headEnd = this.#findHeadEnd(bytes, start, end);
    const upTo = headEnd < 0 ? end : headEnd;
    if (!this.#keep(bytes, start, upTo)) return this.#headTooLong();
    if (headEnd < 0) return end;
    const carry = this.#carry!;
    const next = this.head.parse(carry, 0, this.#carried);
    if (next !== this.#carried) {
      this.problem = this.head.problem === "" ? "malformed head" : this.head.problem;
      return MALFORMED;
    }
    this.#carried = 0;
    return this.#afterHead(carry) ? headEnd : MALFORMED;
  }

  #findHeadEnd(bytes: Buffer, start: number, end: number): number {
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      if (byte === LF) {
        if (this.#lineIsEmpty && this.#sawStatusLine) return at + 1;
        this.#lineIsEmpty = true;
      } else if (byte !== CR) {
        this.#lineIsEmpty = false;
        this.#sawStatusLine = true;
      }
    }
    return INCOMPLETE;
  }

  #keep(bytes: Buffer, start: number, end: number): boolean {
    const needed = this.#carried + (end - start);
    if (needed > this.#limits.maxHeadBytes) return false;
    if (!this.#carry || this.#carry.length < needed) {
      const grown = Buffer.allocUnsafeSlow(Math.max(1024, 2 ** Math.ceil(Math.log2(needed))));
      if (this.#carry) grown.set(this.#carry.subarray(0, this.#carried));
      this.#carry = grown;
    }
    this.#carry.set(bytes.subarray(start, end), this.#carried);
    this.#carried = needed;
    return true;
  }

  #headTooLong(): number {
    this.problem = `the head is longer than ${this.#limits.maxHeadBytes} bytes`;
    return MALFORMED;
  }

  /** Decides by RFC 9112 6.3 where the body ends. */
  #afterHead(bytes: Buffer): boolean {
    const head = this.head;
    const { status } = head;
    if (status < 200 && status !== 101) {
      const tooMany = ++this.#informational > this.#limits.maxInformational;
      return !tooMany || this.#fail(`more than ${this.#limits.maxInformational} informational responses`);
    }
    this.keepAlive = head.minorVersion === 0 ? head.connectionKeepAlive : !head.connectionClose;
    if (this.#withoutBody || status === 101 || status === 204 || status === 304) {
      this.#state = DONE;
    } else if (head.hasTransferEncoding) {
      // A length beside a transfer coding may be an attempt to smuggle: the connection is not used again.
      if (head.contentLength >= 0) this.keepAlive = false;
      if (head.chunked) this.#state = CHUNK_SIZE_FIRST;
      else this.#readUntilClose();
    } else if (head.contentLength > 0) {
      this.#remaining = head.contentLength;
      this.#state = FIXED;
    } else if (head.contentLength === 0) {
      this.#state = DONE;
    } else {
      this.#readUntilClose();
    }
    this.#sink.onHead(head, bytes, head.start, head.end);
    return true;
  }

  #readUntilClose(): void {
    this.keepAlive = false;
    this.#state = UNTIL_CLOSE;
  }

  /** RFC 9112 7.1. Lines of the framing end with CRLF alone: leniency here has let messages be smuggled. */
  #chunked(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end) {
      if (this.#state === CHUNK_DATA) {
        const length = Math.min(this.#remaining, end - at);
        this.#remaining -= length;
        this.#sink.onBody(bytes, at, at + length);
        at += length;
        if (this.#remaining === 0) this.#state = CHUNK_DATA_CR;
        continue;
      }
      if (!this.#framingByte(bytes[at]!)) return MALFORMED;
      at++;
      if (this.#state === DONE) return at;
    }
    return at;
  }

  #framingByte(byte: number): boolean {
    switch (this.#state) {
      case CHUNK_SIZE_FIRST:
        this.#remaining = hexDigit(byte);
        this.#lineBytes = 0;
        this.#state = CHUNK_SIZE;
        return this.#remaining >= 0 || this.#fail("malformed chunk size");
      case CHUNK_SIZE: {
        const digit = hexDigit(byte);
        if (digit >= 0) {
          this.#remaining = this.#remaining * 16 + digit;
          return this.#remaining <= Number.MAX_SAFE_INTEGER || this.#fail("a chunk size beyond all reason");
        }
        return this.#afterChunkSize(byte);
      }
      case CHUNK_SIZE_BLANK:
      case CHUNK_EXTENSION:
        return this.#afterChunkSize(byte);
      case CHUNK_SIZE_LF:
        this.#state = this.#remaining === 0 ? TRAILER_START : CHUNK_DATA;
        this.#lineBytes = 0;
        return byte === LF || this.#fail("malformed chunk size");
      case CHUNK_DATA_CR:
        this.#state = CHUNK_DATA_LF;
        return byte === CR || this.#fail("a chunk longer than its size");
      case CHUNK_DATA_LF:
        this.#state = CHUNK_SIZE_FIRST;
        return byte === LF || this.#fail("a chunk longer than its size");
      default:
        return this.#trailerByte(byte);
    }
  }

  #afterChunkSize(byte: number): boolean {
    if (byte === CR) {
      this.#state = CHUNK_SIZE_LF;
      return true;
    }
    if (byte === SEMICOLON) this.#state = CHUNK_EXTENSION;
    else if (this.#state !== CHUNK_EXTENSION) {
      if (byte !== SPACE && byte !== TAB) return this.#fail("malformed chunk size");
      this.#state = CHUNK_SIZE_BLANK;
    } else if (byte === LF) return this.#fail("malformed chunk extension");
    return ++this.#lineBytes <= MAX_CHUNK_EXTENSION || this.#fail("a chunk extension without end");
  }

  /** Trailers are counted and passed over. */
  #trailerByte(byte: number): boolean {
    if (++this.#lineBytes > this.#limits.maxTrailerBytes) return this.#fail("trailers without end");
    switch (this.#state) {
      case TRAILER_START:
        this.#state = byte === CR ? TRAILER_END_LF : TRAILER_LINE;
        return byte !== LF || this.#fail("malformed trailer");
      case TRAILER_LINE:
        if (byte === LF) this.#state = TRAILER_START;
        return true;
      default:
        this.#state = DONE;
        return byte === LF || this.#fail("malformed trailer");
    }
  }

  #fail(problem: string): false {
    this.problem = problem;
    return false;
  }
}
