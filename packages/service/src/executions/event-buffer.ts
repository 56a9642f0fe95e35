import { type Clock, ms } from "@mettle/core";
import type { ExecutionEvent, UnwrittenEvents } from "./execution.ts";

const flushAfter = ms(100);
const keptAtMost = 10_000;

/** Gathers what an execution tells, so that a model's tokens do not cost a statement each. */
export class EventBuffer {
  readonly #clock: Clock;
  readonly #write: (first: number, events: readonly ExecutionEvent[]) => Promise<void>;
  #events: ExecutionEvent[] = [];
  #written = 0;
  #flushing: Promise<void> | undefined;
  readonly #over = new AbortController();

  /** @param write - `first` is the number of the first of the events, from 1 on */
  constructor(clock: Clock, write: (first: number, events: readonly ExecutionEvent[]) => Promise<void>) {
    this.#clock = clock;
    this.#write = write;
  }

  add(event: ExecutionEvent): void {
    const last = this.#events.at(-1);
    if (event.type === "token" && last?.type === "token") {
      this.#events[this.#events.length - 1] = { type: "token", text: last.text + event.text };
    } else if (this.#written + this.#events.length < keptAtMost) this.#events.push(event);
    this.#flushing ??= this.#flushLater();
  }

  async #flushLater(): Promise<void> {
    const { signal } = this.#over;
    await this.#clock.sleep(flushAfter, signal).catch(() => undefined);
    if (signal.aborted) return;
    // What cannot be written is kept, and tried again with the next one or at the end.
    const isWritten = await this.#flush().then(
      () => true,
      () => false,
    );
    this.#flushing = isWritten && this.#events.length > 0 ? this.#flushLater() : undefined;
  }

  async #flush(): Promise<void> {
    const events = this.#events;
    if (events.length === 0) return;
    this.#events = [];
    const first = this.#written + 1;
    this.#written += events.length;
    try {
      await this.#write(first, events);
    } catch (error) {
      this.#events = [...events, ...this.#events];
      this.#written -= events.length;
      throw error;
    }
  }

  /** Writes nothing any more. @returns what is left to write */
  async close(): Promise<UnwrittenEvents> {
    this.#over.abort("closed");
    await this.#flushing;
    return { first: this.#written + 1, events: this.#events };
  }
}
