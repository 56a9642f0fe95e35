import {
  COLON,
  CR,
  equalsIgnoringCase,
  fieldValueBytes,
  LF,
  nameBytes,
  SPACE,
  TAB,
  tokenBytes,
} from "./byte-classes.ts";

/** What `ResponseHead.parse` returns instead of the offset after the head. */
export const INCOMPLETE = -1;
export const MALFORMED = -2;

const CONNECTION = nameBytes("connection");
const CONTENT_LENGTH = nameBytes("content-length");
const CONTENT_ENCODING = nameBytes("content-encoding");
const SET_COOKIE = nameBytes("set-cookie");
const TRANSFER_ENCODING = nameBytes("transfer-encoding");
const HTTP_1 = Uint8Array.from("HTTP/1.", (character) => character.charCodeAt(0));

const KEEP_ALIVE = nameBytes("keep-alive");
const CLOSE = nameBytes("close");

const NO_WORDS = new Int32Array(0);
/** Longer heads are parsed each time. */
const MAX_REMEMBERED = 512;
const MAX_MISSES = 16;

// The bytes that any head was last looked for in, which most often are the read buffer again: whoever brings others each time
// gets no words of them, as making a view costs more than it saves.
let lastBytes: Buffer | undefined;
let lastWords: Int32Array | undefined;

/** Bytes as words, in the same memory. Hot. */
function wordsOf(bytes: Buffer): Int32Array | undefined {
  if (bytes !== lastBytes) {
    lastBytes = bytes;
    lastWords = undefined;
  } else if (lastWords === undefined && (bytes.byteOffset & 3) === 0) {
    lastWords = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
  }
  return lastWords;
}

/**
 * Status line and fields of one HTTP/1 response, of which only what frames the message is understood here; the rest is
 * checked and left as bytes. One object serves all responses of a connection.
 */
export class ResponseHead {
  status = 0;
  /** The digit after `HTTP/1.`. */
  minorVersion = 1;
  /** -1 where no length was given. */
  contentLength = -1;
  hasTransferEncoding = false;
  /** The last transfer coding is `chunked`. */
  chunked = false;
  /** A transfer coding other than `chunked` is in the way of the content. */
  foreignTransferCoding = false;
  hasContentEncoding = false;
  setsCookies = false;
  connectionClose = false;
  connectionKeepAlive = false;
  /** Where the status line starts and where the head ends, in the bytes given to `parse`. */
  start = 0;
  end = 0;
  problem = "";
  readonly #maxHeaders: number;
  // The last head, as bytes and as words, and what was passed over before it. Of length 0 where the fields above are not
  // those of a whole head.
  #length = 0;
  #memory: Uint8Array | undefined;
  #memoryWords: Int32Array = NO_WORDS;
  #emptyLines = 0;
  #misses = 0;

  constructor(maxHeaders: number) {
    this.#maxHeaders = maxHeaders;
  }

  /**
   * Hot: once a response, a few compares a byte. Lines end with CRLF or LF; empty lines before the status line are passed
   * over; a field may go on in the next line (obs-fold) unless it frames the message.
   *
   * @returns the offset after the empty line, `INCOMPLETE` when `end` came first, or `MALFORMED` with `problem` set
   */
  parse(bytes: Buffer, start: number, end: number): number {
    const length = this.#length;
    if (length > 0 && end - start >= length && this.#isRemembered(bytes, start, length)) {
      // Byte for byte the head before this one, as a server's heads are within a second: what is known of it still holds.
      this.start = start + this.#emptyLines;
      this.end = start + length;
      this.#misses = 0;
      return this.end;
    }
    this.#length = 0;
    const next = this.#parseAnew(bytes, start, end);
    if (next > 0 && next - start <= MAX_REMEMBERED) this.#remember(bytes, start, next);
    return next;
  }

  /** Hot. Four bytes at a time where the bytes lie so that they can be read so, as they do at the start of a read. */
  #isRemembered(bytes: Buffer, start: number, length: number): boolean {
    const memory = this.#memory!;
    let at = 0;
    const words = (start & 3) === 0 ? wordsOf(bytes) : undefined;
    if (words !== undefined) {
      const first = start >> 2;
      const whole = length >> 2;
      for (let i = 0; i < whole; i++) if (words[first + i] !== this.#memoryWords[i]) return false;
      at = whole << 2;
    }
    for (; at < length; at++) if (bytes[start + at] !== memory[at]) return false;
    return true;
  }

