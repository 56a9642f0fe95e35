import { type Clock, messageOf, ms } from "@mettle/core";
import { nowMs } from "../engine/engine-clock.ts";
import type { Transport } from "./transport.ts";
import { decodeMessage, encodeMessage } from "./wire-codec.ts";

export interface LinkTimings {
  /** An idle link says so often that it is there. @defaultValue 500 ms */
  readonly beatMs: number;
  /** A frame that is not acknowledged is sent again after this. @defaultValue 1 000 ms */
  readonly retryMs: number;
  /** The server knows no connection of the peer for so long: it is gone. A reconnection takes less. @defaultValue 1 500 ms */
  readonly goneMs: number;
  /** Nothing was heard for so long: it has stopped, or the network has. @defaultValue 6 000 ms */
  readonly silentMs: number;
}
const linkDefaults: LinkTimings = { beatMs: 500, retryMs: 1000, goneMs: 1500, silentMs: 6000 };

export interface LinkOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  /** The subject that this end listens to, and the one that the other does. */
  readonly own: string;
  readonly peer: string;
  readonly timings?: Partial<LinkTimings>;
  /** Called in the order sent, each message once. What it throws ends the link. */
  readonly onMessage: (message: unknown) => void;
  /** Called once, unless the link was closed here before. */
  readonly onLost: (reason: string) => void;
}

/** A frame: sequence number (4 bytes), flags (1), a part of a batch of messages. */
const HEADER = 5;
const MORE = 1;
const BEAT = 2;
const LARGEST_FRAME = 512 * 1024;
/** What the server itself adds to a message. */
const SERVER_SHARE = 4096;
/** More than this waiting means that the network cannot carry what is recorded. */
const BACKLOG_LIMIT = 128 * 1024 * 1024;
const BATCH_LIMIT = 640 * 1024 * 1024;
const PAUSE_MS = 100;

