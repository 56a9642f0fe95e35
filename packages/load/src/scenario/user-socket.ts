import type { Clock } from "@mettle/core";
import { MettleError, ms } from "@mettle/core";
import { loadErrors } from "../engine/errors.ts";
import type { HttpEngine } from "../http/http-client.ts";
import type { Metric, MetricDefinition, MetricRecorder, TagSet } from "../metrics/recorder.ts";
import { openWebSocket, type WebSocketConnection, type WebSocketEnd } from "../websocket/websocket-connection.ts";

const time = (name: string): MetricDefinition => ({ name, kind: "trend", contains: "time" });
const count = (name: string): MetricDefinition => ({ name, kind: "counter", contains: "default" });

/** Messages that came and that nobody has asked for; a script that never asks must not fill the memory. */
const LONGEST_INBOX = 10_000;

/** What is recorded of WebSockets: k6's names, and `ws_connect_failed`. One a worker. */
export class SocketMetrics {
  readonly sessions: Metric;
  readonly connecting: Metric;
  readonly sessionDuration: Metric;
  readonly sent: Metric;
  readonly received: Metric;
  readonly failed: Metric;

  constructor(recorder: MetricRecorder) {
    this.sessions = recorder.metric(count("ws_sessions"));
    this.connecting = recorder.metric(time("ws_connecting"));
    this.sessionDuration = recorder.metric(time("ws_session_duration"));
    this.sent = recorder.metric(count("ws_msgs_sent"));
    this.received = recorder.metric(count("ws_msgs_received"));
    this.failed = recorder.metric({ name: "ws_connect_failed", kind: "rate", contains: "default" });
  }
}

export interface SocketParts {
  readonly engine: HttpEngine;
  readonly clock: Clock;
  readonly metrics: SocketMetrics;
  readonly tags: TagSet;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly protocols: readonly string[];
  readonly compression: boolean;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

interface Reader {
  readonly resolve: (message: string | Uint8Array) => void;
  readonly reject: (reason: Error) => void;
}

/** An open WebSocket of one user. Made by `user.webSocket`; closed with the user, or earlier by `close`. */
export class UserSocket implements AsyncDisposable {
  readonly #parts: SocketParts;
  readonly #connection: WebSocketConnection;
  readonly #inbox: (string | Uint8Array)[] = [];
  readonly #ended = Promise.withResolvers<WebSocketEnd>();
  #reader: Reader | undefined;
  #end: WebSocketEnd | undefined;

  private constructor(parts: SocketParts, opened: (socket: UserSocket) => void, failed: (reason: Error) => void) {
    this.#parts = parts;
    const { metrics, tags, engine, url, headers, protocols, compression, timeoutMs, signal } = parts;
    let isOpen = false;
    this.#connection = openWebSocket(
      engine,
      { url, headers, protocols, compression, handshakeTimeoutMs: timeoutMs, signal },
      {
        onOpen: ({ duration }) => {
          isOpen = true;
          metrics.sessions.add(1, tags);
          metrics.connecting.add(duration, tags);
          metrics.failed.add(0, tags);
          opened(this);
        },
        onMessage: (data) => {
          this.#receive(data);
        },
        onClose: (end) => {
          if (isOpen) metrics.sessionDuration.add(end.at - end.handshake.startedAt, tags);
          else {
            metrics.failed.add(1, tags);
            failed(endedError(url, end));
          }
          this.#finish(end);
        },
      },
    );
  }

  /**
   * Opens one.
   *
   * @throws MettleError `LOAD_SOCKET_ENDED` where the server does not agree, with status and reason
   */
  static open(parts: SocketParts): Promise<UserSocket> {
    return new Promise((resolve, reject) => {
      // Constructing it connects; it is handed out once it is open.
      void new UserSocket(parts, resolve, reject);
    });
  }

  /** Chosen by the server among those offered, or empty. */
  get protocol(): string {
    return this.#connection.handshake.protocol;
  }

  /** Sends a text or bytes. @throws MettleError `LOAD_SOCKET_ENDED` when it is no longer open */
  send(data: string | Uint8Array): void {
    if (!this.#connection.send(data)) throw endedError(this.#parts.url, this.#end);
    this.#parts.metrics.sent.add(1, this.#parts.tags);
  }

  /**
   * The next message, in the order they came.
   *
   * @param timeoutMs - 0 for none. @defaultValue 60 000
   * @throws MettleError `LOAD_SOCKET_ENDED` when it ends first, `LOAD_SOCKET_SILENT` when none comes in time
   */
  async next(timeoutMs = 60_000): Promise<string | Uint8Array> {
    const first = this.#inbox.shift();
    if (first !== undefined) return first;
    if (this.#end) throw endedError(this.#parts.url, this.#end);
    if (this.#reader) throw new Error("another next() waits for a message of this socket already");
    const { promise, resolve, reject } = Promise.withResolvers<string | Uint8Array>();
    this.#reader = { resolve, reject };
    if (timeoutMs === 0) return promise;
    const waiting = new AbortController();
    this.#parts.clock.sleep(ms(timeoutMs), waiting.signal).then(
      () => {
        this.#reader = undefined;
        reject(silentError(this.#parts.url, timeoutMs));
      },
      () => undefined,
    );
    try {
      return await promise;
    } finally {
      waiting.abort();
    }
  }

  /** Messages until the socket ends. */
  async *[Symbol.asyncIterator](): AsyncGenerator<string | Uint8Array> {
    for (;;) {
      let message: string | Uint8Array;
      try {
        message = await this.next(0);
      } catch (thrown) {
        if (thrown instanceof MettleError && thrown.code === "LOAD_SOCKET_ENDED" && !this.#end?.failure) return;
        throw thrown;
      }
      yield message;
    }
  }

  /** When and how it ended. */
  get ended(): Promise<WebSocketEnd> {
    return this.#ended.promise;
  }

  /** Asks the server to close, and waits for its answer. May be called twice. */
  close(code?: number, reason?: string): Promise<WebSocketEnd> {
    this.#connection.close(code, reason);
    return this.#ended.promise;
  }

  /** Ends it without a word. */
  terminate(): void {
    this.#connection.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #receive(data: string | Uint8Array): void {
    this.#parts.metrics.received.add(1, this.#parts.tags);
    const reader = this.#reader;
    if (reader) {
      this.#reader = undefined;
      reader.resolve(data);
    } else if (this.#inbox.length < LONGEST_INBOX) this.#inbox.push(data);
    else this.#connection.terminate();
  }

  #finish(end: WebSocketEnd): void {
    this.#end = end;
    this.#ended.resolve(end);
    this.#reader?.reject(endedError(this.#parts.url, end));
    this.#reader = undefined;
  }
}

function endedError(url: string, end: WebSocketEnd | undefined): MettleError {
  const { code, reason = "", failure, handshake } = end ?? {};
  const refused = handshake !== undefined && handshake.status !== 0 && handshake.status !== 101;
  const why = refused
    ? `the server answered ${handshake.status}`
    : (failure?.message ?? `closed with ${code} ${reason}`);
  return loadErrors.create("LOAD_SOCKET_ENDED", `The WebSocket to ${url} has ended: ${why.trim()}.`, {
    details: { url, code, reason, status: handshake?.status },
  });
}

const silentError = (url: string, timeoutMs: number): MettleError =>
  loadErrors.create("LOAD_SOCKET_SILENT", `No message came from ${url} within ${timeoutMs} ms.`, {
    details: { url, timeoutMs },
  });
