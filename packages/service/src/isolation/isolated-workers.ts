import { Worker } from "node:worker_threads";
import { type Clock, messageOf, type Milliseconds, ms } from "@mettle/core";

export interface IsolationOptions {
  /** The module whose `default` export takes an input and returns, or promises, an output. */
  readonly module: URL;
  /** Threads at most; each does one job at a time. */
  readonly threads: number;
  /** Jobs that may wait for a thread. */
  readonly waiting: number;
  /** Of each thread's JavaScript heap, in megabytes. */
  readonly heapMb: number;
  readonly clock: Clock;
}

/** Why a job has no result. `failed` is the job's own error; all others are limits. */
export type IsolationReason = "failed" | "timeout" | "memory" | "busy" | "cancelled";

export class IsolationFailure extends Error {
  override readonly name = "IsolationFailure";
  readonly reason: IsolationReason;

  constructor(reason: IsolationReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** What a thread says: once that it can begin, then an answer for each job. */
export type IsolatedReply =
  | { readonly ready: true }
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string };

interface Job {
  readonly input: unknown;
  readonly deadline: Milliseconds;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (failure: IsolationFailure) => void;
}

/** For a new thread to load its module. */
const startLimit = ms(60_000);
const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
const entry = new URL(`./isolated-entry${extension}`, import.meta.url);

/**
 * Threads for work on input that nobody has vouched for. A job that takes longer than its deadline or more memory than its
 * thread has costs its thread, which another replaces; nothing else notices.
 */
export class IsolatedWorkers<Input, Output> implements AsyncDisposable {
  readonly #options: IsolationOptions;
  readonly #idle: Worker[] = [];
  readonly #ready = new WeakSet<Worker>();
  readonly #queue: Job[] = [];
  readonly #running = new Map<Worker, (failure: IsolationFailure) => void>();
  #closed = false;

  constructor(options: IsolationOptions) {
    this.#options = options;
  }

  /** Jobs under way and waiting. */
  get load(): number {
    return this.#running.size + this.#queue.length;
  }

  /**
   * @param deadline - counted from the moment that the job has a thread that can begin
   * @throws IsolationFailure
   */
  run(input: Input, deadline: Milliseconds, signal?: AbortSignal): Promise<Output> {
    return new Promise<Output>((resolve, reject) => {
      const { threads, waiting } = this.#options;
      if (this.#closed || signal?.aborted === true)
        return reject(new IsolationFailure("cancelled", "It was cancelled."));
      const job: Job = { input, deadline, signal, resolve: resolve as (value: unknown) => void, reject };
      if (this.#running.size < threads) return this.#start(job);
      if (this.#queue.length >= waiting) return reject(new IsolationFailure("busy", "Too much is waiting already."));
      this.#queue.push(job);
    });
  }

  #start(job: Job): void {
    const worker = this.#idle.pop() ?? this.#spawn();
    const settled = new AbortController();
    const end = (settle: () => void, reusable: boolean): void => {
      if (settled.signal.aborted) return;
      settled.abort();
      this.#running.delete(worker);
      worker.removeAllListeners("message");
      worker.unref();
      if (reusable && !this.#closed) this.#idle.push(worker);
      else void worker.terminate();
      settle();
      this.#next();
    };
    const fail = (failure: IsolationFailure): void => end(() => job.reject(failure), false);
    worker.ref();
    this.#running.set(worker, fail);
    const started = new AbortController();
    const time = (limit: Milliseconds, until: AbortSignal): void => {
      const late = (): void => fail(new IsolationFailure("timeout", `It took longer than ${limit} ms.`));
      this.#options.clock.sleep(limit, until).then(late, () => undefined);
    };
    worker.on("message", (reply: IsolatedReply) => {
      if ("ready" in reply) {
        this.#ready.add(worker);
        started.abort();
        time(job.deadline, settled.signal);
      } else if (reply.ok) end(() => job.resolve(reply.value), true);
      else end(() => job.reject(new IsolationFailure("failed", reply.message)), true);
    });
    if (this.#ready.has(worker)) time(job.deadline, settled.signal);
    else time(startLimit, AbortSignal.any([settled.signal, started.signal]));
    const cancel = (): void => fail(new IsolationFailure("cancelled", "It was cancelled."));
    job.signal?.addEventListener("abort", cancel, { once: true, signal: settled.signal });
    worker.postMessage(job.input, []);
  }

  #next(): void {
    const job = this.#queue.shift();
    if (!job) return;
    if (job.signal?.aborted === true) {
      job.reject(new IsolationFailure("cancelled", "It was cancelled."));
      this.#next();
    } else this.#start(job);
  }

  #spawn(): Worker {
    const { module, heapMb } = this.#options;
    const worker = new Worker(entry, {
      workerData: module.href,
      resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 },
      env: {}, // nothing of this process's settings
      stdin: false,
      stdout: true,
      stderr: true,
    });
    // What it prints is nobody's: read, so that it is not kept.
    worker.stdout.resume();
    worker.stderr.resume();
    let cause: unknown;
    worker.on("error", (error) => {
      cause = error;
    });
    worker.on("exit", () => {
      const at = this.#idle.indexOf(worker);
      if (at >= 0) this.#idle.splice(at, 1);
      const memory = (cause as { readonly code?: unknown } | undefined)?.code === "ERR_WORKER_OUT_OF_MEMORY";
      this.#running.get(worker)?.(
        memory
          ? new IsolationFailure("memory", `It took more than ${heapMb} MB of memory.`)
          : new IsolationFailure("failed", `Its thread ended: ${messageOf(cause)}.`),
      );
    });
    return worker;
  }

  /** Ends the threads, and what runs in them. */
  async close(): Promise<void> {
    this.#closed = true;
    const cancelled = new IsolationFailure("cancelled", "The service is ending.");
    for (const job of this.#queue.splice(0)) job.reject(cancelled);
    const workers = [...this.#idle.splice(0), ...this.#running.keys()];
    for (const fail of Array.from(this.#running.values())) fail(cancelled);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
