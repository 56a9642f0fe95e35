import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { Dial, type DialOutcome } from "../http/dialer.ts";
import { type DirectWriter, directWriter } from "../http/direct-write.ts";
import type { HttpFailure } from "../http/exchange.ts";
import { cancelledFailure, failure, failureCodes, failureOf, timeoutFailure, unexpectedEnd } from "../http/failure.ts";
import type { HttpEngine } from "../http/http-client.ts";
import { PreparedRequest, type Target } from "../http/prepared-request.ts";
import { reasonPhrase, splitHeaders } from "../http/response-head.ts";
import { ResponseParser } from "../http/response-parser.ts";
import { encodeFrame } from "./frame-encoder.ts";
import { closeCodes, FrameParser, mayBeSent, opcodes } from "./frame-parser.ts";
import { deflateMessage, inflateMessage } from "./permessage-deflate.ts";
import { agreementOf, handshakeBytes, type HandshakeRequest } from "./websocket-handshake.ts";

export interface WebSocketRequest {
  /** `ws:`, `wss:`, `http:` or `https:`. */
  readonly url: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly protocols?: readonly string[];
  /** Offer permessage-deflate. @defaultValue false */
  readonly compression?: boolean;
  /** Until the server has agreed; 0 for none. @defaultValue 60000 */
  readonly handshakeTimeoutMs?: number;
  /** How long the server may take to answer a close. @defaultValue 5000 */
  readonly closeTimeoutMs?: number;
  /** @defaultValue 67108864 (64 MiB) */
  readonly maxMessageBytes?: number;
  readonly signal?: AbortSignal;
}

/** How the server answered the request for a WebSocket. Times are ms, as in `HttpTimings`. */
export interface WebSocketHandshake {
  /** 0 where there was no answer. */
  readonly status: number;
  readonly statusText: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Chosen by the server, or empty. */
  readonly protocol: string;
  readonly compression: boolean;
  readonly startedAt: number;
  readonly lookingUp: number;
  readonly connecting: number;
  readonly tlsHandshaking: number;
  /** From the start to the server's agreement or the failure. */
  readonly duration: number;
}

/** Times are ms of the monotonic clock, when the bytes came. */
export interface WebSocketHandlers {
  readonly onOpen?: (handshake: WebSocketHandshake) => void;
  readonly onMessage?: (data: string | Buffer, at: number) => void;
  /** A pong has been sent already. */
  readonly onPing?: (data: Buffer, at: number) => void;
  readonly onPong?: (data: Buffer, at: number) => void;
  /**
   * Once, at the end. Without a close of the server's the code is 1006. `failure` tells of an end that was none of the
   * two sides' wish: the handshake failed, the connection broke, the server broke the protocol.
   */
  readonly onClose: (end: WebSocketEnd) => void;
}

export interface WebSocketEnd {
  readonly code: number;
  readonly reason: string;
  readonly at: number;
  readonly handshake: WebSocketHandshake;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly failure?: HttpFailure;
}

type State = "connecting" | "open" | "closing" | "closed";

const DEFAULT_MAX_MESSAGE = 64 * 1024 * 1024;
/** Larger writes may not complete at once and go through the stream, which queues them. */
const MAX_DIRECT = 16 * 1024;

/** A WebSocket of one virtual user. Made by `openWebSocket`. */
export class WebSocketConnection {
  bytesSent = 0;
  bytesReceived = 0;
  readonly #request: WebSocketRequest;
  readonly #handlers: WebSocketHandlers;
  readonly #now: () => number;
  readonly #startedAt: number;
  #state: State = "connecting";
  #dial: Dial | undefined;
  #socket: Socket | undefined;
  #direct: DirectWriter | undefined;
  #frames: FrameParser | undefined;
  #timer: NodeJS.Timeout | undefined;
  #handshake: WebSocketHandshake;
  #compression = false;
  #receivedAt = 0;
  readonly #onAbort = (): void => this.#end(closeCodes.abnormal, "", cancelledFailure);

