import type { Clock, MettleError } from "@mettle/core";
import { loadErrors } from "../engine/errors.ts";
import { heardError } from "../engine/told-error.ts";
import { type ClockExchange, type ClockOffset, offsetOf } from "./clock-offset.ts";
import { Link, type LinkTimings } from "./link.ts";
import type { ClockReading, FromHost, FromThread, Hello, ToHost, ToThread } from "./messages.ts";
import type { Transport } from "./transport.ts";
import { decodeMessage } from "./wire-codec.ts";

export interface RemoteWorkerOptions {
  readonly hello: Hello;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly sharedNowMs: () => number;
  readonly subjects: { readonly own: string; readonly peer: string; readonly clock: string };
  readonly timings?: Partial<LinkTimings>;
  readonly onLost: (reason: string) => void;
}

/** Who listens to one thread of a remote worker. */
export interface ThreadListener {
  readonly onMessage: (message: FromThread) => void;
  readonly onLost: (reason: string) => void;
}

type Answer = Exclude<FromHost, { kind: "thread" } | { kind: "thread-lost" } | { kind: "leaving" }>;

const CLOCK_ROUNDS = 9;
const CLOCK_TIMEOUT_MS = 2000;

/** One worker of a fleet, seen from the coordinator. */
export class RemoteWorker {
  readonly hello: Hello;
  readonly #options: RemoteWorkerOptions;
  readonly #link: Link;
  readonly #threads = new Map<number, ThreadListener>();
  #waiting: { readonly resolve: (answer: Answer) => void; readonly reject: (error: Error) => void } | undefined;
  /** Readings of its clocks, oldest first. */
  readonly offsets: ClockOffset[] = [];
  /** Why it is gone; undefined while it is there. */
  lost: string | undefined;

  constructor(options: RemoteWorkerOptions) {
    this.hello = options.hello;
    this.#options = options;
    const { transport, clock, subjects, timings } = options;
    this.#link = new Link({
      transport,
      clock,
      own: subjects.own,
      peer: subjects.peer,
      ...(timings && { timings }),
      onMessage: (message) => {
        this.#receive(message as FromHost);
      },
      onLost: (reason) => {
        this.#lose(reason);
      },
    });
  }

  /** Its latest offset. @throws Error before it was measured */
  get offset(): ClockOffset {
    const latest = this.offsets.at(-1);
    if (!latest) throw new Error(`the clock of ${this.hello.name} was not measured`);
    return latest;
  }

  listen(thread: number, listener: ThreadListener): void {
    this.#threads.set(thread, listener);
  }

  send(message: ToHost): void {
    if (this.lost === undefined) this.#link.send(message);
  }

  tellThread(thread: number, message: ToThread): void {
    this.send({ kind: "thread", thread, message });
  }

  /**
   * Sends and waits for the answer.
   *
   * @throws MettleError what the worker refused it with; `LOAD_WORKER_LOST`
   */
  async ask(messages: readonly ToHost[]): Promise<Exclude<Answer, { kind: "refused" }>> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    if (this.lost !== undefined) throw lostBeforeStart(this.hello.name, this.lost);
    this.#waiting = { resolve, reject };
    for (const message of messages) this.send(message);
    const answer = await promise;
    if (answer.kind === "refused") throw heardError(answer.error);
    return answer;
  }

  /** Measures how its clocks stand to those here; does nothing for one that does not answer. */
  async measureClock(): Promise<void> {
    const exchanges: ClockExchange[] = [];
    for (let round = 0; round < CLOCK_ROUNDS && this.lost === undefined; round++) {
      const exchange = await this.#askClock();
      if (exchange) exchanges.push(exchange);
    }
    const offset = offsetOf(exchanges);
    if (offset) this.offsets.push(offset);
  }

  async #askClock(): Promise<ClockExchange | undefined> {
    const { transport, subjects, sharedNowMs, clock } = this.#options;
    const askedMs = sharedNowMs();
    const answer = await transport.request(subjects.clock, new Uint8Array(0), CLOCK_TIMEOUT_MS);
    const answeredMs = sharedNowMs();
    if (answer.state !== "answered") return undefined;
    const there = decodeMessage(answer.data) as ClockReading;
    if (!Number.isFinite(there.monotonicMs) || !Number.isFinite(there.wallMs)) return undefined;
    return { askedMs, answeredMs, wallMs: clock.wallTime(), there };
  }

  #receive(message: FromHost): void {
    switch (message.kind) {
      case "thread":
        this.#threads.get(message.thread)?.onMessage(message.message);
        break;
      case "thread-lost":
        this.#threads.get(message.thread)?.onLost(message.reason);
        break;
      case "leaving":
        this.#lose(message.reason);
        break;
      case "need":
      case "settled":
      case "refused": {
        const waiting = this.#waiting;
        this.#waiting = undefined;
        waiting?.resolve(message);
        break;
      }
      default:
        throw new Error(`it said ${JSON.stringify((message as { kind?: unknown }).kind)}`);
    }
  }

  #lose(reason: string): void {
    if (this.lost !== undefined) return;
    this.lost = reason;
    this.#waiting?.reject(lostBeforeStart(this.hello.name, reason));
    this.#waiting = undefined;
    void this.#link.close(0);
    this.#options.onLost(reason);
    for (const { onLost } of this.#threads.values()) onLost(reason);
  }

  /** Lets the worker go. */
  async close(): Promise<void> {
    this.send({ kind: "end" });
    this.lost ??= "it was let go";
    await this.#link.close();
  }
}

/** The error of a worker that is lost before the run began. */
const lostBeforeStart = (name: string, reason: string): MettleError =>
  loadErrors.create("LOAD_WORKER_LOST", `Worker ${name} was lost before the start: ${reason}.`, {
    details: { worker: name, reason },
    next: "Start it again, and look at what it said; then run the load test again.",
  });
