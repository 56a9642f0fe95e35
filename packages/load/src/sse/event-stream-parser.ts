/** One event of an event stream (HTML Living Standard, 9.2). */
export interface ServerSentEvent {
  /** `message` where the server names none. */
  readonly type: string;
  /** Lines joined by line feeds. */
  readonly data: string;
  /** The last id seen on the stream, not only in this event. */
  readonly lastEventId: string;
}

export interface EventStreamHandlers {
  /** @param at - the time given with the bytes that completed the event */
  readonly onEvent: (event: ServerSentEvent, at: number) => void;
  /** The server asks for this delay before a new connection. */
  readonly onRetry?: (delayMs: number) => void;
  readonly onComment?: (text: string) => void;
}

export interface EventStreamLimits {
  /** @defaultValue 4194304 (4 MiB): a line of a model's stream may hold a whole answer */
  readonly maxLineBytes: number;
  /** Characters of data in one event. @defaultValue 16777216 */
  readonly maxEventLength: number;
}

export const eventStreamLimitDefaults: EventStreamLimits = {
  maxLineBytes: 4 * 1024 * 1024,
  maxEventLength: 16 * 1024 * 1024,
};

const LF = 0x0a;
const CR = 0x0d;
const BYTE_ORDER_MARK = "\uFEFF";

/**
 * Reads an event stream from bytes that may be split anywhere, within a character or a line ending too: the events are the
 * same. An event is given out with the byte that ends its empty line; after a CR none is waited for. Holds one line and one
 * event at most, each up to its limit.
 */
export class EventStreamParser {
  /** Why reading stopped, or empty. */
  problem = "";
  readonly #handlers: EventStreamHandlers;
  readonly #limits: EventStreamLimits;
  // A line that came in parts.
  #line: Buffer = Buffer.allocUnsafe(0);
  #lineLength = 0;
  #afterCarriageReturn = false;
  #firstLine = true;
  #data = "";
  #hasData = false;
  #type = "";
  #lastEventId = "";

  constructor(handlers: EventStreamHandlers, limits: Partial<EventStreamLimits> = {}) {
    this.#handlers = handlers;
    this.#limits = { ...eventStreamLimitDefaults, ...limits };
  }

  /** The last `id` of the stream: what `Last-Event-ID` says when connecting again. */
  get lastEventId(): string {
    return this.#lastEventId;
  }

  /** Something came after the last whole event: if the stream ends now it was cut off, and that part is not an event. */
  get pending(): boolean {
    return this.#lineLength > 0 || this.#hasData || this.#type !== "";
  }

  /**
   * Hot: once a piece of a stream.
   *
   * @param at - when the bytes came; handed on with the events
   * @returns false, with `problem` set, once a limit is exceeded; nothing is read from then on
   */
  push(chunk: Uint8Array, at: number): boolean {
    if (this.problem !== "") return false;
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const { length } = bytes;
    let start = 0;
    if (this.#afterCarriageReturn && length > 0) {
      if (bytes[0] === LF) start = 1;
      this.#afterCarriageReturn = false;
    }
    for (let i = start; i < length; i++) {
      const byte = bytes[i]!;
      if (byte !== LF && byte !== CR) continue;
      if (!this.#endOfLine(bytes, start, i, at)) return false;
      if (byte === CR) {
        if (i + 1 === length) this.#afterCarriageReturn = true;
        else if (bytes[i + 1] === LF) i++;
      }
      start = i + 1;
    }
    return start >= length || this.#keep(bytes, start, length);
  }

  #endOfLine(bytes: Buffer, start: number, end: number, at: number): boolean {
    let line: string;
    if (this.#lineLength > 0) {
      if (!this.#keep(bytes, start, end)) return false;
      line = this.#line.toString("utf8", 0, this.#lineLength);
      this.#lineLength = 0;
    } else if (end - start > this.#limits.maxLineBytes) {
      return this.#stop(`a line of more than ${this.#limits.maxLineBytes} bytes`);
    } else {
      line = bytes.toString("utf8", start, end);
    }
    if (this.#firstLine) {
      this.#firstLine = false;
      if (line.startsWith(BYTE_ORDER_MARK)) line = line.slice(1);
    }
    return this.#take(line, at);
  }

  #keep(bytes: Buffer, start: number, end: number): boolean {
    const needed = this.#lineLength + (end - start);
    if (needed > this.#limits.maxLineBytes) {
      return this.#stop(`a line of more than ${this.#limits.maxLineBytes} bytes`);
    }
    if (this.#line.length < needed) {
      const grown = Buffer.allocUnsafeSlow(Math.max(256, 2 ** Math.ceil(Math.log2(needed))));
      grown.set(this.#line.subarray(0, this.#lineLength));
      this.#line = grown;
    }
    this.#line.set(bytes.subarray(start, end), this.#lineLength);
    this.#lineLength = needed;
    return true;
  }

  #take(line: string, at: number): boolean {
    if (line === "") {
      this.#dispatch(at);
      return true;
    }
    const colon = line.indexOf(":");
    if (colon === 0) {
      this.#handlers.onComment?.(line.slice(1));
      return true;
    }
    if (colon < 0) return this.#field(line, "");
    return this.#field(line.slice(0, colon), line.slice(line.charCodeAt(colon + 1) === 0x20 ? colon + 2 : colon + 1));
  }

  #field(name: string, value: string): boolean {
    switch (name) {
      case "data":
        if (this.#data.length + value.length >= this.#limits.maxEventLength) {
          return this.#stop(`an event of more than ${this.#limits.maxEventLength} characters`);
        }
        this.#data = this.#hasData ? `${this.#data}\n${value}` : value;
        this.#hasData = true;
        return true;
      case "event":
        this.#type = value;
        return true;
      case "id":
        if (!value.includes("\0")) this.#lastEventId = value;
        return true;
      case "retry":
        if (/^\d+$/.test(value)) this.#handlers.onRetry?.(Number(value));
        return true;
      default:
        return true;
    }
  }

  #dispatch(at: number): void {
    const hasData = this.#hasData;
    const event: ServerSentEvent = {
      type: this.#type === "" ? "message" : this.#type,
      data: this.#data,
      lastEventId: this.#lastEventId,
    };
    this.#data = "";
    this.#hasData = false;
    this.#type = "";
    if (hasData) this.#handlers.onEvent(event, at);
  }

  #stop(problem: string): false {
    this.problem = problem;
    this.#line = Buffer.allocUnsafe(0);
    this.#lineLength = 0;
    this.#data = "";
    return false;
  }
}
