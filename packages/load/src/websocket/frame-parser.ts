import { isUtf8 } from "node:buffer";

/** RFC 6455 5.2. */
export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** RFC 6455 7.4.1, those that are sent from here. */
export const closeCodes = {
  normal: 1000,
  protocolError: 1002,
  noStatus: 1005,
  abnormal: 1006,
  invalidData: 1007,
  tooBig: 1009,
} as const;

/** Takes what comes from a server. Bytes belong to the receiver. */
export interface FrameSink {
  onMessage(data: string | Buffer): void;
  onPing(data: Buffer): void;
  onPong(data: Buffer): void;
  /** `code` is `closeCodes.noStatus` where the frame gave none. */
  onClose(code: number, reason: string): void;
}

/** Undoes the compression of one message; a problem as text. */
export type Inflate = (data: Buffer, maxBytes: number) => Buffer | string;

const HEADER = 0;
const LENGTH = 1;
const PAYLOAD = 2;

const NOTHING = Buffer.alloc(0);

/** Reads a server's frames from bytes that may be split anywhere. Holds one message, up to its limit. */
export class FrameParser {
  /** Why reading stopped, or empty; then `closeCode` is what to tell the server. */
  problem = "";
  closeCode = 0;
  readonly #sink: FrameSink;
  readonly #maxMessageBytes: number;
  readonly #inflate: Inflate | undefined;
  #state = HEADER;
  #first = -1;
  #finished = false;
  #opcode = 0;
  #lengthBytes = 0;
  #length = 0;
  // Payload of a frame that came in parts.
  #payload: Buffer = NOTHING;
  #filled = 0;
  // A message in several frames.
  #messageOpcode = 0;
  #messageCompressed = false;
  #fragments: Buffer[] = [];
  #fragmentBytes = 0;
  #closed = false;

  /** @param inflate - where compression was agreed upon */
  constructor(sink: FrameSink, maxMessageBytes: number, inflate?: Inflate) {
    this.#sink = sink;
    this.#maxMessageBytes = maxMessageBytes;
    this.#inflate = inflate;
  }

