import type { Tags } from "../../metrics/recorder.ts";
import { bytesOf } from "../http/body.ts";
import { webSocketMetrics } from "../http/metrics.ts";
import { readParams } from "../http/params.ts";
import type { UserContext } from "../runtime/user-context.ts";
import { callWaiting, setWaitingTwin } from "../runtime/waiting.ts";
import { arrayBufferOf } from "./encoding.ts";
import { timerFunctions } from "./timers.ts";
import { textOf } from "../text.ts";

type Callback = (...args: unknown[]) => unknown;
type Socket = globalThis.WebSocket;

interface OpenedSocket {
  readonly socket: Socket;
  readonly tags: Tags;
  readonly startedAt: number;
}

/** Node's own client; its options object, with headers, is beyond what the browser's type knows. */
function open(context: UserContext, url: string, protocols: readonly string[], given: unknown): OpenedSocket {
  context.running("a WebSocket");
  context.loop.check("a WebSocket");
  const params = readParams(given, context, null);
  const headers = Object.fromEntries(params.headers);
  if (context.options.userAgent !== undefined) headers["User-Agent"] ??= context.options.userAgent;
  const address = new URL(url);
  const page = url.replace(/^ws/, "http");
  const cookies = params.jar.cookiesFor(page).map(({ name, value }) => `${name}=${value}`);
  if (cookies.length > 0) headers["Cookie"] ??= cookies.join("; ");
  const options = { protocols: [...protocols], headers } as unknown as string[];
  const socket = new WebSocket(address, options);
  socket.binaryType = "arraybuffer";
  const system = { url, name: params.tags?.["name"] ?? url };
  const tags = Object.fromEntries(Object.entries(system).filter(([name]) => context.has(name)));
  return { socket, tags: { ...tags, ...params.tags }, startedAt: performance.now() };
}

function recordOpening(context: UserContext, { tags, startedAt }: OpenedSocket): void {
  const all = { ...tags, ...(context.has("status") && { status: "101" }) };
  context.record(webSocketMetrics.sessions, 1, all);
  context.record(webSocketMetrics.connecting, performance.now() - startedAt, all);
}

const sendable = (data: unknown): string | ArrayBuffer | Uint8Array<ArrayBuffer> =>
  typeof data === "string" ? data : (bytesOf(data as ArrayBuffer) as Uint8Array<ArrayBuffer>);

