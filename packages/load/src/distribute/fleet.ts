import { type Clock, type MettleError, ms, timeOrderedId } from "@mettle/core";
import { tellError } from "../engine/told-error.ts";
import { distributeErrors } from "./errors.ts";
import type { LinkTimings } from "./link.ts";
import { type Announcement, type Hello, PROTOCOL, type Reception, subjectsOf } from "./messages.ts";
import { RemoteWorker } from "./remote-worker.ts";
import type { Transport } from "./transport.ts";
import { decodeMessage, encodeMessage } from "./wire-codec.ts";

/** What a coordinator tells of its workers, for people. */
export type FleetEvent =
  | { readonly kind: "waiting"; readonly run: string; readonly workers: number }
  | { readonly kind: "joined"; readonly worker: number; readonly workers: number; readonly hello: Hello }
  | { readonly kind: "refused"; readonly hello: Hello; readonly code: string; readonly message: string }
  | { readonly kind: "late"; readonly hello: Hello }
  | { readonly kind: "left"; readonly hello: Hello; readonly reason: string }
  | { readonly kind: "sending"; readonly files: number; readonly bytes: number };

export interface FleetOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  /** All subjects begin with it. */
  readonly subject: string;
  /** Of the run, for people. */
  readonly name: string;
  /** Of Mettle. */
  readonly version: string;
  /** How many must come. */
  readonly workers: number;
  readonly waitMs: number;
  /** ms of the clock that start orders speak of. */
  readonly sharedNowMs: () => number;
  readonly timings?: Partial<LinkTimings>;
  readonly stop?: AbortSignal;
  readonly onEvent?: (event: FleetEvent) => void;
}

const ANNOUNCE_MS = 500;

/**
 * Gathers workers for one run: announces it until enough have come.
 *
 * @throws MettleError `LOAD_WORKERS_MISSING`; `LOAD_GATHERING_INTERRUPTED` when `stop` is aborted meanwhile
 */
export async function gatherFleet(options: FleetOptions): Promise<Fleet> {
  const fleet = new Fleet(options);
  try {
    await fleet.gather();
    return fleet;
  } catch (thrown) {
    await fleet[Symbol.asyncDispose]();
    throw thrown;
  }
}

