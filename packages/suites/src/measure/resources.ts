import { performance, PerformanceObserver } from "node:perf_hooks";
import { nextTurn } from "./time.ts";

/** What a stretch of work used of the machine. */
export interface Usage {
  readonly wallMs: number;
  /** Processor time by wall time: 1 is one core. */
  readonly cpuShare: number;
  /** Of the wall time. */
  readonly gcShare: number;
  /** Share of the time that the event loop was not idle. */
  readonly loopUtilization: number;
  readonly voluntaryContextSwitches: number;
  readonly involuntaryContextSwitches: number;
}

/** Started before the work and stopped after it (S0-135). */
export class ResourceMonitor {
  readonly #wall = performance.now();
  readonly #cpu = process.cpuUsage();
  readonly #usage = process.resourceUsage();
  readonly #loop = performance.eventLoopUtilization();
  #collectingMs = 0;
  readonly #observer = new PerformanceObserver((list) => this.#add(list.getEntries()));

  constructor() {
    this.#observer.observe({ entryTypes: ["gc"] });
  }

  #add(entries: readonly { readonly duration: number }[]): void {
    for (const { duration } of entries) this.#collectingMs += duration;
  }

  async stop(): Promise<Usage> {
    const wallMs = performance.now() - this.#wall;
    const { user, system } = process.cpuUsage(this.#cpu);
    const now = process.resourceUsage();
    const loop = performance.eventLoopUtilization(this.#loop);
    await nextTurn(); // the last collections are told of in the next turn
    this.#add(this.#observer.takeRecords());
    this.#observer.disconnect();
    return {
      wallMs,
      cpuShare: (user + system) / 1000 / wallMs,
      gcShare: this.#collectingMs / wallMs,
      loopUtilization: loop.utilization,
      voluntaryContextSwitches: now.voluntaryContextSwitches - this.#usage.voluntaryContextSwitches,
      involuntaryContextSwitches: now.involuntaryContextSwitches - this.#usage.involuntaryContextSwitches,
    };
  }
}

/** What `work` used. */
export async function usageOf(work: () => Promise<void>): Promise<Usage> {
  const monitor = new ResourceMonitor();
  await work();
  return monitor.stop();
}
