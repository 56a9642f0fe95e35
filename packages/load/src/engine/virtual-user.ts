import type { Clock } from "@mettle/core";
import type { HttpClient } from "../http/exchange.ts";
import type { MetricRecorder, Tags } from "../metrics/recorder.ts";

/** What one virtual user sees of the run. A virtual user is a closure over this, not an isolate. */
export interface VirtualUser {
  /** From 1, unique over all workers of the run. */
  readonly id: number;
  readonly scenario: string;
  /** Of the scenario and of the run; the user's code adds its own. */
  readonly tags: Tags;
  readonly environment: Readonly<Record<string, string>>;
  readonly http: HttpClient;
  readonly recorder: MetricRecorder;
  readonly clock: Clock;
  /** Aborted when the run ends at once (a second Ctrl-C, a hard stop); user code that waits must listen. */
  readonly signal: AbortSignal;
  /** The iteration in flight was cut off: what becomes of its requests now says nothing of the server. */
  readonly interrupted?: boolean;
  /** Ends early with a rejection when `signal` aborts. */
  sleep(milliseconds: number): Promise<void>;
}

export interface Iteration {
  /** From 0, of this virtual user in this scenario. */
  readonly number: number;
  /** Over the whole scenario, all workers. */
  readonly numberInScenario: number;
  /** When the executor wanted it to start, in ms of the monotonic clock; absent for executors without a schedule. */
  readonly scheduledAt?: number;
}

/** What an executor repeats: a prepared user of one scenario. Made once per virtual user, then `run` per iteration. */
export interface PreparedUser {
  run(iteration: Iteration): Promise<void>;
  /**
   * Instead of `run`, where one request is all that an iteration is: a promise for each would be a good part of what our own
   * code costs. Never throws.
   *
   * @param scheduledAt - NaN where nothing was scheduled
   * @param done - called once, never before this returns
   */
  start?(scheduledAt: number, done: () => void): void;
  close?(): void | Promise<void>;
}

/**
 * A source of load: our own scenario, a k6 script, a declarative file, one URL, a replayed trace. The engine knows no more
 * of it than this.
 */
export interface Workload {
  /** Once, before all; what it returns reaches every user as a JSON copy. */
  setup?(user: VirtualUser): Promise<unknown>;
  prepare(user: VirtualUser, setupData: unknown): Promise<PreparedUser>;
  teardown?(user: VirtualUser, setupData: unknown): Promise<void>;
}
