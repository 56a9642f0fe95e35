import type { Deadline } from "./deadline-queue.ts";
import type { BodyChunkHandler, HttpFailure, HttpResponse, HttpTimings } from "./exchange.ts";
import type { PreparedRequest } from "./prepared-request.ts";
import { reasonPhrase, type ResponseHead, splitHeaders } from "./response-head.ts";

/** What an exchange says of the connection that carried it. */
export interface ConnectionFacts {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly tls: { readonly version: string; readonly cipher: string } | undefined;
}

/** Whatever carries an exchange at the moment and can be told that it is over. */
export interface Carrier {
  /** The exchange has ended otherwise (timeout, abort): stop working for it. */
  abandon(exchange: Exchange): void;
}

export interface ExchangeOptions {
  /** Once, when the exchange has ended, well or not. It may be dispatched again from here. */
  readonly onDone: (exchange: Exchange) => void;
  readonly onChunk?: BodyChunkHandler;
  /** Keep the head, for `headers` and `statusText`. @defaultValue true */
  readonly keepHead?: boolean;
}

/**
 * One exchange while it happens and after. For the hottest loops: make one, `dispatch` it, read it in `onDone`, dispatch it
 * again; nothing is allocated for a request then. Times are ms of the monotonic clock, 0 where a moment did not come.
 */
export class Exchange implements Deadline {
  readonly prepared: PreparedRequest;
  readonly onDone: (exchange: Exchange) => void;
  readonly onChunk: BodyChunkHandler | undefined;
  readonly keepHead: boolean;

  startedAt = 0;
  /** When a connection was ready for this exchange. */
  connectedAt = 0;
  sentAt = 0;
  firstByteAt = 0;
  endedAt = 0;
  lookingUp = 0;
  connecting = 0;
  tlsHandshaking = 0;

  status = 0;
  /** Undefined where nobody looked. */
  setsCookies: boolean | undefined = undefined;
  protocol: HttpResponse["protocol"] = "";
  bytesSent = 0;
  bytesReceived = 0;
  failure: HttpFailure | undefined = undefined;
  /** The connection of this exchange was kept from an earlier one. */
  reusedConnection = false;
  /** The exchange was begun anew because a kept connection had been closed. */
  retried = false;
  facts: ConnectionFacts | undefined = undefined;

  /** Status line and fields, Latin-1. Empty unless kept. */
  headText = "";
  /** Set instead of `headText` by HTTP/2. */
  headerList: readonly (readonly [name: string, value: string])[] | undefined = undefined;
  body: string | Uint8Array | undefined = undefined;

  // Of the machinery; nobody else's business.
  active = false;
  carrier: Carrier | undefined = undefined;
  next: Exchange | undefined = undefined;
  dueAt = 0;
  deadlineList: Deadline["deadlineList"] = undefined;
  earlier: Deadline | undefined = undefined;
  later: Deadline | undefined = undefined;
  onAbort: (() => void) | undefined = undefined;

  constructor(prepared: PreparedRequest, options: ExchangeOptions) {
    this.prepared = prepared;
    this.onDone = options.onDone;
    this.onChunk = options.onChunk;
    this.keepHead = options.keepHead ?? true;
  }

  /** Hot. */
  begin(now: number): void {
    this.startedAt = now;
    this.endedAt = 0;
    this.failure = undefined;
    this.retried = false;
    this.active = true;
    this.forgetAttempt();
  }

  /** Before a second attempt: what the first left. The time it took stays within `blocked`. */
  forgetAttempt(): void {
    this.connectedAt = 0;
    this.sentAt = 0;
    this.firstByteAt = 0;
    this.lookingUp = 0;
    this.connecting = 0;
    this.tlsHandshaking = 0;
    this.status = 0;
    this.setsCookies = undefined;
    this.protocol = "";
    this.bytesSent = 0;
    this.bytesReceived = 0;
    this.reusedConnection = false;
    this.facts = undefined;
    this.headText = "";
    this.headerList = undefined;
    this.body = undefined;
    this.carrier = undefined;
    this.next = undefined;
  }

