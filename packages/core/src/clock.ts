import { type Milliseconds, ms, type Nanoseconds, ns } from "./units.ts";

/** Time as a parameter: code that waits or stamps asks a Clock, so tests can move it. */
export interface Clock {
  /** Monotonic, from an arbitrary zero. Only differences mean anything. */
  now(): Nanoseconds;
  /** Milliseconds since 1970-01-01 UTC. May step. */
  wallTime(): Milliseconds;
  /** Resolves after `duration`; rejects with the signal's reason when aborted first. */
  sleep(duration: Milliseconds, signal?: AbortSignal): Promise<void>;
}

const HOURS_24 = 86_400_000;

export const systemClock: Clock = {
  now: () => ns(Number(process.hrtime.bigint())),
  wallTime: () => ms(Date.now()),
  sleep: (duration, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(
        () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
        Math.min(duration, HOURS_24),
      );
      signal?.addEventListener("abort", onAbort, { once: true });
    }),
};

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/** A clock for tests: stands still until `advance` moves it, and wakes sleepers in order of their due time. */
export class ManualClock implements Clock {
  #nowNs = 0;
  readonly #epochMs: number;
  #sleepers: Sleeper[] = [];

  constructor(epochMs = 0) {
    this.#epochMs = epochMs;
  }

  now(): Nanoseconds {
    return ns(this.#nowNs);
  }

  wallTime(): Milliseconds {
    return ms(this.#epochMs + Math.floor(this.#nowNs / 1e6));
  }

  sleep(duration: Milliseconds, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal?.reason as Error);
      };
      const sleeper: Sleeper = {
        due: this.#nowNs + duration * 1e6,
        wake: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#sleepers.push(sleeper);
    });
  }

  /** Moves time forward and lets everything that fell due run, later sleeps started by it included. */
  async advance(duration: Milliseconds): Promise<void> {
    const end = this.#nowNs + duration * 1e6;
    for (;;) {
      const next = this.#sleepers.filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0];
      if (!next) break;
      this.#sleepers = this.#sleepers.filter((other) => other !== next);
      this.#nowNs = Math.max(this.#nowNs, next.due);
      next.wake();
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
    }
    this.#nowNs = end;
  }
}
