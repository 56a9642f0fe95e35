import { availableParallelism, totalmem } from "node:os";
import { type Clock, ms } from "@mettle/core";
import type { Recorder } from "../../measure/recorder.ts";
import type { MetricsSnapshot } from "./open-metrics.ts";

const readEvery = ms(500);

/** What a service takes of its machine while it is loaded: read from /metrics again and again. */
export class UsageSamples {
  readonly #cpu: number[] = [];
  readonly #memory: number[] = [];
  readonly #pool: number[] = [];

  /** Reads until `work` has ended. @param local - whether the service is on this machine, so that shares of it mean anything */
  async during<T>(
    work: () => Promise<T>,
    read: () => Promise<MetricsSnapshot | undefined>,
    clock: Clock,
    local: boolean,
  ): Promise<T> {
    const over = new AbortController();
    const reading = this.#read(read, clock, over.signal, local);
    try {
      return await work();
    } finally {
      over.abort();
      await reading;
    }
  }

  async #read(
    read: () => Promise<MetricsSnapshot | undefined>,
    clock: Clock,
    over: AbortSignal,
    local: boolean,
  ): Promise<void> {
    let before: { readonly at: number; readonly cpu: number } | undefined;
    while (!over.aborted) {
      // A service that does not answer is found out by the load, which says more than this could.
      const snapshot = await read().catch(() => undefined);
      if (snapshot && !over.aborted) {
        const at = clock.now() / 1e9;
        const cpu = snapshot.value("process_cpu_seconds_total");
        const memory = snapshot.value("process_resident_memory_bytes");
        const pool = snapshot.value("database_pool_utilization");
        if (local && cpu !== undefined && before)
          this.#cpu.push((cpu - before.cpu) / (at - before.at) / availableParallelism());
        if (local && memory !== undefined) this.#memory.push(memory / totalmem());
        if (pool !== undefined) this.#pool.push(pool);
        before = cpu === undefined ? undefined : { at, cpu };
      }
      await clock.sleep(readEvery, over).catch(() => undefined); // over
    }
  }

  record(to: Recorder): void {
    const share = { unit: "1", direction: "lower" } as const;
    to.value("service.usage.cpu", this.#cpu, { ...share, requirement: ["S4-023"] });
    to.value("service.usage.memory", this.#memory, { ...share, requirement: ["S4-024"] });
    to.value("service.usage.pool", this.#pool, { ...share, requirement: ["S4-027"] });
  }
}
