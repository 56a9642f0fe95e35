import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { messageOf, ms } from "@mettle/core";
import { refuseProblems, wholeAtLeast } from "../coordination/check-options.ts";
import type { Timers } from "../timers/timers.ts";
import { poolErrors } from "./errors.ts";

export interface TaskPoolOptions {
  /** The module with the task; each worker loads it once. */
  readonly module: URL;
  /** The function that it exports: takes the input, returns the result or a promise of it. @defaultValue default */
  readonly task?: string;
  /** @defaultValue the cores that this process may use */
  readonly workers?: number;
  /** Tasks under way or waiting. @defaultValue 10 000 */
  readonly maxPending?: number;
  /** Limit of each worker's heap, in megabytes. @defaultValue V8's own */
  readonly maxHeapMb?: number;
  /** For the deadline of `close`. @defaultValue the process's own */
  readonly timers?: Timers;
}

export interface TaskPoolCloseOptions {
  /** How long the tasks under way may still take, in ms; their workers are ended then. @defaultValue 5000 */
  readonly withinMs?: number;
}

export interface TaskPoolStatistics {
  /** Threads that run. They start when they are first needed. */
  readonly running: number;
  readonly pending: number;
  readonly completed: number;
  readonly failed: number;
  /** Workers that ended by themselves. */
  readonly lost: number;
}

interface PendingTask {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly settled: () => void;
}

interface Reply {
  readonly id: number;
  readonly ok: boolean;
  readonly value?: unknown;
  readonly error?: { readonly name: string; readonly message: string; readonly stack?: string };
}

interface Seat {
  readonly worker: Worker;
  readonly tasks: Map<number, PendingTask>;
}

const processTimers: Timers = {
  after: (delay, run) => {
    const timer = setTimeout(run, Math.min(delay, 2 ** 31 - 1)); // the longest that Node can wait
    return { cancel: () => clearTimeout(timer) };
  },
};

const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";

/**
 * One worker thread for each core, for work that computes. Tasks go round, past workers with more to do than the least
 * busy. Crossing costs some 40 µs: not for tasks that take less. A worker that dies fails its tasks and is replaced.
 */
export class TaskPool<Input, Output> implements AsyncDisposable {
  readonly #options: Required<Omit<TaskPoolOptions, "maxHeapMb">> & Pick<TaskPoolOptions, "maxHeapMb">;
  readonly #seats: (Seat | undefined)[];
  readonly #idle: (() => void)[] = [];
  #turn = 0;
  #nextId = 0;
  #pending = 0;
  #completed = 0;
  #failed = 0;
  #lost = 0;
  #closed = false;
  #closing: Promise<void> | undefined;

