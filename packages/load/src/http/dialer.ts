import { connect as connectTcp, type OnReadOpts, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { ConnectLimiter } from "./connect-limiter.ts";
import type { Destinations } from "./destinations.ts";
import type { DnsCache } from "./dns-cache.ts";
import type { HttpFailure } from "./exchange.ts";
import { failure, failureCodes, type FailurePhase, failureOf, unexpectedEnd } from "./failure.ts";
import { nodeTls } from "./node-parts.ts";
import type { Origin } from "./prepared-request.ts";
import type { Proxies, Proxy } from "./proxies.ts";
import type { TlsContexts } from "./tls-options.ts";
import { openTunnel } from "./tunnel.ts";

/** What all clients of a worker share to connect. */
export interface DialerParts {
  readonly dns: DnsCache;
  readonly limiter: ConnectLimiter;
  readonly destinations: Destinations;
  readonly proxies: Proxies;
  readonly tls: TlsContexts;
  readonly timeoutMs: number;
  readonly now: () => number;
}

export interface DialRequest {
  readonly origin: Origin;
  /** For ALPN; the first is preferred. */
  readonly protocols: string[];
  /** Reads without allocating, where the kind of connection allows it. */
  readonly onread: OnReadOpts | undefined;
  readonly localAddress: string | undefined;
  readonly done: (outcome: DialOutcome) => void;
}

export interface DialOutcome {
  readonly failure: HttpFailure | undefined;
  /** Connected, and secure where the origin is. Absent after a failure. */
  readonly socket: Socket | undefined;
  /** What ALPN chose, or empty. */
  readonly protocol: string;
  /** The socket was made with `onread`. */
  readonly readsByCallback: boolean;
  /** A forward proxy: its credentials, or empty. `undefined` where requests go to the origin itself. */
  readonly forwardProxy: string | undefined;
  readonly lookingUp: number;
  readonly connecting: number;
  readonly tlsHandshaking: number;
}

/**
 * Makes one connection: a turn of the limiter, lookup, TCP, a tunnel through a proxy where need be, TLS. Calls `done` once and
 * never from the constructor, or not at all when cancelled.
 */
export class Dial {
  readonly #parts: DialerParts;
  readonly #request: DialRequest;
  readonly #proxy: Proxy | undefined;
  readonly #proceed: () => void;
  #timer: NodeJS.Timeout | undefined;
  #socket: Socket | undefined;
  #phase: FailurePhase = "lookup";
  #inTurn = false;
  #constructed = false;
  #ended = false;
  #stepStartedAt = 0;
  #lookingUp = 0;
  #connecting = 0;
  #tlsHandshaking = 0;

  constructor(parts: DialerParts, request: DialRequest) {
    this.#parts = parts;
    this.#request = request;
    this.#proxy = parts.proxies.proxyFor(request.origin);
    this.#proceed = () => {
      this.#inTurn = true;
      this.#lookUp();
    };
    if (parts.timeoutMs > 0) this.#timer = setTimeout(() => this.#timedOut(), parts.timeoutMs);
    parts.limiter.acquire(this.#proceed);
    this.#constructed = true;
  }

  /** Gives up without calling `done`. */
  cancel(): void {
    if (this.#ended) return;
    this.#end();
    this.#socket?.destroy();
  }

  #lookUp(): void {
    const { origin } = this.#proxy ?? this.#request;
    const blocked = this.#parts.destinations.hostnameProblem(this.#request.origin.hostname);
    if (blocked) {
      this.#fail(blocked);
      return;
    }
    const { hostname, port } = this.#parts.destinations.destinationOf(origin.hostname, origin.port);
    const started = this.#parts.now();
    this.#parts.dns.resolve(hostname, (error, address) => {
      if (this.#ended) return;
      this.#lookingUp = this.#parts.now() - started;
      const problem = error ? failureOf(error, "lookup") : this.#parts.destinations.addressProblem(address);
      if (problem) this.#fail(problem);
      else this.#connect(address, port);
    });
  }

  #connect(address: string, port: number): void {
    this.#phase = "dial";
    this.#stepStartedAt = this.#parts.now();
    const { localAddress, onread, origin } = this.#request;
    const secure = (this.#proxy?.origin ?? origin).secure;
    const options = {
      host: address,
      port,
      noDelay: true,
      autoSelectFamily: false,
      ...(localAddress !== undefined && { localAddress }),
    };
    const tunnels = this.#proxy !== undefined && origin.secure;
    const reading = onread && !tunnels ? { onread } : {};
    let socket: Socket;
    try {
      socket = secure
        ? nodeTls().connect({ ...options, ...reading, ...this.#tlsOptions(this.#proxy) })
        : connectTcp({ ...options, ...reading });
    } catch (error) {
      this.#fail(failureOf(error, "dial"));
      return;
    }
    this.#socket = socket;
    socket.on("error", this.#onError);
    socket.on("close", this.#onClose);
    socket.once("connect", () => this.#connected(secure));
    if (secure) socket.once("secureConnect", () => this.#secured(tunnels));
  }

  #tlsOptions(proxy: Proxy | undefined): ReturnType<TlsContexts["connectOptions"]> {
    const { origin, protocols } = this.#request;
    return proxy
      ? this.#parts.tls.connectOptions(proxy.origin.hostname, ["http/1.1"])
      : this.#parts.tls.connectOptions(origin.hostname, protocols);
  }

  #connected(secure: boolean): void {
    const now = this.#parts.now();
    this.#connecting = now - this.#stepStartedAt;
    this.#stepStartedAt = now;
    if (secure) this.#phase = "tls";
    else if (this.#proxy && this.#request.origin.secure) this.#tunnel();
    else this.#succeed();
  }

  #secured(tunnels: boolean): void {
    this.#tlsHandshaking += this.#parts.now() - this.#stepStartedAt;
    if (tunnels) this.#tunnel();
    else this.#succeed();
  }

  /** CONNECT, then TLS with the origin within. The time of the tunnel counts as connecting. */
  #tunnel(): void {
    this.#phase = "exchange";
    const outer = this.#socket!;
    const { origin } = this.#request;
    const started = this.#parts.now();
    openTunnel(outer, origin, this.#proxy!.authorization, (problem) => {
      if (this.#ended) return;
      const now = this.#parts.now();
      this.#connecting += now - started;
      if (problem) {
        this.#fail(problem);
        return;
      }
      this.#phase = "tls";
      this.#stepStartedAt = now;
      const inner: TLSSocket = nodeTls().connect({ socket: outer, ...this.#tlsOptions(undefined) });
      this.#socket = inner;
      inner.on("error", this.#onError);
      inner.on("close", this.#onClose);
      inner.once("secureConnect", () => this.#secured(false));
    });
  }

  readonly #onError = (error: Error): void => this.#fail(failureOf(error, this.#phase));

  readonly #onClose = (): void => this.#fail(unexpectedEnd);

  #timedOut(): void {
    this.#fail(
      this.#phase === "dial" || this.#phase === "lookup"
        ? failure(failureCodes.dialTimeout, "dial: i/o timeout")
        : failure(failureCodes.tls, "tls: handshake timeout"),
    );
  }

  #succeed(): void {
    const socket = this.#socket!;
    socket.off("error", this.#onError);
    socket.off("close", this.#onClose);
    const protocol = (socket as Partial<TLSSocket>).alpnProtocol;
    const tunnels = this.#proxy !== undefined && this.#request.origin.secure;
    this.#done(undefined, typeof protocol === "string" ? protocol : "", !tunnels && this.#request.onread !== undefined);
  }

  #fail(problem: HttpFailure): void {
    if (this.#ended) return;
    this.#socket?.destroy();
    this.#socket = undefined;
    // What fails at once, such as a blocked name, must not become a loop within one turn of the event loop.
    if (this.#constructed) this.#done(problem, "", false);
    else setImmediate(() => this.#done(problem, "", false));
  }

  #done(problem: HttpFailure | undefined, protocol: string, readsByCallback: boolean): void {
    if (this.#ended) return;
    this.#end();
    this.#request.done({
      failure: problem,
      socket: this.#socket,
      protocol,
      readsByCallback,
      forwardProxy: this.#request.origin.secure ? undefined : this.#proxy?.authorization,
      lookingUp: this.#lookingUp,
      connecting: this.#connecting,
      tlsHandshaking: this.#tlsHandshaking,
    });
  }

  #end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    if (!this.#inTurn) this.#parts.limiter.cancel(this.#proceed);
  }
}
