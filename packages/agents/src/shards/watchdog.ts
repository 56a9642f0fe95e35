import { Worker } from "node:worker_threads";
import type { StuckNews, WatchOrder } from "./watchdog-worker.ts";

const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
const entry = new URL(`./watchdog-worker${extension}`, import.meta.url);

/**
 * Watches the pulse of worker threads from a thread of its own, so that it sees a stuck one also while this thread is
 * busy. Started with the first watched thread.
 */
export class Watchdog {
  readonly #stuckAfterMs: number;
  readonly #onStuck: (news: StuckNews) => void;
  #worker: Worker | undefined;

  constructor(stuckAfterMs: number, onStuck: (news: StuckNews) => void) {
    this.#stuckAfterMs = stuckAfterMs;
    this.#onStuck = onStuck;
  }

  watch(shard: number, pulse: SharedArrayBuffer): void {
    if (this.#worker === undefined) {
      this.#worker = new Worker(entry, { workerData: { stuckAfterMs: this.#stuckAfterMs }, name: "mettle watchdog" });
      this.#worker.unref();
      this.#worker.on("message", this.#onStuck);
    }
    this.#worker.postMessage({ shard, pulse } satisfies WatchOrder, []);
  }

  unwatch(shard: number): void {
    this.#worker?.postMessage({ shard } satisfies WatchOrder, []);
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = undefined;
  }
}
