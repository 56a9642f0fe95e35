import { Dial, type DialerParts, type DialOutcome } from "./dialer.ts";
import type { HttpFailure } from "./exchange.ts";
import type { Exchange } from "./exchange-record.ts";
import { type ConnectionOwner, Http1Connection } from "./http1-connection.ts";
import type { ResolvedHttpOptions } from "./http-options.ts";
import { Http2Connection } from "./http2-connection.ts";
import type { Origin } from "./prepared-request.ts";

/** What the pools of a client have in common. */
export interface PoolContext {
  readonly options: ResolvedHttpOptions;
  readonly dialer: DialerParts;
  readonly localAddress: string | undefined;
  /** Origins that are known to choose HTTP/1.1 when HTTP/2 is offered. Shared by all clients. */
  readonly http1Origins: Set<string>;
  ended(exchange: Exchange, failure: HttpFailure | undefined, now: number): void;
}

/** The connections of one client to one origin, and the exchanges that wait for one. */
export class OriginPool implements ConnectionOwner {
  readonly #origin: Origin;
  readonly #context: PoolContext;
  readonly #depth: number;
  readonly #maxConnections: number;
  /** Connections that can take an exchange; the last used first, so that the others may expire. */
  readonly #available: Http1Connection[] = [];
  readonly #connections = new Set<Http1Connection>();
  readonly #dials = new Set<Dial>();
  #http2: Http2Connection | undefined;
  /** Take no more, and still carry what was begun. */
  readonly #leaving = new Set<Http2Connection>();
  #firstWaiting: Exchange | undefined;
  #lastWaiting: Exchange | undefined;
  #waiting = 0;
  #closed = false;

  constructor(origin: Origin, context: PoolContext) {
    this.#origin = origin;
    this.#context = context;
    this.#depth = context.options.pipelining;
    this.#maxConnections = context.options.maxConnectionsPerHost;
  }