  #remember(bytes: Buffer, start: number, end: number): void {
    if (++this.#misses > MAX_MISSES) {
      // Heads that always differ are not worth comparing; one in a while tells whether that has changed.
      if (this.#misses >= MAX_MISSES * 16) this.#misses = 0;
      return;
    }
    const length = end - start;
    if (this.#memory === undefined) {
      this.#memory = new Uint8Array(MAX_REMEMBERED);
      this.#memoryWords = new Int32Array(this.#memory.buffer);
    }
    bytes.copy(this.#memory, 0, start, end);
    this.#length = length;
    this.#emptyLines = this.start - start;
  }

  #parseAnew(bytes: Buffer, start: number, end: number): number {
    this.contentLength = -1;
    this.hasTransferEncoding = false;
    this.chunked = false;
    this.foreignTransferCoding = false;
    this.hasContentEncoding = false;
    this.setsCookies = false;
    this.connectionClose = false;
    this.connectionKeepAlive = false;
    this.problem = "";
    let at = start;
    while (at < end && (bytes[at] === CR || bytes[at] === LF)) at++;
    this.start = at;
    at = this.#parseStatusLine(bytes, at, end);
    if (at < 0) return at;
    for (let headers = 0; ; headers++) {
      if (at >= end) return INCOMPLETE;
      const first = bytes[at]!;
      if (first === CR || first === LF) return this.#finish(bytes, at, end);
      if (headers >= this.#maxHeaders) return this.#malformed(`more than ${this.#maxHeaders} header fields`);
      at = this.#parseField(bytes, at, end);
      if (at < 0) return at;
    }
  }

  #parseStatusLine(bytes: Buffer, start: number, end: number): number {
    for (let i = 0; i < HTTP_1.length; i++) {
      if (start + i >= end) return INCOMPLETE;
      if (bytes[start + i] !== HTTP_1[i]) return this.#malformed("the response does not start with HTTP/1.");
    }
    if (start + 12 >= end) {
      // At least the three digits and an end of line must come; too early to say more.
      return this.#shortStatusLine(bytes, start, end);
    }
    const minor = bytes[start + 7]! - 0x30;
    const a = bytes[start + 9]! - 0x30;
    const b = bytes[start + 10]! - 0x30;
    const c = bytes[start + 11]! - 0x30;
    if (minor < 0 || minor > 9 || bytes[start + 8] !== SPACE) return this.#malformed("malformed HTTP version");
    if (a < 1 || a > 9 || b < 0 || b > 9 || c < 0 || c > 9) return this.#malformed("malformed status code");
    const after = bytes[start + 12]!;
    if (after !== SPACE && after !== CR && after !== LF) return this.#malformed("malformed status code");
    this.minorVersion = minor;
    this.status = a * 100 + b * 10 + c;
    return this.#endOfLine(bytes, start + 12, end, "malformed reason phrase");
  }

