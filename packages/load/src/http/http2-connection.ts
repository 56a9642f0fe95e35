import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { BodyReceiver } from "./body-receiver.ts";
import type { HttpFailure } from "./exchange.ts";
import type { Carrier, ConnectionFacts, Exchange } from "./exchange-record.ts";
import { failure, failureCodes, failureOf, http2Failure, unexpectedEnd } from "./failure.ts";
import type { ResolvedHttpOptions } from "./http-options.ts";
import { nodeHttp2 } from "./node-parts.ts";
import type { Origin } from "./prepared-request.ts";

/** Who hears of what happens on it. */
export interface Http2Owner {
  finished(exchange: Exchange, failure: HttpFailure | undefined, now: number): void;
  /** The connection ended before anything came back for this exchange. */
  unanswered(exchange: Exchange, failure: HttpFailure, now: number): void;
  /** It takes no more; those under way may still end well. */
  http2Gone(connection: Http2Connection): void;
  /** Nothing is under way on it any more. */
  http2Closed(connection: Http2Connection): void;
}

/** RFC 9113 section 7. */
const errorCodes = {
  none: 0,
  protocol: 1,
  flowControl: 3,
  streamClosed: 5,
  frameSize: 6,
  cancel: 8,
  compression: 9,
} as const;

/** RFC 9113 8.2.2: they speak of a connection of HTTP/1. */
const connectionFields = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);

/** One connection that carries any number of exchanges at once; `node:http2` keeps to the server's limit. */
export class Http2Connection implements Carrier {
  readonly facts: ConnectionFacts;
  idleSince: number;
  readonly #session: ClientHttp2Session;
  readonly #owner: Http2Owner;
  readonly #options: ResolvedHttpOptions;
  readonly #scheme: string;
  readonly #streams = new Map<Exchange, ClientHttp2Stream>();
  #served = 0;
  #open = true;
  #reason: HttpFailure = unexpectedEnd;

