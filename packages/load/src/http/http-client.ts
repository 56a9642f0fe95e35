import { Random } from "@mettle/core";
import { ConnectLimiter } from "./connect-limiter.ts";
import { type Deadline, DeadlineQueue } from "./deadline-queue.ts";
import { Destinations } from "./destinations.ts";
import type { DialerParts } from "./dialer.ts";
import { DnsCache } from "./dns-cache.ts";
import type { BodyChunkHandler, HttpClient, HttpFailure, HttpRequest, HttpResponse } from "./exchange.ts";
import { Exchange } from "./exchange-record.ts";
import { cancelledFailure, closedFailure, timeoutFailure } from "./failure.ts";
import { type HttpOptions, type ResolvedHttpOptions, resolveHttpOptions } from "./http-options.ts";
import { OriginPool, type PoolContext } from "./origin-pool.ts";
import { type Origin, PreparedRequest, type Target, targetOf } from "./prepared-request.ts";
import { Proxies } from "./proxies.ts";
import { TlsContexts } from "./tls-options.ts";

/** URLs remembered; beyond it all are forgotten, which costs some microseconds each. */
const MAX_URLS = 2000;
/** Larger bodies are not kept for the next request like it. */
const MAX_KEPT_BODY = 4 * 1024;

interface KnownUrl {
  readonly target: Target | HttpFailure;
  /** The last request to it. */
  last: PreparedRequest | undefined;
}

const EMPTY = new Uint8Array(0);

/**
 * What all HTTP clients of a worker share: names looked up, TLS contexts, the cap on new connections. One per worker
 * thread; a client per virtual user.
 */
export class HttpEngine {
  readonly options: ResolvedHttpOptions;
  /** @internal */
  readonly dialer: DialerParts;
  /** @internal */
  readonly http1Origins: Set<string> = new Set();
  readonly #urls = new Map<string, KnownUrl>();
  readonly #clients = new Set<PooledHttpClient>();
  #made = 0;
  #sweeper: NodeJS.Timeout | undefined;

  /** @throws MettleError `LOAD_HTTP_OPTIONS_INVALID` */
  constructor(options: HttpOptions = {}) {
    const resolved = resolveHttpOptions(options);
    this.options = resolved;
    const { now } = resolved;
    this.dialer = {
      now,
      timeoutMs: resolved.dialTimeoutMs,
      dns: new DnsCache(resolved.dns, new Random(resolved.seed), now, resolved.lookup),
      limiter: new ConnectLimiter(resolved.connectsPerSecond, resolved.connectBurst, now),
      destinations: new Destinations(resolved.hosts, resolved.blockedHostnames, resolved.blockedNetworks),
      proxies: new Proxies(resolved.proxy),
      tls: new TlsContexts(resolved.tls),
    };
  }

  /** A client with connections of its own. Whoever takes one closes it. */
  client(): PooledHttpClient {
    const { localAddresses, idleTimeoutMs } = this.options;
    const localAddress = localAddresses.length > 0 ? localAddresses[this.#made % localAddresses.length] : undefined;
    this.#made++;
    const client = new PooledHttpClient(this, localAddress, () => this.#forget(client));
    this.#clients.add(client);
    if (!this.#sweeper && Number.isFinite(idleTimeoutMs)) {
      this.#sweeper = setInterval(() => this.#expire(), Math.max(1000, idleTimeoutMs / 4));
      this.#sweeper.unref();
    }
    return client;
  }

  /** Closes every client. */
  close(): void {
    for (const client of this.#clients) client.close();
  }

  /** @internal */
  targetOf(url: string): Target | HttpFailure {
    return this.#urlOf(url).target;
  }

  /** @internal Hot: a user's loop sends the same request again and again, each time as a new object. */
  prepare(request: HttpRequest): PreparedRequest {
    const known = this.#urlOf(request.url);
    const { last } = known;
    if (last?.serves(request) === true) return last;
    const prepared = new PreparedRequest(request, known.target, this.options.keepAlive);
    // A body or a signal may be large or hold what is; those of one request are its own.
    const keeps = request.signal === undefined && (request.body === undefined || request.body.length <= MAX_KEPT_BODY);
    known.last = keeps ? prepared : undefined;
    return prepared;
  }

  #urlOf(url: string): KnownUrl {
    const known = this.#urls.get(url);
    if (known) return known;
    if (this.#urls.size >= MAX_URLS) this.#urls.clear();
    const made: KnownUrl = { target: targetOf(url), last: undefined };
    this.#urls.set(url, made);
    return made;
  }

  #expire(): void {
    const since = this.options.now() - this.options.idleTimeoutMs;
    for (const client of this.#clients) client.expire(since);
  }

  #forget(client: PooledHttpClient): void {
    this.#clients.delete(client);
    if (this.#clients.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}

/** One virtual user's connections. */
export class PooledHttpClient implements HttpClient {
  readonly #engine: HttpEngine;
  /** The clock of all timings, monotonic ms. */
  readonly now: () => number;
  readonly #context: PoolContext;
  readonly #pools = new Map<string, OriginPool>();
  // Of the last request, whose like comes next most often.
  #lastOrigin: Origin | undefined;
  #lastPool: OriginPool | undefined;
  readonly #deadlines = new DeadlineQueue();
  readonly #onClose: () => void;
  #timer: NodeJS.Timeout | undefined;
  #timerDueAt = Number.POSITIVE_INFINITY;
  #closed = false;

  /** @internal Made by `HttpEngine.client`. */
  constructor(engine: HttpEngine, localAddress: string | undefined, onClose: () => void) {
    this.#engine = engine;
    this.now = engine.options.now;
    this.#onClose = onClose;
    this.#context = {
      options: engine.options,
      dialer: engine.dialer,
      localAddress,
      http1Origins: engine.http1Origins,
      ended: (exchange, failure, now) => this.#end(exchange, failure, now),
    };
  }

  /** What this client shares with the others of its worker: for other protocols of the same user. */
  get engine(): HttpEngine {
    return this.#engine;
  }

  /** Lays out a request that will be sent many times. A request that cannot be sent says so when it is dispatched. */
  prepare(request: HttpRequest): PreparedRequest {
    return this.#engine.prepare(request);
  }

  /** Rejects only with what `onChunk` threw, after the exchange has been cancelled. */
  send(request: HttpRequest, onChunk?: BodyChunkHandler): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      if (onChunk) {
        this.#stream(request, onChunk, resolve, reject);
      } else {
        const onDone = (exchange: Exchange): void => resolve(exchange.toResponse());
        this.dispatch(new Exchange(this.prepare(request), { onDone }));
      }
    });
  }

  #stream(
    request: HttpRequest,
    onChunk: BodyChunkHandler,
    resolve: (response: HttpResponse) => void,
    reject: (reason: unknown) => void,
  ): void {
    let thrown: { readonly error: unknown } | undefined;
    const exchange: Exchange = new Exchange(this.prepare(request), {
      onDone: (done) => (thrown ? reject(thrown.error) : resolve(done.toResponse())),
      onChunk: (chunk, at, status) => {
        try {
          onChunk(chunk, at, status);
        } catch (error) {
          // Thrown on from here it would end the process from within the socket's callback.
          thrown = { error };
          this.cancel(exchange);
        }
      },
    });
    this.dispatch(exchange);
  }

