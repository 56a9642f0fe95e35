import type { Socket } from "node:net";
import { BodyReceiver } from "./body-receiver.ts";
import type { DialOutcome } from "./dialer.ts";
import { type DirectWriter, directWriter } from "./direct-write.ts";
import type { HttpFailure } from "./exchange.ts";
import type { Carrier, ConnectionFacts, Exchange } from "./exchange-record.ts";
import { failure, failureCodes, failureOf, unexpectedEnd } from "./failure.ts";
import { isTls } from "./node-parts.ts";
import { type ResponseHead, splitHeaders } from "./response-head.ts";
import { type ParserLimits, ResponseParser, type ResponseSink } from "./response-parser.ts";

/** Who keeps connections and decides about exchanges. */
export interface ConnectionOwner {
  /** Can take an exchange (again). */
  available(connection: Http1Connection): void;
  /** Closed; `wasIdle` says that it was offered by `available` and must not be used any more. */
  gone(connection: Http1Connection): void;
  finished(exchange: Exchange, failure: HttpFailure | undefined, now: number): void;
  /** The connection ended before anything came back for this exchange. */
  unanswered(exchange: Exchange, failure: HttpFailure, now: number): void;
}

export interface Http1ConnectionOptions {
  readonly limits: ParserLimits;
  readonly maxBodyBytes: number;
  /** Exchanges under way at once; above 1 is pipelining. */
  readonly depth: number;
  readonly now: () => number;
}

/** Above this many bytes a write may not complete at once, and its end is waited for to stamp it. */
const LARGE_WRITE = 16 * 1024;

/** All connections of a thread read into this: what is read is parsed before the next read. */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * One keep-alive connection. Hot: `start` and `receive` run once a request, allocate nothing but what the exchange keeps,
 * and copy no byte of a body that nobody wants.
 */
export class Http1Connection implements ResponseSink, Carrier {
  /** For `net.connect` and `tls.connect`, so that reading allocates nothing. */
  readonly onread: { readonly buffer: Buffer; readonly callback: (bytes: number) => boolean };
  facts: ConnectionFacts = { remoteAddress: undefined, remotePort: undefined, tls: undefined };
  /** Exchanges begun and not ended. */
  inFlight = 0;
  /** When the last one ended. */
  idleSince = 0;
  served = 0;
  closed = false;
  readonly #owner: ConnectionOwner;
  readonly #options: Http1ConnectionOptions;
  readonly #now: () => number;
  readonly #parser: ResponseParser;
  #socket: Socket | undefined;
  #secure = false;
  #retired = false;
  #direct: DirectWriter | undefined;
  #forwardProxy: string | undefined;
  #first: Exchange | undefined;
  #last: Exchange | undefined;
  #receivedAt = 0;
  #body: BodyReceiver | undefined;
  #wantBody = false;
  #overflow: HttpFailure | undefined;
  readonly #onWritten: () => void;

