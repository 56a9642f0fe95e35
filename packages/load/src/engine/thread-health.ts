import { readFileSync } from "node:fs";
import { monitorEventLoopDelay, performance, PerformanceObserver } from "node:perf_hooks";

/** What a worker thread went through since the last reading. What the system does not tell is absent. */
export interface ThreadHealth {
  readonly wallMs: number;
  /** Running on a core. */
  readonly runMs?: number;
  /** Ready to run, but no core was free. */
  readonly waitMs?: number;
  /** Share of the time in which the event loop had something to do; watching the clock counts. */
  readonly loopUtilization: number;
  /** Of `runMs`, spent watching the clock with nothing else to do. */
  readonly idleSpinMs: number;
  /** How late the event loop came round to a timer: percentile 99 and greatest. */
  readonly loopDelayP99Ms: number;
  readonly loopDelayMaxMs: number;
  readonly gcMs: number;
  readonly gcLongestMs: number;
}

/** The scheduler's account of the calling thread: nanoseconds run and nanoseconds waited. Linux only. */
export type ReadSchedstat = () => readonly [runNs: number, waitNs: number] | undefined;

const readThreadSchedstat: ReadSchedstat = () => {
  let text: string;
  try {
    // Synchronous on purpose: another thread of the pool would read its own account.
    text = readFileSync("/proc/thread-self/schedstat", "utf8");
  } catch {
    // Not Linux, or a kernel without it: the figures are then absent from the health.
    return undefined;
  }
  const [run, wait] = text.split(" ").map(Number);
  return run !== undefined && wait !== undefined && Number.isFinite(run + wait) ? [run, wait] : undefined;
};

/** Milliseconds between two looks of the loop delay's own timer. */
const LOOP_RESOLUTION_MS = 10;

/** Tells what a thread went through. */
export interface HealthMonitor extends Disposable {
  /**
   * Since the last call.
   *
   * @param idleSpinMs - in all so far
   */
  take(idleSpinMs: number): ThreadHealth;
}

/** Watches the thread that made it. Close it: it keeps timers. */
export class ThreadMonitor implements HealthMonitor {
  readonly #read: ReadSchedstat;
  readonly #now: () => number;
  readonly #delay: ReturnType<typeof monitorEventLoopDelay>;
  readonly #observer: PerformanceObserver;
  #gcMs = 0;
  #gcLongestMs = 0;
  #atMs: number;
  #schedstat: ReturnType<ReadSchedstat>;
  #utilization = performance.eventLoopUtilization();
  #spinMs = 0;

  constructor(read: ReadSchedstat = readThreadSchedstat, now: () => number = () => performance.now()) {
    this.#read = read;
    this.#now = now;
    this.#delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
    this.#delay.enable();
    this.#observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) {
        this.#gcMs += duration;
        this.#gcLongestMs = Math.max(this.#gcLongestMs, duration);
      }
    });
    this.#observer.observe({ entryTypes: ["gc"] });
    this.#atMs = now();
    this.#schedstat = read();
  }

  take(idleSpinMs: number): ThreadHealth {
    const now = this.#now();
    const schedstat = this.#read();
    const utilization = performance.eventLoopUtilization();
    const before = this.#schedstat;
    const health: ThreadHealth = {
      wallMs: now - this.#atMs,
      ...(before && schedstat && { runMs: (schedstat[0] - before[0]) / 1e6, waitMs: (schedstat[1] - before[1]) / 1e6 }),
      loopUtilization: performance.eventLoopUtilization(utilization, this.#utilization).utilization,
      idleSpinMs: idleSpinMs - this.#spinMs,
      // The monitor measures the whole distance between two looks.
      loopDelayP99Ms: Math.max(0, this.#delay.percentile(99) / 1e6 - LOOP_RESOLUTION_MS),
      loopDelayMaxMs: Math.max(0, this.#delay.max / 1e6 - LOOP_RESOLUTION_MS),
      gcMs: this.#gcMs,
      gcLongestMs: this.#gcLongestMs,
    };
    this.#atMs = now;
    this.#schedstat = schedstat;
    this.#utilization = utilization;
    this.#spinMs = idleSpinMs;
    this.#gcMs = 0;
    this.#gcLongestMs = 0;
    this.#delay.reset();
    return health;
  }

  [Symbol.dispose](): void {
    this.#delay.disable();
    this.#observer.disconnect();
  }
}