/**
 * Ordered messages that arrive exactly once, over a transport that may lose, double and delay, or a link that is lost.
 * One frame is under way at a time and the next carries everything that came up meanwhile, so that a slow network makes
 * larger frames and not a queue of small ones. Both ends send beats, so that each notices the end of the other.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #timings: LinkTimings;
  readonly #subscription: Disposable;
  readonly #frameBytes: number;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #wake: () => void = () => {};
  #state: "open" | "closing" | "closed" = "open";
  #heardMs: number;
  #sent = 0;
  #expected = 0;
  #partial: Uint8Array[] = [];
  #partialBytes = 0;
  readonly #pumping: Promise<void>;
  readonly #ending = new AbortController();

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#timings = { ...linkDefaults, ...options.timings };
    this.#frameBytes = Math.min(LARGEST_FRAME, options.transport.maxPayload - SERVER_SHARE) - HEADER;
    this.#heardMs = nowMs(options.clock);
    this.#subscription = options.transport.subscribe(options.own, (data, respond) => {
      this.#receive(data, respond);
    });
    this.#pumping = this.#pump();
  }

  /** Messages are sent as they are at the call; later changes do not show. */
  send(message: unknown): void {
    if (this.#state !== "open") return;
    const bytes = encodeMessage(message);
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes > BACKLOG_LIMIT) {
      this.#lose(`the network cannot carry what is recorded: ${Math.round(this.#waitingBytes / 1e6)} MB wait`);
      return;
    }
    this.#wake();
  }

  /** Sends what waits, for at most `graceMs`, and ends. The other end is not told: say goodbye first. */
  async close(graceMs = 1000): Promise<void> {
    if (this.#state === "open") {
      this.#state = "closing";
      this.#wake();
      const grace = new AbortController();
      const late = this.#options.clock.sleep(ms(graceMs), grace.signal).catch((reason: unknown) => {
        if (!grace.signal.aborted) throw reason;
      });
      await Promise.race([this.#pumping, late]);
      grace.abort();
    }
    this.#end();
    await this.#pumping;
  }

  #end(): void {
    this.#state = "closed";
    this.#waiting = [];
    this.#subscription[Symbol.dispose]();
    this.#ending.abort();
    this.#wake();
  }

  #lose(reason: string): void {
    if (this.#state === "closed") return;
    const told = this.#state === "open";
    this.#end();
    if (told) this.#options.onLost(reason);
  }

  async #pump(): Promise<void> {
    while (this.#state !== "closed") {
      if (this.#waiting.length === 0) {
        if (this.#state === "closing") return;
        await this.#idle();
        if (this.#waiting.length === 0 && this.#state === "open") await this.#deliver(frame(this.#sent, BEAT));
        continue;
      }
      const batch = packed(this.#waiting);
      this.#waiting = [];
      this.#waitingBytes = 0;
      for (let at = 0; at < batch.length && !this.#isClosed; at += this.#frameBytes) {
        const part = batch.subarray(at, at + this.#frameBytes);
        await this.#deliver(frame(this.#sent, at + part.length < batch.length ? MORE : 0, part));
        this.#sent = (this.#sent + 1) >>> 0;
      }
    }
  }

  get #isClosed(): boolean {
    return this.#state === "closed";
  }

  /** Until there is something to send, or it is time for a beat. */
  async #idle(): Promise<void> {
    const waiting = new AbortController();
    this.#wake = () => {
      waiting.abort();
    };
    await this.#sleep(this.#timings.beatMs, waiting.signal);
    this.#wake = () => {};
  }

  async #sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#options.clock.sleep(ms(milliseconds), signal);
    } catch (reason) {
      if (!signal.aborted) throw reason;
    }
  }

  /** Sends a frame until it is acknowledged or the link is lost. */
  async #deliver(bytes: Uint8Array): Promise<void> {
    const { transport, peer, clock } = this.#options;
    const { retryMs, goneMs, silentMs } = this.#timings;
    while (!this.#isClosed) {
      const answer = await transport.request(peer, bytes, retryMs);
      const quietMs = nowMs(clock) - this.#heardMs;
      switch (answer.state) {
        case "answered":
          this.#heardMs = nowMs(clock);
          return;
        case "failed":
          this.#lose(`the connection to the server failed: ${answer.reason}`);
          return;
        case "nobody":
          if (quietMs >= goneMs) {
            this.#lose("its connection to the server is gone (killed, or cut off)");
            return;
          }
          await this.#sleep(PAUSE_MS, this.#ending.signal);
          break;
        case "silent":
          if (quietMs >= silentMs) {
            this.#lose(
              `nothing was heard of it for ${(quietMs / 1000).toFixed(1)} s (stopped, overloaded, or cut off)`,
            );
            return;
          }
      }
    }
  }

  #receive(data: Uint8Array, respond: (data: Uint8Array) => void): void {
    if (this.#state === "closed" || data.length < HEADER) return;
    const header = new DataView(data.buffer, data.byteOffset, HEADER);
    const sequence = header.getUint32(0);
    const flags = header.getUint8(4);
    this.#heardMs = nowMs(this.#options.clock);
    respond(new Uint8Array(0));
    if ((flags & BEAT) !== 0) return;
    if (sequence !== this.#expected) {
      // What was sent again because its acknowledgement got lost was taken already; nothing can be ahead.
      const ahead = (sequence - this.#expected) >>> 0 < 2 ** 31;
      if (ahead) this.#lose("it is out of step: a message is missing");
      return;
    }
    this.#expected = (this.#expected + 1) >>> 0;
    // Copied: the transport may use its memory again.
    this.#partial.push(data.slice(HEADER));
    this.#partialBytes += data.length;
    if (this.#partialBytes > BATCH_LIMIT) this.#lose("it sent more than one message may hold");
    else if ((flags & MORE) === 0) this.#take();
  }

  #take(): void {
    const batch = Buffer.concat(this.#partial);
    this.#partial = [];
    this.#partialBytes = 0;
    try {
      for (const message of unpacked(batch)) {
        if (this.#isClosed) return;
        this.#options.onMessage(decodeMessage(message));
      }
    } catch (thrown) {
      this.#lose(`what it sent cannot be used: ${messageOf(thrown)}`);
    }
  }
}

function frame(sequence: number, flags: number, part: Uint8Array = new Uint8Array(0)): Uint8Array {
  const bytes = new Uint8Array(HEADER + part.length);
  const header = new DataView(bytes.buffer);
  header.setUint32(0, sequence);
  header.setUint8(4, flags);
  bytes.set(part, HEADER);
  return bytes;
}

/** Messages one after the other, each behind its length. */
function packed(messages: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(messages.reduce((sum, { length }) => sum + 4 + length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const message of messages) {
    view.setUint32(at, message.length);
    bytes.set(message, at + 4);
    at += 4 + message.length;
  }
  return bytes;
}

function* unpacked(batch: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  for (let at = 0; at < batch.length; ) {
    const length = at + 4 <= batch.length ? view.getUint32(at) : Number.POSITIVE_INFINITY;
    if (at + 4 + length > batch.length) throw new Error("a message is cut off");
    yield batch.subarray(at + 4, at + 4 + length);
    at += 4 + length;
  }
}