  /** Hot: once a read. @returns false once the server has broken the protocol or a limit; nothing more is read then */
  push(bytes: Buffer, start: number, end: number): boolean {
    let at = start;
    while (at < end && this.problem === "" && !this.#closed) {
      if (this.#state === PAYLOAD) at = this.#readPayload(bytes, at, end);
      else this.#readHeader(bytes[at++]!);
      // A frame without payload is complete with its header.
      if (this.#state === PAYLOAD && this.#length === 0 && this.problem === "") this.#frame(NOTHING, 0, 0);
    }
    return this.problem === "";
  }

  #readHeader(byte: number): void {
    if (this.#state === LENGTH) {
      this.#length = this.#length * 256 + byte;
      if (--this.#lengthBytes === 0) this.#startPayload();
    } else if (this.#first < 0) {
      this.#first = byte;
    } else {
      this.#startFrame(this.#first, byte);
      this.#first = -1;
    }
  }

  #startFrame(first: number, second: number): void {
    this.#finished = (first & 0x80) !== 0;
    this.#opcode = first & 0x0f;
    const compressed = (first & 0x40) !== 0;
    const length = second & 0x7f;
    const problem = this.#headerProblem(first, second, compressed);
    if (problem !== "") {
      this.#fail(problem, closeCodes.protocolError);
      return;
    }
    if (this.#opcode === opcodes.text || this.#opcode === opcodes.binary) {
      this.#messageOpcode = this.#opcode;
      this.#messageCompressed = compressed;
    }
    this.#length = length < 126 ? length : 0;
    this.#lengthBytes = length === 126 ? 2 : length === 127 ? 8 : 0;
    this.#state = LENGTH;
    if (this.#lengthBytes === 0) this.#startPayload();
  }

  #headerProblem(first: number, second: number, compressed: boolean): string {
    const control = (this.#opcode & 0x08) !== 0;
    if ((first & 0x30) !== 0) return "a reserved bit is set";
    if ((second & 0x80) !== 0) return "a server's frame is masked";
    if (this.#opcode > opcodes.pong || (this.#opcode > opcodes.binary && this.#opcode < opcodes.close)) {
      return `unknown opcode ${this.#opcode}`;
    }
    if (control) {
      if (!this.#finished) return "a control frame is fragmented";
      if ((second & 0x7f) > 125) return "a control frame is too long";
      return compressed ? "a control frame is compressed" : "";
    }
    const continues = this.#opcode === opcodes.continuation;
    if (continues && this.#messageOpcode === 0) return "a continuation of nothing";
    if (!continues && this.#messageOpcode !== 0) return "a message within a message";
    return compressed && (continues || !this.#inflate) ? "a compressed frame was not agreed upon" : "";
  }

  #startPayload(): void {
    this.#state = PAYLOAD;
    this.#filled = 0;
    if (this.#opcode < opcodes.close && this.#fragmentBytes + this.#length > this.#maxMessageBytes) {
      this.#fail(`a message of more than ${this.#maxMessageBytes} bytes`, closeCodes.tooBig);
    }
  }

  #readPayload(bytes: Buffer, start: number, end: number): number {
    const available = end - start;
    if (this.#filled === 0 && available >= this.#length) {
      const next = start + this.#length;
      this.#frame(bytes, start, next);
      return next;
    }
    if (this.#filled === 0) this.#payload = Buffer.allocUnsafe(Math.min(this.#length, 2 * available));
    const take = Math.min(available, this.#length - this.#filled);
    this.#grow(this.#filled + take);
    bytes.copy(this.#payload, this.#filled, start, start + take);
    this.#filled += take;
    if (this.#filled === this.#length) {
      const payload = this.#payload;
      this.#payload = NOTHING;
      this.#frame(payload, 0, this.#length);
    }
    return start + take;
  }

  /** Grows with what has come, so that a header alone cannot make us take its length in memory. */
  #grow(needed: number): void {
    if (needed <= this.#payload.length) return;
    const grown = Buffer.allocUnsafe(Math.min(this.#length, Math.max(needed, 2 * this.#payload.length)));
    this.#payload.copy(grown, 0, 0, this.#filled);
    this.#payload = grown;
  }

  /** Hot: a whole frame. The bytes may be the read buffer. */
  #frame(bytes: Buffer, start: number, end: number): void {
    this.#state = HEADER;
    this.#filled = 0;
    if (this.#opcode >= opcodes.close) {
      this.#control(Buffer.from(bytes.subarray(start, end)));
      return;
    }
    if (this.#finished && this.#fragments.length === 0) {
      this.#message(bytes, start, end);
      return;
    }
    if (end > start) this.#fragments.push(Buffer.from(bytes.subarray(start, end)));
    this.#fragmentBytes += end - start;
    if (!this.#finished) return;
    const whole = Buffer.concat(this.#fragments, this.#fragmentBytes);
    this.#fragments = [];
    this.#fragmentBytes = 0;
    this.#message(whole, 0, whole.length);
  }

  #message(bytes: Buffer, start: number, end: number): void {
    const text = this.#messageOpcode === opcodes.text;
    const compressed = this.#messageCompressed;
    this.#messageOpcode = 0;
    if (compressed) {
      const data = this.#inflate!(bytes.subarray(start, end), this.#maxMessageBytes);
      if (typeof data === "string") this.#fail(data, closeCodes.invalidData);
      else if (text) this.#text(data, 0, data.length);
      else this.#sink.onMessage(data);
    } else if (text) {
      this.#text(bytes, start, end);
    } else {
      this.#sink.onMessage(Buffer.from(bytes.subarray(start, end)));
    }
  }

  #text(bytes: Buffer, start: number, end: number): void {
    if (isUtf8(bytes.subarray(start, end))) this.#sink.onMessage(bytes.toString("utf8", start, end));
    else this.#fail("a text that is not UTF-8", closeCodes.invalidData);
  }

  #control(data: Buffer): void {
    if (this.#opcode === opcodes.ping) this.#sink.onPing(data);
    else if (this.#opcode === opcodes.pong) this.#sink.onPong(data);
    else this.#close(data);
  }

  #close(data: Buffer): void {
    const code = data.length >= 2 ? data.readUInt16BE(0) : closeCodes.noStatus;
    const reason = data.subarray(2);
    if (data.length === 1 || (data.length >= 2 && !mayBeSent(code)) || !isUtf8(reason)) {
      this.#fail("a malformed close frame", closeCodes.protocolError);
      return;
    }
    this.#closed = true;
    this.#sink.onClose(code, reason.toString("utf8"));
  }

  #fail(problem: string, closeCode: number): void {
    this.problem = problem;
    this.closeCode = closeCode;
    this.#payload = NOTHING;
    this.#fragments = [];
  }
}

/** RFC 6455 7.4: codes that may stand in a close frame. */
export function mayBeSent(code: number): boolean {
  return (
    (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code <= 4999)
  );
}
