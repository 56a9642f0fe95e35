import { type ChildProcess, fork, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Clock, type Milliseconds, ms } from "@mettle/core";

export interface IsolationOptions {
  /** The module whose `default` export takes an input and returns, or promises, an output. */
  readonly module: URL;
  /** Processes at most; each does one job at a time. */
  readonly processes: number;
  /** Jobs that may wait for a process. */
  readonly waiting: number;
  /** Of each process's JavaScript heap, in megabytes. */
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

/** What a process says: once that it can begin, then an answer for each job. */
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

/** For a new process to load its module. */
const startLimit = ms(60_000);
const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
const entry = fileURLToPath(new URL(`./isolated-entry${extension}`, import.meta.url));
/** From sources (this repository's own development) the sibling packages are read from sources too. */
const sourceFlags = extension === ".ts" ? ["--conditions=mettle-source", "--disable-warning=ExperimentalWarning"] : [];
/** Where there is `setpriv` (Linux), a process ends with the one that started it, even one that never looks up. */
const endsWithParent: readonly string[] =
  spawnSync("setpriv", ["--pdeathsig", "SIGKILL", "true"]).status === 0 ? ["setpriv", "--pdeathsig", "SIGKILL"] : [];

/**
 * Processes for work on input that nobody has vouched for. A job that takes longer than its deadline or more memory than its
 * process has costs its process, which another replaces; nothing else notices. Not threads: on a busy machine a thread was
 * seen that filled its heap and neither kept to its limit nor could be ended, until it had all memory.
 */
export class IsolatedWorkers<Input, Output> implements AsyncDisposable {
  readonly #options: IsolationOptions;
  readonly #idle: ChildProcess[] = [];
  readonly #ready = new WeakSet<ChildProcess>();
  readonly #queue: Job[] = [];
  readonly #running = new Map<ChildProcess, (failure: IsolationFailure) => void>();
  #closed = false;

  constructor(options: IsolationOptions) {
    this.#options = options;
  }

  /** Jobs under way and waiting. */
  get load(): number {
    return this.#running.size + this.#queue.length;
  }

  /**
   * @param deadline - counted from the moment that the job has a process that can begin
   * @throws IsolationFailure
   */
  run(input: Input, deadline: Milliseconds, signal?: AbortSignal): Promise<Output> {
    return new Promise<Output>((resolve, reject) => {
      const { processes, waiting } = this.#options;
      if (this.#closed || signal?.aborted === true)
        return reject(new IsolationFailure("cancelled", "It was cancelled."));
      const job: Job = { input, deadline, signal, resolve: resolve as (value: unknown) => void, reject };
      if (this.#running.size < processes) return this.#start(job);
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
      worker.channel?.unref();
      if (reusable && !this.#closed) this.#idle.push(worker);
      else worker.kill("SIGKILL");
      settle();
      this.#next();
    };
    const fail = (failure: IsolationFailure): void => end(() => job.reject(failure), false);
    worker.ref();
    worker.channel?.ref();
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
    // Whoever is gone by now is told of by "exit".
    worker.send(job.input as object, () => undefined);
  }

  #next(): void {
    const job = this.#queue.shift();
    if (!job) return;
    if (job.signal?.aborted === true) {
      job.reject(new IsolationFailure("cancelled", "It was cancelled."));
      this.#next();
    } else this.#start(job);
  }

  #spawn(): ChildProcess {
    const { module, heapMb } = this.#options;
    const [command, ...before] = [...endsWithParent, process.execPath];
    const worker = fork(entry, [module.href], {
      execPath: command,
      execArgv: [...before, ...sourceFlags, `--max-old-space-size=${heapMb}`, "--max-semi-space-size=8"],
      env: {}, // nothing of this process's settings
      serialization: "advanced",
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    let cause: Error | undefined;
    worker.on("error", (error) => {
      cause = error;
    });
    worker.on("exit", (code, signal) => {
      const at = this.#idle.indexOf(worker);
      if (at >= 0) this.#idle.splice(at, 1);
      // V8 aborts where its heap is full.
      const memory = signal === "SIGABRT" || signal === "SIGTRAP" || code === 134;
      const how = cause?.message ?? (signal === null ? `exit code ${code}` : `signal ${signal}`);
      this.#running.get(worker)?.(
        memory
          ? new IsolationFailure("memory", `It took more than ${heapMb} MB of memory.`)
          : new IsolationFailure("failed", `Its process ended: ${how}.`),
      );
    });
    return worker;
  }

  /** Ends the processes, and what runs in them. */
  async close(): Promise<void> {
    this.#closed = true;
    const cancelled = new IsolationFailure("cancelled", "The service is ending.");
    for (const job of this.#queue.splice(0)) job.reject(cancelled);
    const workers = [...this.#idle.splice(0), ...this.#running.keys()];
    for (const fail of Array.from(this.#running.values())) fail(cancelled);
    await Promise.all(workers.map(ended));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Ends a process, and is told when it is gone. */
async function ended(worker: ChildProcess): Promise<void> {
  if (worker.pid === undefined || worker.exitCode !== null || worker.signalCode !== null) return;
  worker.ref();
  await new Promise((gone) => {
    worker.once("exit", gone);
    worker.kill("SIGKILL");
  });
}
