import type { Clock, Milliseconds } from "@mettle/core";
import type { Instance, InstanceHealth } from "./instance.ts";

/** Asks an instance how it is. Rejects when it does not answer. */
export type Probe = (instance: Instance, signal: AbortSignal) => Promise<InstanceHealth>;

export interface HealthOptions {
  readonly every: Milliseconds;
  /** An instance that has not answered then counts as not answering. */
  readonly timeout: Milliseconds;
  readonly onChange?: (instance: Instance, before: InstanceHealth) => void;
}

/** One unanswered question is chance. */
const missesAllowed = 1;

/** Asks each instance how it is, again and again; one that is slow to answer holds up no other. */
export class HealthChecks implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #options: HealthOptions;
  readonly #probe: Probe;
  readonly #ending = new AbortController();
  readonly #loops: readonly Promise<void>[];

  constructor(instances: readonly Instance[], probe: Probe, clock: Clock, options: HealthOptions) {
    this.#probe = probe;
    this.#clock = clock;
    this.#options = options;
    this.#loops = instances.map((instance) => this.#watch(instance));
  }

  async #watch(instance: Instance): Promise<void> {
    const { signal } = this.#ending;
    let misses = 0;
    while (!signal.aborted) {
      const told = await this.#ask(instance);
      misses = told === "unhealthy" ? misses + 1 : 0;
      if (told !== "unhealthy" || misses > missesAllowed) this.#become(instance, told);
      await this.#clock.sleep(this.#options.every, signal).catch(() => undefined); // the end of the service
    }
  }

  #become(instance: Instance, health: InstanceHealth): void {
    const before = instance.health;
    if (before === health || this.#ending.signal.aborted) return;
    instance.health = health;
    this.#options.onChange?.(instance, before);
  }

  async #ask(instance: Instance): Promise<InstanceHealth> {
    const over = new AbortController();
    const signal = AbortSignal.any([this.#ending.signal, over.signal]);
    const late = this.#clock.sleep(this.#options.timeout, signal).then(
      (): InstanceHealth => "unhealthy",
      (): InstanceHealth => "unhealthy",
    );
    try {
      return await Promise.race([this.#probe(instance, signal), late]);
    } catch {
      return "unhealthy"; // whatever kept it from answering
    } finally {
      over.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#loops);
  }
}
