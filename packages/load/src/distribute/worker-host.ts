import { randomUUID } from "node:crypto";
import { cpus } from "node:os";
import { type Clock, ms } from "@mettle/core";
import { engineClock } from "../engine/engine-clock.ts";
import type { Tags } from "../metrics/recorder.ts";
import { sharedNowMs, startThread, type WorkerHandle, type WorkerListener } from "../engine/worker-handle.ts";
import { allowedFiles, receivedFiles } from "./bundle-store.ts";
import { HostRun } from "./host-run.ts";
import { Link, type LinkTimings } from "./link.ts";
import { type Announcement, type Hello, PROTOCOL, type Reception, subjectsOf, type ToHost } from "./messages.ts";
import { localSource } from "./portable-source.ts";
import { checkSubject, distributeDefaults } from "./run-distributed.ts";
import type { Transport } from "./transport.ts";
import { decodeMessage, encodeMessage } from "./wire-codec.ts";

/** What a worker tells of itself, for people. */
export type HostEvent =
  | { readonly kind: "waiting"; readonly subject: string }
  | { readonly kind: "joined"; readonly run: string; readonly name: string }
  | { readonly kind: "refused"; readonly run: string; readonly code: string; readonly message: string }
  /** Left before the start for a run that has waited longer. */
  | { readonly kind: "moved"; readonly run: string }
  | { readonly kind: "ended"; readonly run: string }
  | { readonly kind: "coordinator-lost"; readonly run: string; readonly reason: string };

export interface WorkerHostOptions {
  readonly transport: Transport;
  /** @defaultValue distributeDefaults.subject */
  readonly subject?: string;
  /** Of this worker, for people. */
  readonly name: string;
  /** Of Mettle. */
  readonly version: string;
  /** @defaultValue 1 */
  readonly threads?: number;
  /** On every sample of this worker, such as its region. */
  readonly tags?: Tags;
  /** Runs only files that lie in this folder already. @defaultValue whatever a coordinator sends */
  readonly allow?: string;
  /** Folder whose `node_modules` scripts may import from. */
  readonly packages: string;
  /** Specifiers of Mettle's modules, and where they are on this machine. */
  readonly own: Readonly<Record<string, string>>;
  /** What scripts find in their environment beside what the coordinator sends. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly onEvent?: (event: HostEvent) => void;
  readonly clock?: Clock;
  readonly sharedNowMs?: () => number;
  readonly startThread?: (index: number, listener: WorkerListener) => WorkerHandle;
  readonly timings?: Partial<LinkTimings>;
}

const JOIN_TIMEOUT_MS = 2000;
/** Runs remembered as not to be asked again. */
const MOST_REFUSALS = 1000;

/** How a worker's part in a run ended. */
type Outcome = "served" | "refused" | "moved" | "interrupted";

/** A worker: takes part in one run after the other. */
export class WorkerHost {
  readonly #options: WorkerHostOptions;
  readonly #clock: Clock;
  readonly #sharedNowMs: () => number;
  readonly #subject: string;
  readonly #subjects: ReturnType<typeof subjectsOf>;
  /** Runs that are not to be asked again. */
  readonly #done = new Set<string>();
  /** Told of every announcement that can be read. */
  #onAnnouncement: (announcement: Announcement) => void = () => {};

  constructor(options: WorkerHostOptions) {
    this.#options = options;
    this.#clock = options.clock ?? engineClock;
    this.#sharedNowMs = options.sharedNowMs ?? sharedNowMs;
    this.#subject = checkSubject(options.subject ?? distributeDefaults.subject);
    this.#subjects = subjectsOf(this.#subject);
  }

