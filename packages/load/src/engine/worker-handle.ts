import { Worker } from "node:worker_threads";
import { type Clock, messageOf } from "@mettle/core";
import { engineClock } from "./engine-clock.ts";
import type { LoadTest } from "./load-test.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";
import type { HealthMonitor } from "./thread-health.ts";
import { WorkerSession } from "./worker-session.ts";

/** The main thread's side of a channel to a worker. */
export interface WorkerHandle {
  send(message: ToWorker): void;
  /** Ends it at once, whatever it does. */
  terminate(): Promise<void>;
}

export interface WorkerListener {
  onMessage(message: FromWorker): void;
  /** It ended without being asked to. */
  onLost(reason: string): void;
}

/** Workers of other machines, found and made ready before the run. */
export interface RemoteCrew {
  /** Between the order to start and the start: it must have reached all by then. */
  readonly leadMs: number;
  /** The time line on which a start order names its moment. */
  sharedNowMs(): number;
  start(index: number, listener: WorkerListener): WorkerHandle;
  /** What is said of a worker that was lost, and of what went with it; the same for all that went together. */
  lossOf(index: number, reason: string): string;
}

/** Milliseconds of `process.hrtime`: one time line for all threads of a process. */
export const sharedNowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** A worker with a thread of its own. */
export function startThread(index: number, listener: WorkerListener): WorkerHandle {
  const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
  const worker = new Worker(new URL(`./worker-entry${extension}`, import.meta.url), {
    name: `mettle-load-${index}`,
    // What 2000 users have in flight must fit in it: a smaller one (24) moves every iteration into the old generation, where
    // its remains pile up, and took 217 MiB where this takes 181; a larger one (96) is a quarter faster, and takes 228.
    resourceLimits: { maxYoungGenerationSizeMb: 48 },
  });
  let terminated = false;
  worker.on("message", (message: FromWorker) => {
    listener.onMessage(message);
  });
  // Whatever code in the thread threw, which need not be an error.
  worker.on("error", (thrown: unknown) => {
    terminated = true;
    listener.onLost(messageOf(thrown));
  });
  worker.on("exit", (code) => {
    if (!terminated) listener.onLost(`its thread ended with code ${code}`);
  });
  return {
    send: (message) => {
      // A thread's, not a window's.
      // oxlint-disable-next-line unicorn/require-post-message-target-origin
      worker.postMessage(message);
    },
    terminate: async () => {
      terminated = true;
      await worker.terminate();
    },
  };
}

export interface InlineOptions {
  readonly test: LoadTest;
  /** @defaultValue engineClock */
  readonly clock?: Clock;
  /** @defaultValue what the system tells of this thread */
  readonly monitor?: () => HealthMonitor;
}

/** A worker in this very thread: for load on functions of this process, and for tests. */
export function startInline(options: InlineOptions, listener: WorkerListener): WorkerHandle {
  const clock = options.clock ?? engineClock;
  const session = new WorkerSession(
    {
      send: (message) => {
        queueMicrotask(() => {
          listener.onMessage(message);
        });
      },
    },
    {
      clock,
      load: () => Promise.resolve(options.test),
      fromSharedMs: (atMs) => atMs,
      ...(options.monitor && { monitor: options.monitor }),
    },
  );
  return {
    send: (message) => {
      queueMicrotask(() => {
        session.handle(message);
      });
    },
    terminate: () => {
      session.close();
      return Promise.resolve();
    },
  };
}
