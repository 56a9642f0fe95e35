import type { HttpFailure } from "../../http/exchange.ts";
import type { WebSocketHandshake } from "../../websocket/websocket-connection.ts";
import { canonicalHeaders } from "../http/response.ts";
import { ScriptSocket } from "../runtime/script-socket.ts";
import type { UserContext } from "../runtime/user-context.ts";
import { callWaiting, setWaitingTwin } from "../runtime/waiting.ts";
import { textOf } from "../text.ts";
import { arrayBufferOf } from "./encoding.ts";
import { timerFunctions } from "./timers.ts";

type Callback = (...args: unknown[]) => unknown;

/** The older module `k6/ws`: one blocking call that lasts as long as the connection. */
export function wsModule(context: UserContext): Record<string, unknown> {
  const connect = (url: unknown, ...rest: unknown[]): Promise<unknown> => {
    const handler = rest.at(-1);
    if (typeof handler !== "function") throw new TypeError("ws.connect() needs a function for the socket");
    return runSession(context, textOf(url), rest.length > 1 ? rest[0] : undefined, handler as Callback);
  };
  setWaitingTwin(connect, (...args) => connect(...(args as [unknown])));
  return { connect };
}

interface WsResponse {
  readonly status: number;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly error: string;
}

const responseOf = (url: string, { status, headers }: WebSocketHandshake, failure?: HttpFailure): WsResponse => ({
  status,
  url,
  headers: canonicalHeaders(headers),
  body: "",
  error: failure?.message ?? "",
});

/** The script stands still in `connect` while its handlers run, one after another, as events of the user's loop. */
async function runSession(context: UserContext, url: string, params: unknown, handler: Callback): Promise<WsResponse> {
  const session = new WsSession(context);
  const release = context.loop.hold(() => session.terminate());
  try {
    const refused = await session.connect(url, params);
    if (refused) {
      if (context.options.throw === true) throw new Error(`ws.connect(): ${refused.message}`);
      return responseOf(url, session.handshake, refused);
    }
    await callWaiting(handler, [session]);
    context.loop.post(() => session.emit("open"));
    await session.ended;
    return responseOf(url, session.handshake);
  } finally {
    session.end();
    release();
  }
}

/** What the function given to `ws.connect` gets. */
class WsSession {
  readonly #context: UserContext;
  readonly #handlers = new Map<string, Callback[]>();
  readonly #timers: number[] = [];
  readonly #functions: ReturnType<typeof timerFunctions>;
  #socket: ScriptSocket | undefined;
  readonly #end = Promise.withResolvers<void>();

  constructor(context: UserContext) {
    this.#context = context;
    this.#functions = timerFunctions(context);
    // Until the session is waited for, its failure is kept.
    this.#end.promise.catch(() => undefined);
  }

  get #open(): ScriptSocket {
    if (!this.#socket) throw new Error("the socket is not connected yet");
    return this.#socket;
  }

  get handshake(): WebSocketHandshake {
    return this.#open.handshake;
  }

  /** Rejects with what a handler threw. */
  get ended(): Promise<void> {
    return this.#end.promise;
  }

  /** @returns why there is no connection; undefined once there is one */
  connect(url: string, params: unknown): Promise<HttpFailure | undefined> {
    return new Promise((resolve) => {
      const post = (name: string, ...args: unknown[]): void => this.#context.loop.post(() => this.emit(name, ...args));
      let connected = false;
      this.#socket = new ScriptSocket(this.#context, url, [], params, {
        opened: () => {
          connected = true;
          resolve(undefined);
        },
        message: (data) => {
          if (typeof data === "string") post("message", data);
          else post("binaryMessage", arrayBufferOf(data));
        },
        ping: () => post("ping"),
        pong: () => post("pong"),
        closed: (code, reason, failure) => {
          if (!connected) {
            resolve(failure ?? { code: 0, message: reason === "" ? "the connection could not be made" : reason });
            return;
          }
          if (failure) post("error", { error: () => failure.message });
          this.#context.loop.post(async () => {
            await this.emit("close", code);
            this.#end.resolve();
          });
        },
      });
    });
  }

  async emit(name: string, ...args: unknown[]): Promise<void> {
    try {
      for (const handler of this.#handlers.get(name) ?? []) await handler(...args);
    } catch (error) {
      this.terminate();
      this.#end.reject(error);
    }
  }

  end(): void {
    for (const id of this.#timers) this.#functions.clearTimeout(id);
  }

  terminate(): void {
    this.#socket?.terminate();
  }

  on(name: string, handler: Callback): void {
    this.#handlers.set(name, [...(this.#handlers.get(name) ?? []), handler]);
  }

  send(text: unknown): void {
    this.#open.send(textOf(text));
  }

  sendBinary(data: ArrayBuffer): void {
    this.#open.send(data);
  }

  ping(): void {
    this.#open.ping();
  }

  close(code?: number): void {
    this.#open.close(code);
  }

  setTimeout(callback: Callback, delay: unknown): void {
    this.#timers.push(this.#functions.setTimeout(callback, delay));
  }

  setInterval(callback: Callback, delay: unknown): void {
    this.#timers.push(this.#functions.setInterval(callback, delay));
  }
}