  /** Starts no thread yet. @throws MettleError `OPTIONS_INVALID` */
  constructor(options: TaskPoolOptions) {
    this.#options = {
      task: "default",
      workers: availableParallelism(),
      maxPending: 10_000,
      timers: processTimers,
      ...options,
    };
    const { workers, maxPending } = this.#options;
    refuseProblems("Task pool", [...wholeAtLeast("workers", workers, 1), ...wholeAtLeast("maxPending", maxPending, 1)]);
    this.#seats = Array.from({ length: workers }, () => undefined);
  }

  get statistics(): TaskPoolStatistics {
    return {
      running: this.#seats.filter((seat) => seat !== undefined).length,
      pending: this.#pending,
      completed: this.#completed,
      failed: this.#failed,
      lost: this.#lost,
    };
  }

  /**
   * Runs one task. An abort rejects at once with `TASK_CANCELLED`; the worker still finishes what it has begun.
   *
   * Rejects with `TASK_FAILED`, `TASK_WORKER_LOST`, `TASK_NOT_CLONEABLE`, `TASK_CANCELLED`, `POOL_EXHAUSTED`, `POOL_CLOSED`.
   */
  run(input: Input, signal?: AbortSignal): Promise<Output> {
    return new Promise<Output>((resolve, reject) => {
      if (this.#closed) throw poolErrors.create("POOL_CLOSED", "The task pool is closed.");
      if (signal?.aborted) throw cancelled(signal);
      if (this.#pending >= this.#options.maxPending) {
        throw poolErrors.create("POOL_EXHAUSTED", `${this.#pending} tasks are pending (maxPending).`, {
          details: { pending: this.#pending },
        });
      }
      const seat = this.#choose();
      const id = this.#nextId++;
      try {
        seat.worker.postMessage({ id, input }, []);
      } catch (cause) {
        throw poolErrors.create("TASK_NOT_CLONEABLE", `The input cannot be sent to a worker: ${messageOf(cause)}`, {
          cause,
        });
      }
      const onAbort = (): void => reject(cancelled(signal!));
      signal?.addEventListener("abort", onAbort, { once: true });
      const settled = (): void => {
        signal?.removeEventListener("abort", onAbort);
        this.#pending -= 1;
        if (this.#pending === 0) for (const idle of this.#idle.splice(0)) idle();
      };
      this.#pending += 1;
      if (seat.tasks.size === 0) seat.worker.ref();
      seat.tasks.set(id, { resolve: resolve as (value: unknown) => void, reject, settled });
    });
  }

  /** Waits for the tasks under way, then ends the threads. Tasks that take longer than `withinMs` end with `POOL_CLOSED`. */
  close({ withinMs = 5000 }: TaskPoolCloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(withinMs);
    return this.#closing;
  }

  async #close(withinMs: number): Promise<void> {
    this.#closed = true;
    if (this.#pending > 0) {
      const idle = new Promise<void>((resolve) => this.#idle.push(resolve));
      const late = withinMs < Infinity ? this.#options.timers.after(ms(withinMs), () => this.#giveUp()) : undefined;
      await idle;
      late?.cancel();
    }
    await Promise.all(this.#seats.splice(0).flatMap((seat) => seat?.worker.terminate() ?? []));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #giveUp(): void {
    for (const seat of this.#seats) {
      for (const task of seat?.tasks.values() ?? []) {
        const error = poolErrors.create("POOL_CLOSED", "The task pool was closed before the task had ended.");
        this.#settle(task, () => task.reject(error), false);
      }
      seat?.tasks.clear();
    }
  }

  /** The next in turn among the least busy; an empty seat is as idle as a worker without tasks. */
  #choose(): Seat {
    const count = this.#seats.length;
    let chosen = this.#turn;
    let least = Infinity;
    for (let i = 0; i < count && least > 0; i++) {
      const at = (this.#turn + i) % count;
      const tasks = this.#seats[at]?.tasks.size ?? 0;
      if (tasks < least) [chosen, least] = [at, tasks];
    }
    this.#turn = (chosen + 1) % count;
    return (this.#seats[chosen] ??= this.#start(chosen));
  }

  #start(at: number): Seat {
    const { module, task, maxHeapMb } = this.#options;
    const worker = new Worker(new URL(`./task-worker${extension}`, import.meta.url), {
      workerData: { module: module.href, task },
      ...(maxHeapMb !== undefined && { resourceLimits: { maxOldGenerationSizeMb: maxHeapMb } }),
    });
    worker.unref(); // an idle worker must not hold the process; one with a task must, see `run`
    const seat: Seat = { worker, tasks: new Map() };
    let cause: unknown;
    worker.on("message", (reply: Reply) => this.#onReply(seat, reply));
    worker.on("error", (error) => {
      cause = error;
    });
    worker.on("exit", (exitCode) => {
      if (this.#seats[at] === seat) this.#seats[at] = undefined;
      if (this.#closed && seat.tasks.size === 0) return;
      this.#lost += 1;
      for (const task of seat.tasks.values()) {
        const error = poolErrors.create("TASK_WORKER_LOST", `The worker ended with code ${exitCode} during the task.`, {
          cause,
          details: { exitCode },
        });
        this.#settle(task, () => task.reject(error), false);
      }
      seat.tasks.clear();
    });
    return seat;
  }

  #onReply(seat: Seat, { id, ok, value, error }: Reply): void {
    const task = seat.tasks.get(id);
    if (task === undefined) return;
    seat.tasks.delete(id);
    if (seat.tasks.size === 0) seat.worker.unref();
    if (ok) {
      this.#settle(task, () => task.resolve(value), true);
      return;
    }
    const cause = Object.assign(new Error(error?.message), { name: error?.name ?? "Error", stack: error?.stack });
    const failure = poolErrors.create("TASK_FAILED", `The task failed: ${error?.message ?? ""}`, { cause });
    this.#settle(task, () => task.reject(failure), false);
  }

  #settle(task: PendingTask, settle: () => void, ok: boolean): void {
    if (ok) this.#completed += 1;
    else this.#failed += 1;
    settle();
    task.settled();
  }
}

function cancelled(signal: AbortSignal): Error {
  return poolErrors.create("TASK_CANCELLED", "The task was cancelled.", { cause: signal.reason });
}