  /** @internal */
  constructor(engine: HttpEngine, request: WebSocketRequest, handlers: WebSocketHandlers) {
    this.#request = request;
    this.#handlers = handlers;
    this.#now = engine.options.now;
    this.#startedAt = this.#now();
    this.#handshake = {
      status: 0,
      statusText: "",
      headers: [],
      protocol: "",
      compression: false,
      startedAt: this.#startedAt,
      lookingUp: 0,
      connecting: 0,
      tlsHandshaking: 0,
      duration: 0,
    };
    const url = request.url.replace(/^ws(s?):/i, "http$1:");
    const prepared = new PreparedRequest({ method: "GET", url, headers: request.headers ?? [] }, engine.targetOf(url));
    const problem = prepared.problem ?? (request.signal?.aborted === true ? cancelledFailure : undefined);
    if (problem || !prepared.target) {
      setImmediate(() => this.#end(closeCodes.abnormal, "", problem));
      return;
    }
    request.signal?.addEventListener("abort", this.#onAbort, { once: true });
    const { handshakeTimeoutMs = 60_000 } = request;
    if (handshakeTimeoutMs > 0) {
      this.#timer = setTimeout(() => this.#end(closeCodes.abnormal, "", timeoutFailure), handshakeTimeoutMs);
    }
    const { target } = prepared;
    this.#dial = new Dial(engine.dialer, {
      origin: target.origin,
      protocols: ["http/1.1"],
      onread: undefined,
      localAddress: undefined,
      done: (outcome) => this.#dialled(outcome, target),
    });
  }

  get state(): State {
    return this.#state;
  }

  get handshake(): WebSocketHandshake {
    return this.#handshake;
  }

  /** Bytes that the kernel has not taken yet. */
  get bufferedBytes(): number {
    return this.#socket?.writableLength ?? 0;
  }

  /** Sends a text or bytes. False, and nothing is sent, unless the connection is open. Hot. */
  send(data: string | Uint8Array): boolean {
    if (this.#state !== "open") return false;
    const opcode = typeof data === "string" ? opcodes.text : opcodes.binary;
    if (this.#compression) this.#write(encodeFrame(0xc0 | opcode, deflateMessage(data)));
    else this.#write(encodeFrame(0x80 | opcode, data));
    return true;
  }

  /** @param data - at most 125 bytes; false, and nothing is sent, where it is longer or the connection is not open */
  ping(data: string | Uint8Array = ""): boolean {
    if (this.#state !== "open" || Buffer.byteLength(data) > 125) return false;
    this.#write(encodeFrame(0x80 | opcodes.ping, data));
    return true;
  }

  /** Asks the server to close. @param code - 1000 where it is none that may be sent */
  close(code: number = closeCodes.normal, reason = ""): void {
    if (this.#state === "connecting") this.#end(closeCodes.abnormal, "", cancelledFailure);
    if (this.#state !== "open") return;
    this.#sendClose(mayBeSent(code) ? code : closeCodes.normal, reason);
    this.#state = "closing";
    this.#timer = setTimeout(() => this.#end(closeCodes.abnormal, "", undefined), this.#request.closeTimeoutMs ?? 5000);
  }

  /** Ends the connection without a word to the server. */
  terminate(): void {
    this.#end(closeCodes.abnormal, "", undefined);
  }

  #dialled(outcome: DialOutcome, target: Target): void {
    this.#dial = undefined;
    const { lookingUp, connecting, tlsHandshaking, socket } = outcome;
    this.#handshake = { ...this.#handshake, lookingUp, connecting, tlsHandshaking };
    if (!socket) {
      this.#end(closeCodes.abnormal, "", outcome.failure);
      return;
    }
    this.#socket = socket;
    const offer: HandshakeRequest = {
      headers: this.#request.headers ?? [],
      protocols: this.#request.protocols ?? [],
      compression: this.#request.compression ?? false,
    };
    const key = randomBytes(16).toString("base64");
    this.#awaitAgreement(socket, offer, key);
    socket.on("error", (error) => this.#end(closeCodes.abnormal, "", failureOf(error, "exchange")));
    socket.on("end", () => this.#end(closeCodes.abnormal, "", unexpectedEnd));
    socket.on("close", () => this.#end(closeCodes.abnormal, "", unexpectedEnd));
    const path = outcome.forwardProxy === undefined ? target.path : `http://${target.authority}${target.path}`;
    const bytes = handshakeBytes({ ...target, path }, offer, key);
    this.bytesSent += bytes.length;
    socket.write(bytes);
  }

  #awaitAgreement(socket: Socket, offer: HandshakeRequest, key: string): void {
    let headText = "";
    let status = 0;
    const parser = new ResponseParser({
      onHead: (head, bytes, start, end) => {
        ({ status } = head);
        headText = bytes.toString("latin1", start, end);
      },
      onBody: () => undefined,
    });
    // A body of a refusal is not waited for.
    parser.begin(true);
    const onData = (chunk: Buffer): void => {
      this.bytesReceived += chunk.length;
      const next = parser.execute(chunk, 0, chunk.length);
      if (next >= 0 && !parser.complete) return;
      socket.off("data", onData);
      if (next < 0) this.#end(closeCodes.abnormal, "", malformed(parser.problem));
      else this.#answered(socket, status, headText, offer, key, chunk.subarray(next));
    };
    socket.on("data", onData);
  }

  #answered(
    socket: Socket,
    status: number,
    headText: string,
    offer: HandshakeRequest,
    key: string,
    rest: Buffer,
  ): void {
    const headers = splitHeaders(headText);
    const agreement = agreementOf(status, headers, offer, key);
    const duration = this.#now() - this.#startedAt;
    this.#handshake = { ...this.#handshake, status, statusText: reasonPhrase(headText), headers, duration };
    if (typeof agreement === "string") {
      this.#end(closeCodes.abnormal, "", failure(failureCodes.generic, `websocket: ${agreement}`));
      return;
    }
    clearTimeout(this.#timer);
    this.#handshake = { ...this.#handshake, ...agreement };
    this.#compression = agreement.compression;
    this.#state = "open";
    this.#direct = directWriter(socket, (error) => this.#end(closeCodes.abnormal, "", failureOf(error, "exchange")));
    this.#frames = this.#frameParser();
    socket.on("data", (chunk: Buffer) => {
      this.bytesReceived += chunk.length;
      this.#receive(chunk);
    });
    this.#handlers.onOpen?.(this.#handshake);
    if (rest.length > 0) this.#receive(rest);
  }

  #frameParser(): FrameParser {
    const { onMessage, onPing, onPong } = this.#handlers;
    const sink = {
      onMessage: (data: string | Buffer) => onMessage?.(data, this.#receivedAt),
      onPing: (data: Buffer) => {
        if (this.#state === "open") this.#write(encodeFrame(0x80 | opcodes.pong, data));
        onPing?.(data, this.#receivedAt);
      },
      onPong: (data: Buffer) => onPong?.(data, this.#receivedAt),
      onClose: (code: number, reason: string) => {
        // The answer repeats the code; the server then ends the connection, and so do we.
        if (this.#state === "open") this.#sendClose(code === closeCodes.noStatus ? undefined : code, "");
        this.#end(code, reason, undefined);
      },
    };
    const { maxMessageBytes = DEFAULT_MAX_MESSAGE } = this.#request;
    return new FrameParser(sink, maxMessageBytes, this.#compression ? inflateMessage : undefined);
  }

  /** Hot: once a read. */
  #receive(chunk: Buffer): void {
    if (this.#state === "closed") return;
    this.#receivedAt = this.#now();
    const frames = this.#frames!;
    if (frames.push(chunk, 0, chunk.length)) return;
    if (this.#state === "open") this.#sendClose(frames.closeCode, frames.problem);
    this.#end(frames.closeCode, frames.problem, malformed(frames.problem));
  }

  #sendClose(code: number | undefined, reason: string): void {
    if (code === undefined) {
      this.#write(encodeFrame(0x80 | opcodes.close, ""));
      return;
    }
    // A reason that does not fit is cut at a whole character.
    let text = Buffer.from(reason, "utf8");
    for (let end = reason.length; text.length > 123; end--) text = Buffer.from(reason.slice(0, end), "utf8");
    const payload = Buffer.allocUnsafe(2 + text.length);
    payload.writeUInt16BE(code, 0);
    payload.set(text, 2);
    this.#write(encodeFrame(0x80 | opcodes.close, payload));
  }

  #write(frame: Buffer): void {
    this.bytesSent += frame.length;
    if (!this.#direct || frame.length > MAX_DIRECT || this.#socket!.writableLength > 0) {
      this.#socket!.write(frame);
      return;
    }
    try {
      this.#direct.write(frame);
    } catch (error) {
      setImmediate(() => this.#end(closeCodes.abnormal, "", failureOf(error, "exchange")));
    }
  }

  #end(code: number, reason: string, problem: HttpFailure | undefined): void {
    if (this.#state === "closed") return;
    // After our own close an end of the connection is what was asked for.
    const failed = this.#state === "closing" && problem === unexpectedEnd ? undefined : problem;
    this.#state = "closed";
    clearTimeout(this.#timer);
    this.#request.signal?.removeEventListener("abort", this.#onAbort);
    this.#dial?.cancel();
    const at = this.#now();
    if (this.#handshake.duration === 0) this.#handshake = { ...this.#handshake, duration: at - this.#startedAt };
    // A close frame that was written still goes out; a broken connection is not waited for.
    if (code === closeCodes.abnormal) this.#socket?.destroy();
    else this.#socket?.destroySoon();
    const { bytesSent, bytesReceived } = this;
    this.#handlers.onClose({
      code,
      reason,
      at,
      handshake: this.#handshake,
      bytesSent,
      bytesReceived,
      ...(failed && { failure: failed }),
    });
  }
}

/**
 * Connects. Nothing is thrown and nothing rejects: how it went is told to the handlers, never before this returns.
 */
export function openWebSocket(
  engine: HttpEngine,
  request: WebSocketRequest,
  handlers: WebSocketHandlers,
): WebSocketConnection {
  return new WebSocketConnection(engine, request, handlers);
}

function malformed(problem: string): HttpFailure {
  return failure(failureCodes.generic, `websocket: ${problem}`);
}