  /** Hot. */
  dispatch(exchange: Exchange, now: number): void {
    const connection = this.#take(now);
    if (connection) {
      connection.start(exchange, now);
      if (connection.inFlight < this.#depth) this.#available.push(connection);
    } else if (this.#http2?.usable) {
      this.#http2.start(exchange, now);
    } else {
      this.#enqueue(exchange);
      this.#dialWhereNeeded();
    }
  }

  /** Takes an exchange out of the queue; nothing where it does not wait here. */
  forget(exchange: Exchange): void {
    let previous: Exchange | undefined;
    for (let each = this.#firstWaiting; each; previous = each, each = each.next) {
      if (each !== exchange) continue;
      if (previous) previous.next = each.next;
      else this.#firstWaiting = each.next;
      if (this.#lastWaiting === each) this.#lastWaiting = previous;
      each.next = undefined;
      this.#waiting--;
      return;
    }
  }

  available(connection: Http1Connection): void {
    const { keepAlive, now } = this.#context.options;
    if (!keepAlive || this.#closed) {
      if (connection.inFlight === 0) connection.close();
      return;
    }
    const waiting = this.#firstWaiting;
    if (waiting) {
      this.#dequeue(waiting);
      connection.start(waiting, now());
    }
    if (connection.inFlight < this.#depth && !this.#available.includes(connection)) this.#available.push(connection);
  }

  gone(connection: Http1Connection): void {
    this.#connections.delete(connection);
    const index = this.#available.indexOf(connection);
    if (index >= 0) this.#available.splice(index, 1);
    this.#dialWhereNeeded();
  }

  finished(exchange: Exchange, failure: HttpFailure | undefined, now: number): void {
    this.#context.ended(exchange, failure, now);
  }

  /**
   * A kept connection may be closed by the server at the moment we use it. Once, and only what may be repeated, is tried
   * again on another connection: the request was never looked at.
   */
  unanswered(exchange: Exchange, failure: HttpFailure, now: number): void {
    const { prepared } = exchange;
    if (!exchange.reusedConnection || exchange.retried || !prepared.idempotent || this.#closed || !exchange.active) {
      this.#context.ended(exchange, failure, now);
      return;
    }
    exchange.retried = true;
    exchange.forgetAttempt();
    this.#enqueue(exchange);
    this.#dialWhereNeeded();
  }

  closeIdle(): void {
    for (const connection of this.#connections) {
      // With several under way at once it may be offered still.
      const index = this.#available.indexOf(connection);
      if (index >= 0) this.#available.splice(index, 1);
      connection.retire();
    }
    this.#http2?.retire();
  }

  /** Closes what has rested since before `since`. */
  expire(since: number): void {
    for (const connection of this.#available.slice()) {
      if (connection.inFlight === 0 && connection.idleSince < since) connection.close();
    }
    if (this.#http2?.idle === true && this.#http2.idleSince < since) this.#http2.close();
  }

  close(reason: HttpFailure): void {
    this.#closed = true;
    for (const dial of this.#dials) dial.cancel();
    this.#dials.clear();
    for (const connection of this.#connections) connection.close();
    this.#http2?.close();
    for (const connection of this.#leaving) connection.close();
    const now = this.#context.options.now();
    for (let waiting = this.#firstWaiting; waiting; waiting = this.#firstWaiting) {
      this.#dequeue(waiting);
      this.#context.ended(waiting, reason, now);
    }
  }

  #take(now: number): Http1Connection | undefined {
    for (;;) {
      const connection = this.#available.pop();
      if (!connection) return undefined;
      if (connection.inFlight > 0 || now - connection.idleSince <= this.#context.options.idleTimeoutMs) {
        return connection;
      }
      connection.close();
    }
  }

  #enqueue(exchange: Exchange): void {
    if (this.#lastWaiting) this.#lastWaiting.next = exchange;
    else this.#firstWaiting = exchange;
    this.#lastWaiting = exchange;
    this.#waiting++;
  }

  #dequeue(first: Exchange): void {
    this.#firstWaiting = first.next;
    if (!first.next) this.#lastWaiting = undefined;
    first.next = undefined;
    this.#waiting--;
  }

  /** Each dial serves as many waiting exchanges as a connection carries at once. */
  #dialWhereNeeded(): void {
    if (this.#closed) return;
    // Until it is known which protocol the server chooses one dial must do: with HTTP/2 it serves all who wait.
    const most = this.#offersHttp2() && this.#connections.size === 0 ? 1 : this.#maxConnections;
    while (this.#waiting > this.#dials.size * this.#depth && this.#connections.size + this.#dials.size < most) {
      this.#dial();
    }
  }

  #dial(): void {
    const { options, dialer, localAddress } = this.#context;
    const offersHttp2 = this.#offersHttp2();
    const connection = new Http1Connection(this, {
      limits: options.limits,
      maxBodyBytes: options.maxBodyBytes,
      depth: this.#depth,
      now: options.now,
    });
    const dial: Dial = new Dial(dialer, {
      origin: this.#origin,
      protocols: offersHttp2 ? ["h2", "http/1.1"] : ["http/1.1"],
      // A session of HTTP/2 takes the socket over, which must not read by a callback then.
      onread: offersHttp2 ? undefined : connection.onread,
      localAddress,
      done: (outcome) => {
        this.#dials.delete(dial);
        this.#dialled(outcome, connection);
      },
    });
    this.#dials.add(dial);
  }

  #offersHttp2(): boolean {
    const { options, http1Origins } = this.#context;
    return this.#origin.secure && options.http2 && !http1Origins.has(this.#origin.key);
  }

  #dialled(outcome: DialOutcome, connection: Http1Connection): void {
    const { socket } = outcome;
    const first = this.#firstWaiting;
    if (first) this.#noteDial(first, outcome);
    if (!socket) {
      // Whoever has waited longest hears of it; each of the others has a dial of its own, or gets one now.
      if (first && outcome.failure) {
        this.#dequeue(first);
        this.#context.ended(first, outcome.failure, this.#context.options.now());
      }
      this.#dialWhereNeeded();
    } else if (outcome.protocol === "h2") {
      this.#adoptHttp2(new Http2Connection(socket, this.#origin, this, this.#context.options));
    } else {
      if (this.#origin.secure) this.#context.http1Origins.add(this.#origin.key);
      connection.attach(socket, outcome);
      connection.idleSince = this.#context.options.now();
      this.#connections.add(connection);
      this.#offer(connection);
      this.#dialWhereNeeded();
    }
  }

  #noteDial(exchange: Exchange, outcome: DialOutcome): void {
    exchange.lookingUp = outcome.lookingUp;
    exchange.connecting = outcome.connecting;
    exchange.tlsHandshaking = outcome.tlsHandshaking;
  }

  /** A new connection serves the queue before it rests. */
  #offer(connection: Http1Connection): void {
    while (this.#firstWaiting && connection.inFlight < this.#depth && !connection.closed) {
      const waiting = this.#firstWaiting;
      this.#dequeue(waiting);
      connection.start(waiting, this.#context.options.now());
    }
    if (connection.inFlight < this.#depth && !connection.closed) this.#available.push(connection);
  }

  #adoptHttp2(connection: Http2Connection): void {
    if (this.#http2?.usable) {
      connection.close();
    } else {
      this.#http2 = connection;
      // One connection carries them all.
      for (const dial of this.#dials) dial.cancel();
      this.#dials.clear();
    }
    const http2 = this.#http2;
    for (let waiting = this.#firstWaiting; waiting && http2.usable; waiting = this.#firstWaiting) {
      this.#dequeue(waiting);
      http2.start(waiting, this.#context.options.now());
    }
    this.#dialWhereNeeded();
  }

  /** The HTTP/2 connection takes no more. */
  http2Gone(connection: Http2Connection): void {
    if (this.#http2 === connection) this.#http2 = undefined;
    this.#leaving.add(connection);
    this.#dialWhereNeeded();
  }

  http2Closed(connection: Http2Connection): void {
    this.#leaving.delete(connection);
  }
}