/** The module `k6/websockets`: the browser's WebSocket, whose events are events of the user's loop. */
export function webSocketsModule(context: UserContext): Record<string, unknown> {
  const names = ["open", "message", "error", "close"] as const;
  type EventName = (typeof names)[number] | "ping" | "pong";

  class K6WebSocket {
    static readonly CONNECTING = 0;
    static readonly OPEN = 1;
    static readonly CLOSING = 2;
    static readonly CLOSED = 3;
    readonly #opened: OpenedSocket;
    readonly #listeners = new Map<string, Set<Callback>>();
    readonly url: string;
    binaryType = "blob";
    onopen: Callback | null = null;
    onmessage: Callback | null = null;
    onerror: Callback | null = null;
    onclose: Callback | null = null;
    onping: Callback | null = null;
    onpong: Callback | null = null;

    constructor(url: unknown, protocols?: unknown, params?: unknown) {
      this.url = String(url);
      const list =
        protocols === undefined || protocols === null
          ? []
          : Array.isArray(protocols)
            ? protocols.map(String)
            : [textOf(protocols)];
      this.#opened = open(context, this.url, list, params);
      const { socket } = this.#opened;
      const release = context.loop.hold(() => socket.close());
      socket.addEventListener("open", () => {
        recordOpening(context, this.#opened);
        this.#dispatch("open", { type: "open", timestamp: Date.now() });
      });
      socket.addEventListener("message", ({ data }) => {
        context.record(webSocketMetrics.received, 1, this.#opened.tags);
        const received: unknown = data;
        const shown =
          typeof received === "string" || this.binaryType === "arraybuffer"
            ? received
            : new Blob([received as ArrayBuffer]);
        this.#dispatch("message", { type: "message", data: shown, timestamp: Date.now() });
      });
      socket.addEventListener("error", (event) => {
        const { message } = event as { message?: string };
        this.#dispatch("error", { type: "error", error: message ?? "the connection failed", timestamp: Date.now() });
      });
      socket.addEventListener("close", ({ code, reason }) => {
        context.record(webSocketMetrics.sessionDuration, performance.now() - this.#opened.startedAt, this.#opened.tags);
        this.#dispatch("close", { type: "close", code, reason, timestamp: Date.now() });
        context.loop.post(release);
      });
    }

    get readyState(): number {
      return this.#opened.socket.readyState;
    }

    get bufferedAmount(): number {
      return this.#opened.socket.bufferedAmount;
    }

    get protocol(): string {
      return this.#opened.socket.protocol;
    }

    get extensions(): string {
      return this.#opened.socket.extensions;
    }

    addEventListener(name: EventName, listener: Callback): void {
      if (name === "ping" || name === "pong")
        throw new Error(`${name} events are not provided: pings are answered, and not shown`);
      const listeners = this.#listeners.get(name) ?? new Set();
      listeners.add(listener);
      this.#listeners.set(name, listeners);
    }

    send(data: unknown): void {
      context.loop.check("WebSocket.send");
      if (this.readyState !== K6WebSocket.OPEN) throw new Error("InvalidStateError: the socket is not open");
      this.#opened.socket.send(sendable(data));
      context.record(webSocketMetrics.sent, 1, this.#opened.tags);
    }

    ping(): never {
      throw new Error("WebSocket.ping is not provided");
    }

    close(code?: number, reason?: string): void {
      this.#opened.socket.close(code, reason);
    }

    #dispatch(name: (typeof names)[number], event: object): void {
      context.loop.post(async () => {
        const own = this[`on${name}`];
        if (own) await own.call(this, event);
        for (const listener of this.#listeners.get(name) ?? []) await listener.call(this, event);
      });
    }
  }
  return { WebSocket: K6WebSocket };
}

/** The older module `k6/ws`: one blocking call that lasts as long as the connection. */
export function wsModule(context: UserContext): Record<string, unknown> {
  const connect = (url: unknown, ...rest: unknown[]): Promise<unknown> => {
    const handler = rest.at(-1);
    if (typeof handler !== "function") throw new TypeError("ws.connect() needs a function for the socket");
    const params = rest.length > 1 ? rest[0] : undefined;
    const opened = open(context, String(url), [], params);
    return runSession(context, opened, handler as Callback);
  };
  setWaitingTwin(connect, (...args) => connect(...(args as [unknown])));
  return { connect };
}

interface WsResponse {
  readonly status: number;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly error: string;
}

/** The script stands still in `connect` while its handlers run, one after another, as events of the user's loop. */
async function runSession(context: UserContext, opened: OpenedSocket, handler: Callback): Promise<WsResponse> {
  const { socket } = opened;
  const session = new WsSession(context, opened);
  const release = context.loop.hold(() => socket.close());
  const done = new Promise<void>((resolve, reject) => {
    session.onFailure = reject;
    socket.addEventListener("close", ({ code }) => {
      context.loop.post(async () => {
        await session.emit("close", code);
        resolve();
      });
    });
  });
  const connected = await new Promise<boolean>((resolve) => {
    socket.addEventListener("open", () => resolve(true), { once: true });
    socket.addEventListener("error", () => resolve(false), { once: true });
  });
  if (!connected) {
    release();
    return { status: 0, url: opened.socket.url, headers: {}, body: "", error: "the connection could not be made" };
  }
  recordOpening(context, opened);
  session.listen();
  try {
    await callWaiting(handler, [session]);
    context.loop.post(() => session.emit("open"));
    await done;
  } finally {
    session.end();
    release();
    context.record(webSocketMetrics.sessionDuration, performance.now() - opened.startedAt, opened.tags);
  }
  return { status: 101, url: socket.url, headers: {}, body: "", error: "" };
}

/** What the function given to `ws.connect` gets. */
class WsSession {
  readonly #context: UserContext;
  readonly #opened: OpenedSocket;
  readonly #handlers = new Map<string, Callback[]>();
  readonly #timers: number[] = [];
  readonly #functions: ReturnType<typeof timerFunctions>;
  onFailure: (error: unknown) => void = () => undefined;

  constructor(context: UserContext, opened: OpenedSocket) {
    this.#context = context;
    this.#opened = opened;
    this.#functions = timerFunctions(context);
  }

  listen(): void {
    const { socket, tags } = this.#opened;
    socket.addEventListener("message", ({ data }) => {
      this.#context.record(webSocketMetrics.received, 1, tags);
      const received: unknown = data;
      const isText = typeof received === "string";
      this.#context.loop.post(() => this.emit(isText ? "message" : "binaryMessage", received));
    });
    socket.addEventListener("error", (event) => {
      const { message } = event as { message?: string };
      this.#context.loop.post(() => this.emit("error", { error: () => message ?? "the connection failed" }));
    });
  }

  async emit(name: string, ...args: unknown[]): Promise<void> {
    try {
      for (const handler of this.#handlers.get(name) ?? []) await handler(...args);
    } catch (error) {
      this.#opened.socket.close();
      this.onFailure(error);
    }
  }

  end(): void {
    for (const id of this.#timers) this.#functions.clearTimeout(id);
  }

  on(name: string, handler: Callback): void {
    if (name === "ping" || name === "pong")
      throw new Error(`${name} events are not provided: pings are answered, and not shown`);
    this.#handlers.set(name, [...(this.#handlers.get(name) ?? []), handler]);
  }

  send(text: unknown): void {
    this.#send(String(text));
  }

  sendBinary(data: ArrayBuffer): void {
    this.#send(arrayBufferOf(bytesOf(data)));
  }

  #send(data: string | ArrayBuffer): void {
    this.#context.loop.check("socket.send");
    this.#opened.socket.send(data);
    this.#context.record(webSocketMetrics.sent, 1, this.#opened.tags);
  }

  ping(): never {
    throw new Error("socket.ping is not provided");
  }

  close(code?: number): void {
    this.#opened.socket.close(code);
  }

  setTimeout(callback: Callback, delay: unknown): void {
    this.#timers.push(this.#functions.setTimeout(callback, delay));
  }

  setInterval(callback: Callback, delay: unknown): void {
    this.#timers.push(this.#functions.setInterval(callback, delay));
  }
}
