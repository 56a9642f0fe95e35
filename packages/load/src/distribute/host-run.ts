import { type Clock, MettleError, ms } from "@mettle/core";
import type { FromWorker } from "../engine/protocol.ts";
import { tellError } from "../engine/told-error.ts";
import type { WorkerHandle, WorkerListener } from "../engine/worker-handle.ts";
import type { LoadSource } from "../engine/load-test.ts";
import type { BundleStore } from "./bundle-store.ts";
import type { FileEntry } from "./bundle.ts";
import { CellReader } from "./cell-transfer.ts";
import type { Assignment, FromHost, FromThread, ToHost, ToThread } from "./messages.ts";
import type { PortableSource } from "./portable-source.ts";

export interface HostRunOptions {
  readonly clock: Clock;
  readonly send: (message: FromHost) => void;
  readonly startThread: (index: number, listener: WorkerListener) => WorkerHandle;
  /** Makes room for the files of an offer, or refuses them. */
  readonly store: (files: readonly FileEntry[]) => BundleStore;
  readonly localSource: (source: PortableSource, root: string) => LoadSource;
}

interface Thread {
  readonly handle: WorkerHandle;
  started: boolean;
  readonly ended: Promise<void>;
  /** Resolves with the answer to a teardown. */
  readonly tornDown: Promise<void>;
}

/** How long a run that lost its coordinator may take beyond what its scenarios grant iterations in flight. */
const WIND_DOWN_MS = 5000;

/** A worker's part of one run: its files and its threads. Driven by the coordinator's messages. */
export class HostRun {
  readonly #options: HostRunOptions;
  readonly #threads = new Map<number, Thread>();
  #store: BundleStore | undefined;
  #assignment: Assignment | undefined;
  #taken: SharedArrayBuffer | undefined;
  #source: LoadSource | undefined;
  #finished = false;
  readonly #done = Promise.withResolvers<void>();

  constructor(options: HostRunOptions) {
    this.#options = options;
  }

  /** Whether anything was given out here: before, a worker may leave for another run. */
  get assigned(): boolean {
    return this.#store !== undefined;
  }

  get started(): boolean {
    return [...this.#threads.values()].some(({ started }) => started);
  }

  /** Resolves when the coordinator says that the run is over. */
  get over(): Promise<void> {
    return this.#done.promise;
  }

  /** @throws Error for a message that is out of turn */
  handle(message: ToHost): void {
    switch (message.kind) {
      case "offer":
        this.#answer(() => {
          this.#store = this.#options.store(message.files);
          return { kind: "need", files: this.#store.needed };
        });
        break;
      case "file":
        this.#answer(() => {
          this.#store?.put(message.sha256, message.content);
          return undefined;
        });
        break;
      case "assignment":
        this.#answer(() => {
          this.#settle(message);
          return { kind: "settled" };
        });
        break;
      case "thread":
        this.#tellThread(message.thread, message.message);
        break;
      case "terminate":
        this.#terminate(message.thread);
        break;
      case "end":
        this.#done.resolve();
        break;
      default:
        throw new Error(`it said ${JSON.stringify((message as { kind?: unknown }).kind)}`);
    }
  }

  /** Does a step of the preparation and answers; a coded error is the answer too. */
  #answer(action: () => FromHost | undefined): void {
    try {
      const answer = action();
      if (answer) this.#options.send(answer);
    } catch (thrown) {
      if (!(thrown instanceof MettleError)) throw thrown;
      this.#options.send({ kind: "refused", error: tellError(thrown) });
    }
  }

  #settle(assignment: Assignment): void {
    if (!this.#store) throw new Error("an assignment came before the files");
    this.#source = this.#options.localSource(assignment.source, this.#store.root);
    this.#assignment = assignment;
    this.#taken = new SharedArrayBuffer(4 * assignment.plan.scenarios.length);
  }

  #tellThread(index: number, message: ToThread): void {
    if (message.kind === "begin") {
      this.#begin(index, message.stream);
      return;
    }
    const thread = this.#threads.get(index);
    if (!thread) return; // It ended meanwhile, and the coordinator was told.
    if (message.kind === "start") thread.started = true;
    thread.handle.send(message);
  }

  #begin(index: number, stream: boolean): void {
    const { startThread, send } = this.#options;
    const assignment = this.#assignment;
    if (!assignment?.threads.includes(index) || !this.#taken || !this.#source) {
      throw new Error(`the thread ${index} is none of this worker's`);
    }
    const reader = new CellReader();
    const ended = Promise.withResolvers<void>();
    const tornDown = Promise.withResolvers<void>();
    const handle = startThread(index, {
      onMessage: (message) => {
        if (message.kind === "ended") ended.resolve();
        if (message.kind === "torn-down" || (message.kind === "failed" && message.during === "teardown")) {
          tornDown.resolve();
        }
        if (!this.#finished) send({ kind: "thread", thread: index, message: toldMessage(message, reader) });
      },
      onLost: (reason) => {
        ended.resolve();
        tornDown.resolve();
        this.#threads.delete(index);
        if (!this.#finished) send({ kind: "thread-lost", thread: index, reason });
      },
    });
    this.#threads.set(index, { handle, started: false, ended: ended.promise, tornDown: tornDown.promise });
    const { plan, submetrics, workers } = assignment;
    handle.send({
      kind: "begin",
      worker: index,
      workers,
      plan,
      submetrics,
      taken: this.#taken,
      stream,
      source: this.#source,
    });
  }

  #terminate(index: number): void {
    const thread = this.#threads.get(index);
    this.#threads.delete(index);
    void thread?.handle.terminate();
  }

  /**
   * The coordinator is gone: begins no more iterations, lets those in flight end, and tears down what setup made where
   * that is this worker's to do. Nobody is left to be told of failures.
   */
  async windDown(): Promise<void> {
    this.#finished = true;
    const assignment = this.#assignment;
    if (!assignment || !this.started) return;
    for (const { handle } of this.#threads.values()) handle.send({ kind: "stop" });
    const graceMs = Math.max(...assignment.plan.scenarios.map(({ gracefulStopMs }) => gracefulStopMs));
    await this.#within(Promise.all([...this.#threads.values()].map(({ ended }) => ended)), graceMs + WIND_DOWN_MS);
    const first = this.#threads.get(0);
    if (!first || !assignment.plan.teardown) return;
    first.handle.send({ kind: "teardown" });
    await this.#within(first.tornDown, assignment.plan.teardownTimeoutMs);
  }

  async #within(promise: Promise<unknown>, milliseconds: number): Promise<void> {
    const timer = new AbortController();
    const late = this.#options.clock.sleep(ms(milliseconds), timer.signal).catch((reason: unknown) => {
      if (!timer.signal.aborted) throw reason;
    });
    await Promise.race([promise, late]);
    timer.abort();
  }

  /** Ends all threads at once and forgets the files. */
  async close(): Promise<void> {
    this.#finished = true;
    const threads = [...this.#threads.values()];
    this.#threads.clear();
    await Promise.all(threads.map(({ handle }) => handle.terminate()));
    this.#store?.[Symbol.dispose]();
    this.#done.resolve();
  }
}

function toldMessage(message: FromWorker, reader: CellReader): FromThread {
  if (message.kind !== "flushed") return message;
  const { kind, ...flush } = message;
  return { kind, ...reader.read(flush) };
}
