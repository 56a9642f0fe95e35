import type { ServerResponse } from "node:http";

/** More than this unsent means a reader slower than the model: tokens then wait, as a provider's do. */
const FULL_BYTES = 1 << 20;

/**
 * Server-sent events on one response. Hot: `write` is called for every token of every stream, so each write is one string
 * in one chunk, framed here and handed to the socket: `ServerResponse.write` costs three times as much. ASCII only.
 */
export class EventStream {
  readonly #response: ServerResponse;
  #ended = false;

  constructor(response: ServerResponse, headers: Readonly<Record<string, string>> = {}) {
    this.#response = response;
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache",
      "x-accel-buffering": "no",
      ...headers,
    });
    response.flushHeaders();
  }

  get open(): boolean {
    return !this.#ended && !this.#response.destroyed;
  }

  /** True when the client reads slower than we write. */
  get full(): boolean {
    return (this.#response.socket?.writableLength ?? 0) > FULL_BYTES;
  }

  /** Hot. Text of whole events, ASCII. */
  write(text: string): void {
    if (!this.open || text === "") return;
    const { socket } = this.#response;
    // HTTP/1.0 has no chunks, and a pipelined response waits for its socket: both go the long way.
    if (socket && this.#response.chunkedEncoding) {
      socket.write(`${text.length.toString(16)}\r\n${text}\r\n`, "latin1");
    } else this.#response.write(text, "latin1");
  }

  end(): void {
    if (!this.open) return;
    this.#ended = true;
    this.#response.end();
  }

  /** Closes the connection without the end of the body: a truncated answer. What was written is sent first. */
  cut(): void {
    this.#ended = true;
    this.#response.socket?.destroySoon();
  }

  /** Resets the connection; what was written may be lost. */
  reset(): void {
    this.#ended = true;
    resetConnection(this.#response);
  }
}

/** Ends a connection with a TCP reset, so that the client sees ECONNRESET. */
export function resetConnection(response: ServerResponse): void {
  const { socket } = response;
  if (socket && "resetAndDestroy" in socket) socket.resetAndDestroy();
  else response.destroy();
}