  constructor(owner: ConnectionOwner, options: Http1ConnectionOptions) {
    this.#owner = owner;
    this.#options = options;
    this.#now = options.now;
    this.#parser = new ResponseParser(this, options.limits);
    this.onread = {
      buffer: readBuffer,
      callback: (bytes) => {
        this.receive(readBuffer, 0, bytes);
        return true;
      },
    };
    this.#onWritten = () => {
      const exchange = this.#last;
      if (exchange && exchange.sentAt === 0) exchange.sentAt = this.#now();
    };
  }

  attach(
    socket: Socket,
    { readsByCallback, forwardProxy }: Pick<DialOutcome, "readsByCallback" | "forwardProxy">,
  ): void {
    this.#socket = socket;
    this.#forwardProxy = forwardProxy;
    const tls = isTls(socket) ? socket : undefined;
    this.#secure = tls !== undefined;
    this.facts = {
      remoteAddress: socket.remoteAddress,
      remotePort: socket.remotePort,
      tls: tls && { version: tls.getProtocol() ?? "", cipher: tls.getCipher().name },
    };
    if (!readsByCallback) {
      socket.on("data", (chunk: Buffer) => this.receive(chunk, 0, chunk.length));
    }
    this.#direct = directWriter(socket, (error) => this.#broke(failureOf(error, "exchange")));
    socket.on("end", () => this.#ended());
    socket.on("error", (error) => this.#broke(failureOf(error, "exchange")));
    socket.on("close", () => this.#broke(unexpectedEnd));
  }

  /** Sends. Only while fewer than `depth` are in flight. Hot. */
  start(exchange: Exchange, now: number): void {
    if (this.#last) {
      this.#last.next = exchange;
    } else {
      this.#first = exchange;
      this.#parser.begin(exchange.prepared.isHead);
    }
    this.#last = exchange;
    this.inFlight++;
    exchange.carrier = this;
    exchange.connectedAt = now;
    exchange.reusedConnection = this.served++ > 0;
    exchange.facts = this.facts;
    const proxy = this.#forwardProxy;
    const bytes = proxy === undefined ? exchange.prepared.bytes : exchange.prepared.bytesForProxy(proxy);
    exchange.bytesSent = bytes.length;
    const socket = this.#socket!;
    if (this.#direct !== undefined && bytes.length <= LARGE_WRITE) {
      this.#writeDirectly(this.#direct, exchange, bytes);
    } else if (this.#secure || bytes.length > LARGE_WRITE) {
      socket.write(bytes, this.#onWritten);
    } else {
      socket.write(bytes);
      // The kernel took it all within the call; otherwise the first byte of the response shows that it was sent.
      if (socket.writableLength === 0) exchange.sentAt = this.#now();
    }
  }

  #writeDirectly(writer: DirectWriter, exchange: Exchange, bytes: Buffer): void {
    try {
      if (writer.write(bytes)) exchange.sentAt = this.#now();
    } catch (error) {
      // As a socket would: not before the caller has returned.
      setImmediate(() => this.#broke(failureOf(error, "exchange")));
    }
  }

  /** Hot: once a read. */
  receive(bytes: Buffer, start: number, end: number): void {
    const now = this.#now();
    this.#receivedAt = now;
    let at = start;
    while (!this.closed) {
      const exchange = this.#first;
      if (exchange === undefined) {
        // Nobody asked: a response to nothing, or bytes beyond the end of one.
        this.close();
        return;
      }
      if (exchange.firstByteAt === 0) {
        exchange.firstByteAt = now;
        if (exchange.sentAt === 0) exchange.sentAt = now;
      }
      const next = this.#parser.execute(bytes, at, end);
      // Whoever took the body may have ended the exchange, and with it the connection.
      if (this.closed) return;
      exchange.bytesReceived += (next < 0 ? end : next) - at;
      at = next;
      if (next < 0) {
        this.#broke(failure(failureCodes.generic, `malformed HTTP response: ${this.#parser.problem}`));
        return;
      }
      if (this.#overflow) {
        this.#broke(this.#overflow);
        return;
      }
      if (!this.#parser.complete) return;
      this.#complete(exchange, now, at < end);
      if (at >= end) return;
    }
  }

  onHead(head: ResponseHead, bytes: Buffer, start: number, end: number): void {
    const exchange = this.#first!;
    exchange.takeHead(head, bytes, start, end);
    this.#wantBody = exchange.onChunk !== undefined || exchange.prepared.wantsBody;
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    // Closed: whoever took an earlier part of these bytes has ended the exchange.
    if (!this.#wantBody || this.closed) return;
    const exchange = this.#first!;
    if (this.#body === undefined) {
      const { head } = this.#parser;
      if (head.contentLength === end - start && exchange.prepared.wantsText && this.#isPlain(exchange, head)) {
        exchange.body = bytes.toString("utf8", start, end);
        return;
      }
      const encoding = head.hasContentEncoding ? headerOf(exchange, "content-encoding") : "";
      this.#body = new BodyReceiver(exchange, encoding, this.#options.maxBodyBytes);
    }
    if (!this.#body.push(bytes, start, end, this.#receivedAt)) this.#overflow = this.#body.limitFailure;
  }

  /** The whole body came in one piece and is wanted as it came. */
  #isPlain(exchange: Exchange, head: ResponseHead): boolean {
    return (
      !head.hasContentEncoding &&
      !head.hasTransferEncoding &&
      exchange.onChunk === undefined &&
      head.contentLength <= this.#options.maxBodyBytes
    );
  }

  /** Lets go of the exchange, offers the connection, and only then tells the exchange, which may come again at once. Hot. */
  #complete(exchange: Exchange, now: number, more: boolean): void {
    const parser = this.#parser;
    const next = exchange.next;
    exchange.next = undefined;
    exchange.carrier = undefined;
    this.#first = next;
    if (next === undefined) this.#last = undefined;
    this.inFlight--;
    this.idleSince = now;
    const body = this.#body;
    this.#body = undefined;
    if (parser.head.foreignTransferCoding && this.#wantBody) {
      exchange.failure = failure(failureCodes.generic, "unsupported transfer encoding");
    }
    const reusable = !this.#retired && parser.keepAlive && !(more && next === undefined) && !exchange.prepared.closes;
    // Before closing too: of the next one nothing has come, so that it may be asked again.
    if (next !== undefined) parser.begin(next.prepared.isHead);
    if (!reusable || exchange.status === 101) this.close();
    else this.#owner.available(this);
    if (body === undefined) this.#owner.finished(exchange, exchange.failure, now);
    else body.finish((problem) => this.#owner.finished(exchange, exchange.failure ?? problem, now));
  }

  /** The exchange has ended otherwise. Its answer may still come, so that the connection is of no more use. */
  abandon(exchange: Exchange): void {
    const wasFirst = this.#first === exchange;
    if (wasFirst) this.#body?.abandon();
    let previous: Exchange | undefined;
    for (let each = this.#first; each; previous = each, each = each.next) {
      if (each !== exchange) continue;
      if (previous) previous.next = each.next;
      else this.#first = each.next;
      break;
    }
    exchange.next = undefined;
    exchange.carrier = undefined;
    // What has come belongs to the one that was abandoned: those behind it are unanswered.
    this.#broke(unexpectedEnd, wasFirst);
  }

  close(): void {
    this.#broke(unexpectedEnd);
  }

  /** Closes now, or when the exchange that is under way has ended. */
  retire(): void {
    this.#retired = true;
    if (this.inFlight === 0) this.close();
  }

  #ended(): void {
    if (this.closed) return;
    const exchange = this.#first;
    if (exchange && this.#parser.finish()) {
      const now = this.#now();
      this.#complete(exchange, now, false);
      return;
    }
    const { problem } = this.#parser;
    this.#broke(problem === "" ? unexpectedEnd : failure(failureCodes.generic, `malformed HTTP response: ${problem}`));
  }

  /** Ends the connection and whatever was under way on it. */
  #broke(reason: HttpFailure, firstWasAbandoned = false): void {
    if (this.closed) return;
    this.closed = true;
    const now = this.#now();
    this.#socket?.destroy();
    this.#owner.gone(this);
    const answered = this.#parser.started && !firstWasAbandoned ? this.#first : undefined;
    let exchange = this.#first;
    this.#first = undefined;
    this.#last = undefined;
    this.inFlight = 0;
    this.#body?.abandon();
    this.#body = undefined;
    while (exchange) {
      const { next } = exchange;
      exchange.next = undefined;
      exchange.carrier = undefined;
      if (exchange === answered) this.#owner.finished(exchange, reason, now);
      else this.#owner.unanswered(exchange, reason, now);
      exchange = next;
    }
  }
}

function headerOf(exchange: Exchange, lowerCaseName: string): string {
  return splitHeaders(exchange.headText)
    .filter(([name]) => name.toLowerCase() === lowerCaseName)
    .map(([, value]) => value)
    .join(",");
}
