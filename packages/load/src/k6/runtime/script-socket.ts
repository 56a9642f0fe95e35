import type { HttpFailure } from "../../http/exchange.ts";
import {
  openWebSocket,
  type WebSocketConnection,
  type WebSocketHandshake,
} from "../../websocket/websocket-connection.ts";
import type { Tags } from "../../metrics/recorder.ts";
import { bytesOf } from "../http/body.ts";
import { webSocketMetrics } from "../http/metrics.ts";
import { readParams } from "../http/params.ts";
import type { UserContext } from "./user-context.ts";

/** What a script's WebSocket hears; nothing of it before the constructor has returned. */
export interface SocketListener {
  opened(handshake: WebSocketHandshake): void;
  message(data: string | Buffer): void;
  ping(): void;
  pong(): void;
  /** Once, at the end; `failure` where it was not by the wish of either side. */
  closed(code: number, reason: string, failure: HttpFailure | undefined, handshake: WebSocketHandshake): void;
}

/** A WebSocket of a script, with k6's samples. */
export class ScriptSocket {
  readonly #context: UserContext;
  readonly #connection: WebSocketConnection;
  readonly #startedAt = performance.now();
  readonly #tags: Tags;
  /** When each ping that is not answered yet was sent, by its payload. */
  readonly #pings = new Map<string, number>();
  #lastPing = 0;

  constructor(
    context: UserContext,
    url: string,
    protocols: readonly string[],
    given: unknown,
    listener: SocketListener,
  ) {
    const user = context.running("a WebSocket");
    context.loop.check("a WebSocket");
    context.checkInterrupted();
    this.#context = context;
    const params = readParams(given, context, null);
    const headers = [...params.headers];
    const has = (wanted: string): boolean => headers.some(([name]) => name.toLowerCase() === wanted);
    if (!has("user-agent")) headers.push(["User-Agent", context.options.userAgent ?? "mettle"]);
    const cookies = (params.jar ?? context.jar)
      .cookiesFor(url.replace(/^ws/i, "http"))
      .map(({ name, value }) => `${name}=${value}`);
    if (cookies.length > 0 && !has("cookie")) headers.push(["Cookie", cookies.join("; ")]);
    const system = { url, name: params.tags?.["name"] ?? url };
    const shown = Object.fromEntries(Object.entries(system).filter(([name]) => context.has(name)));
    this.#tags = { ...shown, ...params.tags };
    this.#connection = openWebSocket(
      context.share.webSockets(context.options),
      {
        url,
        headers,
        protocols,
        compression: params.compression.length > 0,
        handshakeTimeoutMs: params.timeoutMs,
        signal: user.signal,
      },
      {
        onOpen: (handshake) => {
          this.#recordOpening(handshake);
          listener.opened(handshake);
        },
        onMessage: (data) => {
          context.record(webSocketMetrics.received, 1, this.#tags);
          listener.message(data);
        },
        onPing: () => listener.ping(),
        onPong: (data) => {
          this.#recordPong(data.toString());
          listener.pong();
        },
        onClose: ({ code, reason, failure, handshake }) => {
          context.record(webSocketMetrics.sessionDuration, performance.now() - this.#startedAt, this.#tags);
          listener.closed(code, reason, failure, handshake);
        },
      },
    );
  }

  #recordOpening({ status, protocol, duration }: WebSocketHandshake): void {
    const tags = {
      ...this.#tags,
      ...(this.#context.has("status") && { status: String(status) }),
      ...(protocol !== "" && this.#context.has("subproto") && { subproto: protocol }),
    };
    this.#context.record(webSocketMetrics.sessions, 1, tags);
    this.#context.record(webSocketMetrics.connecting, duration, tags);
  }

  #recordPong(id: string): void {
    const sentAt = this.#pings.get(id);
    if (sentAt === undefined) return;
    this.#pings.delete(id);
    this.#context.record(webSocketMetrics.ping, performance.now() - sentAt, this.#tags);
  }

  get isOpen(): boolean {
    return this.#connection.state === "open";
  }

  /** As the browser numbers it: connecting, open, closing, closed. */
  get readyState(): number {
    return ["connecting", "open", "closing", "closed"].indexOf(this.#connection.state);
  }

  get handshake(): WebSocketHandshake {
    return this.#connection.handshake;
  }

  get bufferedBytes(): number {
    return this.#connection.bufferedBytes;
  }

  send(data: unknown): void {
    this.#context.loop.check("the send of a WebSocket");
    if (!this.#connection.send(typeof data === "string" ? data : bytesOf(data as ArrayBuffer))) {
      throw new Error("InvalidStateError: the socket is not open");
    }
    this.#context.record(webSocketMetrics.sent, 1, this.#tags);
  }

  ping(): void {
    this.#context.loop.check("the ping of a WebSocket");
    const id = String(++this.#lastPing);
    if (!this.#connection.ping(id)) throw new Error("InvalidStateError: the socket is not open");
    this.#pings.set(id, performance.now());
  }

  close(code?: number, reason?: string): void {
    this.#connection.close(code, reason);
  }

  terminate(): void {
    this.#connection.terminate();
  }
}
