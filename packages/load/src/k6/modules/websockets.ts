import { ScriptSocket } from "../runtime/script-socket.ts";
import type { UserContext } from "../runtime/user-context.ts";
import { textOf } from "../text.ts";
import { arrayBufferOf } from "./encoding.ts";

type Callback = (...args: unknown[]) => unknown;

const events = ["open", "message", "error", "close", "ping", "pong"] as const;
type EventName = (typeof events)[number];

const isEvent = (name: unknown): name is EventName => events.some((each) => each === name);

function protocolsOf(given: unknown): readonly string[] {
  if (given === undefined || given === null) return [];
  return Array.isArray(given) ? given.map(textOf) : [textOf(given)];
}

/** The module `k6/websockets`: the browser's WebSocket, whose events are events of the user's loop. */
export function webSocketsModule(context: UserContext): Record<string, unknown> {
  class K6WebSocket {
    static readonly CONNECTING = 0;
    static readonly OPEN = 1;
    static readonly CLOSING = 2;
    static readonly CLOSED = 3;
    readonly #socket: ScriptSocket;
    readonly #listeners = new Map<EventName, Set<Callback>>();
    readonly url: string;
    #binaryType = "blob";
    onopen: Callback | null = null;
    onmessage: Callback | null = null;
    onerror: Callback | null = null;
    onclose: Callback | null = null;
    onping: Callback | null = null;
    onpong: Callback | null = null;

    constructor(url: unknown, protocols?: unknown, params?: unknown) {
      this.url = textOf(url);
      const release = context.loop.hold(() => this.#socket.terminate());
      try {
        this.#socket = new ScriptSocket(context, this.url, protocolsOf(protocols), params, {
          opened: () => this.#dispatch("open", {}),
          message: (data) => this.#dispatch("message", { data: this.#shown(data) }),
          ping: () => this.#dispatch("ping", {}),
          pong: () => this.#dispatch("pong", {}),
          closed: (code, reason, failure) => {
            if (failure) this.#dispatch("error", { error: failure.message });
            this.#dispatch("close", { code, reason });
            context.loop.post(release);
          },
        });
      } catch (error) {
        release();
        throw error;
      }
    }

    #shown(data: string | Buffer): unknown {
      if (typeof data === "string") return data;
      const bytes = arrayBufferOf(data);
      return this.#binaryType === "arraybuffer" ? bytes : new Blob([bytes]);
    }

    get binaryType(): string {
      return this.#binaryType;
    }

    set binaryType(type: unknown) {
      if (type !== "blob" && type !== "arraybuffer") {
        throw new TypeError(`binaryType is "blob" or "arraybuffer", got ${textOf(type)}`);
      }
      this.#binaryType = type;
    }

    get readyState(): number {
      return this.#socket.readyState;
    }

    get bufferedAmount(): number {
      return this.#socket.bufferedBytes;
    }

    get protocol(): string {
      return this.#socket.handshake.protocol;
    }

    get extensions(): string {
      return this.#socket.handshake.compression ? "permessage-deflate" : "";
    }

    addEventListener(name: unknown, listener: Callback): void {
      if (!isEvent(name)) throw new TypeError(`a WebSocket has no event ${textOf(name)}`);
      if (typeof listener !== "function") throw new TypeError("addEventListener() needs a function");
      const listeners = this.#listeners.get(name) ?? new Set();
      listeners.add(listener);
      this.#listeners.set(name, listeners);
    }

    removeEventListener(name: EventName, listener: Callback): void {
      this.#listeners.get(name)?.delete(listener);
    }

    send(data: unknown): void {
      this.#socket.send(data);
    }

    ping(): void {
      this.#socket.ping();
    }

    close(code?: number, reason?: string): void {
      this.#socket.close(code, reason);
    }

    #dispatch(name: EventName, members: object): void {
      const event = { type: name, ...members, timestamp: Date.now() };
      context.loop.post(async () => {
        const own = this[`on${name}`];
        if (own) await own.call(this, event);
        for (const listener of this.#listeners.get(name) ?? []) await listener.call(this, event);
      });
    }
  }
  return { WebSocket: K6WebSocket };
}
