import { CircuitBreaker } from "@mettle/agents";
import type { Clock } from "@mettle/core";

/** `draining`: it answers, but takes nothing more. */
export type InstanceHealth = "healthy" | "draining" | "unhealthy";

/** The caller went while the instance had its request: nothing is known of the instance. */
export class HungUp extends Error {}

/** One instance that executions can be handed to: this one, or one that is reached by its URL. */
export class Instance {
  /** The URL's origin and path without an end slash; undefined for this instance. */
  readonly url: string | undefined;
  readonly breaker: CircuitBreaker;
  /** Requests that are with it now. */
  outstanding = 0;
  /** Requests that it was given. */
  given = 0;
  failed = 0;
  #health: InstanceHealth = "healthy";
  #lost = new AbortController();

  constructor(url: string | undefined, clock: Clock) {
    this.url = url?.replace(/\/+$/, "");
    this.breaker = new CircuitBreaker({ clock, isFailure: (error) => !(error instanceof HungUp) });
  }

  get health(): InstanceHealth {
    return this.#health;
  }

  /** One that does not answer any more loses the requests that are with it: they are asked elsewhere. */
  set health(health: InstanceHealth) {
    this.#health = health;
    if (health !== "unhealthy") return;
    this.#lost.abort(new Error("the instance does not answer"));
    this.#lost = new AbortController();
  }

  /** Aborts when the instance stops answering. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  get name(): string {
    return this.url ?? "here";
  }

  /** An open breaker may let one request try; the breaker itself refuses where it may not. */
  get available(): boolean {
    return this.health === "healthy" && this.breaker.state !== "open";
  }
}