  #shortStatusLine(bytes: Buffer, start: number, end: number): number {
    for (let i = start + 7; i < end; i++) {
      if (bytes[i] === LF) return this.#malformed("malformed status line");
    }
    return INCOMPLETE;
  }

  /** The offset after the line whose rest, checked here, starts at `at`. */
  #endOfLine(bytes: Buffer, start: number, end: number, problem: string): number {
    let at = start;
    while (at < end && fieldValueBytes[bytes[at]!] === 1) at++;
    if (at >= end) return INCOMPLETE;
    if (bytes[at] === CR) {
      if (++at >= end) return INCOMPLETE;
    }
    return bytes[at] === LF ? at + 1 : this.#malformed(problem);
  }

  #parseField(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end && tokenBytes[bytes[at]!] === 1) at++;
    if (at >= end) return INCOMPLETE;
    const length = at - start;
    if (bytes[at] !== COLON || length === 0) return this.#malformed("malformed header name");
    const valueStart = at + 1;
    let next = this.#endOfLine(bytes, valueStart, end, "malformed header value");
    if (next < 0) return next;
    // Whether the value goes on is known only from the byte after the line.
    if (next >= end) return INCOMPLETE;
    const folded = bytes[next] === SPACE || bytes[next] === TAB;
    while (bytes[next] === SPACE || bytes[next] === TAB) {
      next = this.#endOfLine(bytes, next, end, "malformed header value");
      if (next < 0) return next;
      if (next >= end) return INCOMPLETE;
    }
    if (length === 14 || length === 10 || length === 17 || length === 16) {
      return this.#framingField(bytes, start, length, valueStart, next, folded) ? next : MALFORMED;
    }
    return next;
  }

  /** `valueEnd` is after the end of line. False when malformed. */
  #framingField(
    bytes: Buffer,
    name: number,
    length: number,
    valueStart: number,
    valueEnd: number,
    folded: boolean,
  ): boolean {
    switch (length) {
      case 14:
        if (!equalsIgnoringCase(bytes, name, CONTENT_LENGTH)) return true;
        break;
      case 10:
        if (!equalsIgnoringCase(bytes, name, CONNECTION)) {
          if (equalsIgnoringCase(bytes, name, SET_COOKIE)) this.setsCookies = true;
          return true;
        }
        break;
      case 17:
        if (!equalsIgnoringCase(bytes, name, TRANSFER_ENCODING)) return true;
        break;
      default:
        if (equalsIgnoringCase(bytes, name, CONTENT_ENCODING)) this.hasContentEncoding = true;
        return true;
    }
    if (folded) {
      this.problem = "a header that frames the message is folded over lines";
      return false;
    }
    let from = valueStart;
    let to = valueEnd;
    while (from < to && (bytes[from] === SPACE || bytes[from] === TAB)) from++;
    while (to > from && bytes[to - 1]! <= SPACE) to--;
    if (length === 14) return this.#contentLength(bytes, from, to);
    if (length === 10) {
      if (to - from === 10 && equalsIgnoringCase(bytes, from, KEEP_ALIVE)) {
        this.connectionKeepAlive = true;
        return true;
      }
      if (to - from === 5 && equalsIgnoringCase(bytes, from, CLOSE)) {
        this.connectionClose = true;
        return true;
      }
    }
    const value = bytes.toString("latin1", from, to).toLowerCase();
    if (length === 10) this.#connection(value);
    else this.#transferEncoding(value);
    return true;
  }

  #contentLength(bytes: Buffer, from: number, to: number): boolean {
    let value = 0;
    let digits = 0;
    let previous = this.contentLength;
    for (let i = from; i <= to; i++) {
      const byte = i < to ? bytes[i]! : 0x2c;
      if (byte >= 0x30 && byte <= 0x39) {
        value = value * 10 + (byte - 0x30);
        digits++;
      } else if (byte === 0x2c && digits > 0) {
        // A list, or a repeated field, may only repeat the same length (RFC 9112 6.3).
        if (value > Number.MAX_SAFE_INTEGER || (previous >= 0 && previous !== value)) digits = 0;
        if (digits === 0) break;
        previous = value;
        if (i < to) {
          value = 0;
          digits = 0;
          while (i + 1 < to && bytes[i + 1] === SPACE) i++;
        }
      } else {
        digits = 0;
        break;
      }
    }
    if (digits === 0) {
      this.problem = "malformed or contradicting Content-Length";
      return false;
    }
    this.contentLength = value;
    return true;
  }

  #connection(value: string): void {
    for (const option of value.split(",")) {
      const word = option.trim();
      if (word === "close") this.connectionClose = true;
      else if (word === "keep-alive") this.connectionKeepAlive = true;
    }
  }

  #transferEncoding(value: string): void {
    this.hasTransferEncoding = true;
    for (const coding of value.split(",")) {
      const word = coding.trim();
      if (word === "") continue;
      // Whatever follows `chunked` makes it no longer the last.
      if (this.chunked) this.foreignTransferCoding = true;
      this.chunked = word === "chunked";
      if (!this.chunked && word !== "identity") this.foreignTransferCoding = true;
    }
  }

  #finish(bytes: Buffer, at: number, end: number): number {
    if (bytes[at] === LF) {
      this.end = at + 1;
      return at + 1;
    }
    if (at + 1 >= end) return INCOMPLETE;
    if (bytes[at + 1] !== LF) return this.#malformed("a carriage return without a line feed");
    this.end = at + 2;
    return at + 2;
  }

  #malformed(problem: string): number {
    this.problem = problem;
    return MALFORMED;
  }
}

/**
 * The fields of a head that `ResponseHead` accepted, in the order received, names as sent; folded lines are joined by one
 * blank.
 *
 * @param head - status line to last field as Latin-1, the empty line included or not
 */
export function splitHeaders(head: string): [name: string, value: string][] {
  const headers: [string, string][] = [];
  let at = head.indexOf("\n") + 1;
  while (at > 0 && at < head.length) {
    let end = head.indexOf("\n", at);
    if (end < 0) end = head.length;
    const first = head.charCodeAt(at);
    const colon = head.indexOf(":", at);
    if (first === SPACE || first === TAB) {
      const last = headers.at(-1);
      if (last) last[1] = `${last[1]} ${head.slice(at, end).trim()}`.trim();
    } else if (colon > at && colon < end) {
      headers.push([head.slice(at, colon), head.slice(colon + 1, end).trim()]);
    }
    at = end + 1;
  }
  return headers;
}

/** The reason phrase of a head, empty where there is none. */
export function reasonPhrase(head: string): string {
  const end = head.indexOf("\n");
  return head.slice(13, end < 0 ? undefined : end).trim();
}