  /**
   * Serves until the signal is aborted, or as many runs as said.
   *
   * @returns runs served
   */
  async serve(signal: AbortSignal, runs: number = Number.POSITIVE_INFINITY): Promise<number> {
    using _listening = this.#options.transport.subscribe(this.#subjects.announce, (data) => {
      const announcement = readAnnouncement(data);
      if (announcement) this.#onAnnouncement(announcement);
    });
    this.#options.onEvent?.({ kind: "waiting", subject: this.#subject });
    let served = 0;
    while (served < runs) {
      const announcement = await this.#nextAnnouncement(signal);
      if (!announcement) break;
      const outcome = await this.#takePart(announcement, signal);
      if (outcome === "served") served += 1;
      if (outcome === "interrupted") break;
      this.#forget(announcement.run);
    }
    return served;
  }

  #forget(run: string): void {
    if (this.#done.size >= MOST_REFUSALS) this.#done.clear();
    this.#done.add(run);
  }

  /** The next run that was not asked before; undefined when the signal was aborted. */
  async #nextAnnouncement(signal: AbortSignal): Promise<Announcement | undefined> {
    const { promise, resolve } = Promise.withResolvers<Announcement | undefined>();
    const onAbort = (): void => {
      resolve(undefined);
    };
    if (signal.aborted) return undefined;
    signal.addEventListener("abort", onAbort, { once: true });
    this.#onAnnouncement = (announcement) => {
      if (!this.#done.has(announcement.run)) resolve(announcement);
    };
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#onAnnouncement = () => {};
    }
  }

  async #takePart({ run, name }: Announcement, signal: AbortSignal): Promise<Outcome> {
    const { transport, onEvent, timings, allow, packages, own, environment } = this.#options;
    const instance = randomUUID();
    const ending = Promise.withResolvers<Outcome>();
    using _clock = transport.subscribe(this.#subjects.clock(run, instance), (_, respond) => {
      respond(encodeMessage({ monotonicMs: this.#sharedNowMs(), wallMs: this.#clock.wallTime() }));
    });
    const reception = await this.#join(run, instance);
    if (reception.state === "refused") {
      onEvent?.({ kind: "refused", run, code: reception.code, message: reception.message });
      return "refused";
    }
    onEvent?.({ kind: "joined", run, name });
    let lostReason: string | undefined;
    const part: HostRun = new HostRun({
      clock: this.#clock,
      send: (message) => {
        link.send(message);
      },
      startThread: this.#options.startThread ?? startThread,
      store: (files) => (allow === undefined ? receivedFiles(files, packages) : allowedFiles(files, allow)),
      localSource: (source, root) => localSource(source, root, own, environment),
    });
    const link: Link = new Link({
      transport,
      clock: this.#clock,
      own: this.#subjects.toHost(run, instance),
      peer: this.#subjects.toCoordinator(run, instance),
      ...(timings && { timings }),
      onMessage: (message) => {
        part.handle(message as ToHost);
      },
      onLost: (reason) => {
        lostReason = reason;
        ending.resolve("served");
      },
    });
    try {
      const outcome = await this.#until(part, ending, run, signal);
      if (lostReason !== undefined) {
        onEvent?.({ kind: "coordinator-lost", run, reason: lostReason });
        await part.windDown();
      } else if (outcome === "served") onEvent?.({ kind: "ended", run });
      else {
        const moved = outcome === "moved";
        if (moved) onEvent?.({ kind: "moved", run });
        link.send({ kind: "leaving", reason: moved ? "it went to a run that waited longer" : "it was stopped there" });
      }
      return outcome;
    } finally {
      await part.close();
      await link.close();
    }
  }

  /** Waits for the end of the run, of the coordinator, or of this worker. */
  async #until(
    part: HostRun,
    ending: PromiseWithResolvers<Outcome>,
    run: string,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const onAbort = (): void => {
      ending.resolve("interrupted");
    };
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    void part.over.then(() => {
      ending.resolve("served");
    });
    // Two runs that each lack a worker would otherwise wait for each other's.
    this.#onAnnouncement = (other) => {
      if (other.run < run && !part.assigned && !this.#done.has(other.run)) ending.resolve("moved");
    };
    try {
      return await ending.promise;
    } finally {
      this.#onAnnouncement = () => {};
      signal.removeEventListener("abort", onAbort);
    }
  }

  async #join(run: string, instance: string): Promise<Reception> {
    const { transport } = this.#options;
    await transport.flush();
    const hello = encodeMessage(this.#hello(instance));
    for (let attempt = 0; attempt < 3; attempt++) {
      const answer = await transport.request(this.#subjects.join(run), hello, JOIN_TIMEOUT_MS);
      if (answer.state === "answered") return decodeMessage(answer.data) as Reception;
      if (answer.state === "failed") await this.#clock.sleep(ms(JOIN_TIMEOUT_MS));
      if (answer.state === "nobody") break;
    }
    return { state: "refused", code: "LOAD_RUN_STARTED", message: "the run's coordinator does not answer any more" };
  }

  #hello(instance: string): Hello {
    const { name, version, threads = 1, tags = {} } = this.#options;
    const processors = cpus();
    return {
      protocol: PROTOCOL,
      version,
      instance,
      name: name.slice(0, 200),
      process: process.pid,
      threads,
      node: process.versions.node,
      cpu: (processors[0]?.model || process.arch).slice(0, 200),
      cores: processors.length,
      tags,
    };
  }
}

/** Anybody may write to the subject: what is no announcement is left alone. */
function readAnnouncement(data: Uint8Array): Announcement | undefined {
  if (data.length > 10_000) return undefined;
  try {
    const value = decodeMessage(data) as Partial<Announcement> | null;
    return /^[\w-]{1,64}$/.test(value?.run ?? "") && typeof value?.name === "string"
      ? (value as Announcement)
      : undefined;
  } catch {
    // Not ours: whatever it is, it announces no run.
    return undefined;
  }
}