/** The workers of one run. */
export class Fleet implements AsyncDisposable {
  readonly run: string = timeOrderedId();
  readonly #options: FleetOptions;
  readonly #subjects: ReturnType<typeof subjectsOf>;
  readonly #joining: Disposable;
  readonly #refused = new Map<string, string>();
  #workers: RemoteWorker[] = [];
  #complete = false;
  #enough: () => void = () => {};

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#subjects = subjectsOf(options.subject);
    this.#joining = options.transport.subscribe(this.#subjects.join(this.run), (data, respond) => {
      respond(encodeMessage(this.#receive(data)));
    });
  }

  get workers(): readonly RemoteWorker[] {
    return this.#workers;
  }

  async gather(): Promise<void> {
    const { transport, clock, workers, waitMs, stop, onEvent } = this.#options;
    await transport.flush();
    onEvent?.({ kind: "waiting", run: this.run, workers });
    const { version, name } = this.#options;
    const announcement: Announcement = { protocol: PROTOCOL, version, run: this.run, name };
    const endMs = clock.now() / 1e6 + waitMs;
    while (this.#workers.length < workers) {
      if (stop?.aborted) throw this.#interrupted();
      if (clock.now() / 1e6 >= endMs) throw this.#missing();
      transport.publish(this.#subjects.announce, encodeMessage(announcement));
      await this.#pause();
    }
    this.#complete = true;
  }

  /** Until it is time to announce again, or the last worker has come. */
  async #pause(): Promise<void> {
    const waking = new AbortController();
    this.#enough = () => {
      waking.abort();
    };
    const { clock, stop } = this.#options;
    const signal = stop ? AbortSignal.any([stop, waking.signal]) : waking.signal;
    try {
      await clock.sleep(ms(ANNOUNCE_MS), signal);
    } catch (reason) {
      if (!signal.aborted) throw reason;
    }
  }

  #interrupted(): MettleError {
    const { workers } = this.#options;
    const message = `Interrupted while ${this.#workers.length} of ${workers} workers had come.`;
    return distributeErrors.create("LOAD_GATHERING_INTERRUPTED", message);
  }

  #missing(): MettleError {
    const { workers, waitMs } = this.#options;
    const present = this.#workers.map(({ hello }) => hello.name);
    const refused = [...new Set(this.#refused.values())];
    const why = refused.length > 0 ? ` Refused: ${refused.join("; ")}.` : "";
    return distributeErrors.create(
      "LOAD_WORKERS_MISSING",
      `${present.length} of ${workers} workers came within ${waitMs / 1000} s${present.length > 0 ? ` (${present.join(", ")})` : ""}.${why}`,
      { details: { present, wanted: workers, refused } },
    );
  }

  /** Answers who wants to take part. Asked twice, it says the same. */
  #receive(data: Uint8Array): Reception {
    let hello: Hello;
    try {
      hello = readHello(decodeMessage(data));
    } catch (thrown) {
      const { message, coded } = tellError(thrown);
      return { state: "refused", code: coded?.code ?? "LOAD_MESSAGE_INVALID", message };
    }
    const { version, workers, onEvent } = this.#options;
    if (this.#workers.some(({ hello: known }) => known.instance === hello.instance)) return { state: "welcome" };
    if (hello.protocol !== PROTOCOL || hello.version !== version) {
      const message = `${hello.name} has Mettle ${hello.version} (protocol ${hello.protocol}), and the coordinator ${version} (protocol ${PROTOCOL})`;
      if (!this.#refused.has(hello.instance))
        onEvent?.({ kind: "refused", hello, code: "LOAD_VERSION_MISMATCH", message });
      this.#refused.set(hello.instance, message);
      return { state: "refused", code: "LOAD_VERSION_MISMATCH", message };
    }
    if (this.#complete || this.#workers.length >= workers) {
      onEvent?.({ kind: "late", hello });
      return { state: "refused", code: "LOAD_RUN_STARTED", message: "the run has all the workers it asked for" };
    }
    this.#admit(hello);
    return { state: "welcome" };
  }

  #admit(hello: Hello): void {
    const { transport, clock, timings, sharedNowMs, onEvent, workers } = this.#options;
    const { instance } = hello;
    const worker: RemoteWorker = new RemoteWorker({
      hello,
      transport,
      clock,
      sharedNowMs,
      subjects: {
        own: this.#subjects.toCoordinator(this.run, instance),
        peer: this.#subjects.toHost(this.run, instance),
        clock: this.#subjects.clock(this.run, instance),
      },
      ...(timings && { timings }),
      onLost: (reason) => {
        // Before the start another may take its place; after it, whoever runs the load is told by its threads.
        if (this.#complete) return;
        this.#workers = this.#workers.filter((each) => each !== worker);
        onEvent?.({ kind: "left", hello, reason });
      },
    });
    this.#workers.push(worker);
    onEvent?.({ kind: "joined", worker: this.#workers.length, workers, hello });
    if (this.#workers.length >= workers) this.#enough();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#joining[Symbol.dispose]();
    await Promise.all(this.#workers.map((worker) => worker.close()));
  }
}

function areTags(tags: unknown): boolean {
  if (typeof tags !== "object" || tags === null) return false;
  const entries = Object.entries(tags);
  const isShort = (text: unknown): boolean => typeof text === "string" && text.length <= 200;
  return entries.length <= 20 && entries.every(([name, value]) => name !== "" && isShort(name) && isShort(value));
}

/** A stranger may write to the subject: what is no greeting must not go any further. */
function readHello(value: unknown): Hello {
  const hello = value as Partial<Hello> | null;
  const isText = (text: unknown): boolean => typeof text === "string" && text.length > 0 && text.length <= 200;
  const isCount = (count: unknown, most: number): boolean =>
    Number.isInteger(count) && (count as number) >= 0 && (count as number) <= most;
  const readable =
    typeof hello === "object" &&
    hello !== null &&
    isText(hello.version) &&
    isText(hello.name) &&
    isText(hello.node) &&
    isText(hello.cpu) &&
    /^[\w-]{1,64}$/.test(hello.instance ?? "") &&
    isCount(hello.protocol, 1e6) &&
    isCount(hello.process, 2 ** 32) &&
    isCount(hello.cores, 1e5) &&
    areTags(hello.tags) &&
    isCount(hello.threads, 1024) &&
    hello.threads !== 0;
  if (!readable) throw distributeErrors.create("LOAD_MESSAGE_INVALID", "A worker's greeting cannot be read.");
  return hello as Hello;
}
