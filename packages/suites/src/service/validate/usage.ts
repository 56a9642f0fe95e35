import { availableParallelism, totalmem } from "node:os";
import { type Clock, ms } from "@mettle/core";
import type { Recorder } from "../../measure/recorder.ts";
import { type HostIo, readHostIo } from "./host-io.ts";
import type { MetricsSnapshot } from "./open-metrics.ts";

const readEvery = ms(500);

/** What a service takes of its machine while it is loaded: read from /metrics again and again, and from the machine. */
export class UsageSamples {
  readonly #cpu: number[] = [];
  readonly #memory: number[] = [];
  readonly #pool: number[] = [];
  readonly #reads: number[] = [];
  readonly #writes: number[] = [];
  readonly #network: number[] = [];
  readonly #hostIo: () => HostIo;

  constructor(hostIo: () => HostIo = readHostIo) {
    this.#hostIo = hostIo;
  }

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
    let hostBefore: { readonly at: number; readonly io: HostIo } | undefined;
    while (!over.aborted) {
      if (local) hostBefore = this.#readHost(clock, hostBefore);
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

  /** The whole machine's, with what else runs on it: nobody tells operations of one process. */
  #readHost(clock: Clock, before: { readonly at: number; readonly io: HostIo } | undefined) {
    const now = { at: clock.now() / 1e9, io: this.#hostIo() };
    if (!before || now.at <= before.at) return now;
    const seconds = now.at - before.at;
    if (now.io.disk && before.io.disk) {
      this.#reads.push((now.io.disk.reads - before.io.disk.reads) / seconds);
      this.#writes.push((now.io.disk.writes - before.io.disk.writes) / seconds);
    }
    const busy = [...now.io.network].flatMap(([name, total]) => {
      const earlier = before.io.network.get(name);
      return earlier === undefined ? [] : (total - earlier) / seconds;
    });
    if (busy.length > 0) this.#network.push(Math.max(...busy));
    return now;
  }

  record(to: Recorder): void {
    const share = { unit: "1", direction: "lower" } as const;
    to.value("service.usage.cpu", this.#cpu, { ...share, requirement: ["S4-023"] });
    to.value("service.usage.memory", this.#memory, { ...share, requirement: ["S4-024"] });
    to.value("service.usage.pool", this.#pool, { ...share, requirement: ["S4-027"] });
    const rate = { unit: "1/s", direction: "lower", requirement: ["S4-025"] } as const;
    to.value("service.usage.disk.reads", this.#reads, rate);
    to.value("service.usage.disk.writes", this.#writes, rate);
    to.value("service.usage.network", this.#network, { ...share, requirement: ["S4-026"] });
  }
}