  constructor(socket: Socket, origin: Origin, owner: Http2Owner, options: ResolvedHttpOptions) {
    const tls = socket as TLSSocket;
    this.#owner = owner;
    this.#options = options;
    this.#scheme = origin.secure ? "https" : "http";
    this.idleSince = options.now();
    this.facts = {
      remoteAddress: socket.remoteAddress,
      remotePort: socket.remotePort,
      tls: { version: tls.getProtocol() ?? "", cipher: tls.getCipher().name },
    };
    this.#session = nodeHttp2().connect(origin.key, {
      createConnection: () => socket,
      maxHeaderListPairs: options.limits.maxHeaders,
      settings: { enablePush: false, initialWindowSize: 1024 * 1024 },
    });
    this.#session.on("error", (error) => {
      // A GOAWAY is followed by an error of the session that says less.
      if (this.#reason === unexpectedEnd) this.#reason = sessionFailure(error);
    });
    this.#session.on("goaway", (code) => {
      if (code !== errorCodes.none) this.#reason = http2Failure("goAway", code);
      this.#gone();
    });
    this.#session.on("close", () => {
      this.#gone();
      this.#owner.http2Closed(this);
    });
  }

  get usable(): boolean {
    return this.#open && !this.#session.closed && !this.#session.destroyed;
  }

  get idle(): boolean {
    return this.#streams.size === 0;
  }

  start(exchange: Exchange, now: number): void {
    exchange.carrier = this;
    exchange.connectedAt = now;
    exchange.reusedConnection = this.#served++ > 0;
    exchange.facts = this.facts;
    const { body } = exchange.prepared;
    let stream: ClientHttp2Stream;
    try {
      stream = this.#session.request(this.#headers(exchange), { endStream: body.length === 0 });
    } catch (error) {
      exchange.carrier = undefined;
      setImmediate(() =>
        this.#owner.finished(
          exchange,
          failure(failureCodes.generic, (error as Error).message, error),
          this.#options.now(),
        ),
      );
      return;
    }
    this.#streams.set(exchange, stream);
    this.#listen(exchange, stream);
    exchange.bytesSent = body.length;
    if (body.length > 0) {
      stream.end(body, () => {
        if (exchange.sentAt === 0) exchange.sentAt = this.#options.now();
      });
    } else {
      exchange.sentAt = this.#options.now();
    }
  }

  abandon(exchange: Exchange): void {
    const stream = this.#streams.get(exchange);
    this.#streams.delete(exchange);
    exchange.carrier = undefined;
    stream?.close(errorCodes.cancel);
  }

  /** Takes nothing more, and closes when those under way have ended. */
  retire(): void {
    this.#gone();
    this.#session.close();
  }

  close(): void {
    this.#open = false;
    this.#session.destroy();
  }

  #headers(exchange: Exchange): Record<string, string | string[]> {
    const { request, target, headers: fields } = exchange.prepared;
    const headers: Record<string, string | string[]> = {
      ":method": request.method,
      ":scheme": this.#scheme,
      ":authority": target!.authority,
      ":path": target!.path,
    };
    if (target!.authorization !== "") headers["authorization"] = target!.authorization;
    for (const [name, value] of fields) {
      const lower = name.toLowerCase();
      if (lower === "host") headers[":authority"] = value;
      else if (!connectionFields.has(lower)) {
        const earlier = headers[lower];
        headers[lower] = earlier === undefined ? value : [earlier, value].flat();
      }
    }
    const { length } = exchange.prepared.body;
    if (length > 0) headers["content-length"] ??= String(length);
    return headers;
  }

  #listen(exchange: Exchange, stream: ClientHttp2Stream): void {
    const { now } = this.#options;
    let body: BodyReceiver | undefined;
    let problem: HttpFailure | undefined;
    let ended = false;
    stream.on("response", (headers, _flags, raw) => {
      exchange.firstByteAt = now();
      if (exchange.sentAt === 0) exchange.sentAt = exchange.firstByteAt;
      exchange.status = headers[":status"] ?? 0;
      exchange.protocol = "HTTP/2.0";
      exchange.headerList = pairs(raw);
      exchange.bytesReceived += raw.reduce((bytes, text) => bytes + text.length + 1, 0);
      if (exchange.prepared.wantsBody || exchange.onChunk) {
        body = new BodyReceiver(exchange, headers["content-encoding"] ?? "", this.#options.maxBodyBytes);
      }
    });
    stream.on("data", (chunk: Buffer) => {
      exchange.bytesReceived += chunk.length;
      if (body && !body.push(chunk, 0, chunk.length, now())) {
        problem = body.limitFailure;
        stream.close(errorCodes.cancel);
      }
    });
    stream.on("end", () => {
      // Node ends what it reads from a stream that is cut off as well, but only after it has destroyed that.
      ended = !stream.destroyed;
    });
    stream.on("error", (error) => {
      problem ??= this.#failureOf(error, stream.rstCode);
    });
    stream.on("close", () => {
      if (!this.#streams.delete(exchange)) {
        body?.abandon();
        return;
      }
      this.idleSince = now();
      this.#settle(exchange, problem ?? (ended && exchange.status > 0 ? undefined : this.#reason), body);
    });
  }

  #settle(exchange: Exchange, problem: HttpFailure | undefined, body: BodyReceiver | undefined): void {
    const endedAt = this.idleSince;
    exchange.carrier = undefined;
    if (problem) {
      body?.abandon();
      if (exchange.status === 0) this.#owner.unanswered(exchange, problem, endedAt);
      else this.#owner.finished(exchange, problem, endedAt);
    } else if (body) {
      body.finish((undecoded) => this.#owner.finished(exchange, undecoded, endedAt));
    } else {
      this.#owner.finished(exchange, undefined, endedAt);
    }
  }

  #failureOf(error: Error & { code?: string }, resetCode: number | undefined): HttpFailure {
    if (error.code === "ERR_HTTP2_STREAM_ERROR") return http2Failure("stream", resetCode ?? -1, error);
    return this.#reason === unexpectedEnd ? sessionFailure(error) : this.#reason;
  }

  #gone(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#owner.http2Gone(this);
  }
}

function pairs(raw: readonly string[]): (readonly [string, string])[] {
  const headers: (readonly [string, string])[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (!raw[i]!.startsWith(":")) headers.push([raw[i]!, raw[i + 1]!]);
  }
  return headers;
}

/** What nghttp2 calls its finds, and the error code that it tells the server. */
const nghttp2Errors = new Map([
  [-505, errorCodes.protocol],
  [-510, errorCodes.streamClosed],
  [-522, errorCodes.frameSize],
  [-523, errorCodes.compression],
  [-524, errorCodes.flowControl],
]);

function sessionFailure(error: Error & { code?: string; errno?: number }): HttpFailure {
  if (error.code === "ERR_HTTP2_ERROR") {
    return http2Failure("connection", nghttp2Errors.get(error.errno ?? 0) ?? -1, error);
  }
  return error.code?.startsWith("ERR_HTTP2") === true
    ? failure(failureCodes.http2Connection, `http2: ${error.message}`, error)
    : failureOf(error, "exchange");
}