  /** Ends an exchange that is under way; its `onDone` is called with a failure before this returns. */
  cancel(exchange: Exchange): void {
    this.#stop(exchange, cancelledFailure);
  }

  /**
   * Starts an exchange; its `onDone` is called once, never before this returns. One that is under way already is a mistake
   * and is left as it is. Hot.
   */
  dispatch(exchange: Exchange): void {
    const now = this.now();
    if (exchange.active) return;
    exchange.begin(now);
    const { prepared } = exchange;
    const { signal, timeoutMs = 0 } = prepared.request;
    if (this.#closed || prepared.problem || signal?.aborted === true) {
      const problem = prepared.problem ?? (this.#closed ? closedFailure : cancelledFailure);
      // Later, so that a loop of such requests leaves the event loop its turns.
      setImmediate(() => this.#end(exchange, problem, this.now()));
      return;
    }
    if (signal) this.#watch(exchange, signal);
    if (timeoutMs > 0) {
      this.#deadlines.add(exchange, now, timeoutMs);
      if (exchange.dueAt < this.#timerDueAt) this.#armTimer(now, exchange.dueAt);
    }
    this.#poolOf(prepared.target!).dispatch(exchange, now);
  }

  closeIdle(): void {
    for (const pool of this.#pools.values()) pool.closeIdle();
  }

  /** Ends everything; what is under way fails. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const pool of this.#pools.values()) pool.close(closedFailure);
    this.#pools.clear();
    clearTimeout(this.#timer);
    this.#onClose();
  }

  /** @internal */
  expire(since: number): void {
    for (const pool of this.#pools.values()) pool.expire(since);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #poolOf({ origin }: Target): OriginPool {
    if (origin === this.#lastOrigin) return this.#lastPool!;
    let pool = this.#pools.get(origin.key);
    if (!pool) {
      pool = new OriginPool(origin, this.#context);
      this.#pools.set(origin.key, pool);
    }
    this.#lastOrigin = origin;
    this.#lastPool = pool;
    return pool;
  }

  /** Hot. */
  #end(exchange: Exchange, problem: HttpFailure | undefined, now: number): void {
    if (!exchange.active) return;
    exchange.active = false;
    exchange.endedAt = now;
    if (problem) exchange.failure = problem;
    if (exchange.deadlineList) this.#deadlines.remove(exchange);
    if (exchange.onAbort) {
      exchange.prepared.request.signal?.removeEventListener("abort", exchange.onAbort);
      exchange.onAbort = undefined;
    }
    if (exchange.body === undefined && exchange.status > 0 && exchange.prepared.wantsBody) {
      exchange.body = exchange.prepared.wantsText ? "" : EMPTY;
    }
    exchange.onDone(exchange);
  }

  #watch(exchange: Exchange, signal: AbortSignal): void {
    exchange.onAbort = () => this.cancel(exchange);
    signal.addEventListener("abort", exchange.onAbort, { once: true });
  }

  /** Ends an exchange from our side. */
  #stop(exchange: Exchange, reason: HttpFailure): void {
    if (!exchange.active) return;
    const now = this.now();
    const { carrier } = exchange;
    exchange.active = false;
    if (carrier) carrier.abandon(exchange);
    else this.#pools.get(exchange.prepared.target!.origin.key)?.forget(exchange);
    exchange.active = true;
    this.#end(exchange, reason, now);
  }

  #armTimer(now: number, dueAt: number): void {
    clearTimeout(this.#timer);
    this.#timerDueAt = dueAt;
    this.#timer = setTimeout(() => this.#expireDeadlines(), Math.max(0, Math.ceil(dueAt - now)));
  }

  #expireDeadlines(): void {
    this.#timerDueAt = Number.POSITIVE_INFINITY;
    const now = this.now();
    for (const due of this.#deadlines.expire(now)) this.#stop(due as Deadline & Exchange, timeoutFailure);
    const next = this.#deadlines.nextDueAt();
    if (Number.isFinite(next) && next < this.#timerDueAt) this.#armTimer(now, next);
  }
}