  /** Hot. */
  takeHead(head: ResponseHead, bytes: Buffer, start: number, end: number): void {
    this.status = head.status;
    this.setsCookies = head.setsCookies;
    this.protocol = head.minorVersion === 0 ? "HTTP/1.0" : "HTTP/1.1";
    if (this.keepHead || head.hasContentEncoding) {
      this.headText = bytes.toString("latin1", start, end);
    }
  }

  /** Until a connection was ready: a lookup, connecting and the TLS handshake are within it, as in k6. */
  get blocked(): number {
    return (this.connectedAt === 0 ? this.endedAt : this.connectedAt) - this.startedAt;
  }

  get sending(): number {
    if (this.connectedAt === 0) return 0;
    return (this.sentAt === 0 ? this.endedAt : this.sentAt) - this.connectedAt;
  }

  /** To the first byte of the response, or to the end where none came. */
  get waiting(): number {
    if (this.sentAt === 0) return 0;
    return (this.firstByteAt === 0 ? this.endedAt : this.firstByteAt) - this.sentAt;
  }

  get receiving(): number {
    return this.firstByteAt === 0 ? 0 : this.endedAt - this.firstByteAt;
  }

  /** Sending, waiting and receiving. */
  get duration(): number {
    return this.connectedAt === 0 ? 0 : this.endedAt - this.connectedAt;
  }

  timings(): HttpTimings {
    return {
      scheduledAt: this.startedAt,
      startedAt: this.startedAt,
      blocked: this.blocked,
      lookingUp: this.lookingUp,
      connecting: this.connecting,
      tlsHandshaking: this.tlsHandshaking,
      sending: this.sending,
      waiting: this.waiting,
      receiving: this.receiving,
      duration: this.duration,
    };
  }

  headers(): readonly (readonly [name: string, value: string])[] {
    return this.headerList ?? splitHeaders(this.headText);
  }

  /** A response that stays as it is when the exchange is dispatched again. */
  toResponse(): HttpResponse {
    return new CompletedResponse(this);
  }
}

/** Splits the head only when somebody asks for the headers: few users do. */
class CompletedResponse implements HttpResponse {
  readonly status: number;
  readonly protocol: HttpResponse["protocol"];
  declare readonly setsCookies?: boolean;
  declare readonly body?: string | Uint8Array;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly timings: HttpTimings;
  declare readonly failure?: HttpFailure;
  declare readonly remoteAddress?: string;
  declare readonly remotePort?: number;
  declare readonly tls?: NonNullable<HttpResponse["tls"]>;
  readonly #headText: string;
  #headers: readonly (readonly [name: string, value: string])[] | undefined;

  constructor(exchange: Exchange) {
    this.status = exchange.status;
    this.protocol = exchange.protocol;
    if (exchange.setsCookies !== undefined) this.setsCookies = exchange.setsCookies;
    if (exchange.body !== undefined) this.body = exchange.body;
    this.bytesSent = exchange.bytesSent;
    this.bytesReceived = exchange.bytesReceived;
    this.timings = exchange.timings();
    if (exchange.failure) this.failure = exchange.failure;
    const { facts } = exchange;
    if (facts?.remoteAddress !== undefined) this.remoteAddress = facts.remoteAddress;
    if (facts?.remotePort !== undefined) this.remotePort = facts.remotePort;
    if (facts?.tls) this.tls = facts.tls;
    this.#headText = exchange.headText;
    this.#headers = exchange.headerList;
  }

  get statusText(): string {
    return reasonPhrase(this.#headText);
  }

  get headers(): readonly (readonly [name: string, value: string])[] {
    return (this.#headers ??= splitHeaders(this.#headText));
  }
}
