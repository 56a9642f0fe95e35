import type { Clock } from "@mettle/core";
import type { Metric } from "../metrics/recorder.ts";
import type { Punctuality } from "./precise-timer.ts";
import type { UserFactory } from "./user-runner.ts";

/** Where a scenario stands in one worker. */
export interface ScenarioCounts {
  /** Users that exist. */
  readonly users: number;
  /** Iterations in flight. */
  readonly running: number;
  /** Arrivals that are due and wait for a user. */
  readonly waiting: number;
  /** Arrivals that have come due. */
  readonly due: number;
  /** Iterations begun. */
  readonly started: number;
  /** Iterations ended, well or not; cut off ones excluded. */
  readonly ended: number;
}

/** One scenario in one worker. */
export interface ScenarioRun {
  readonly name: string;
  readonly counts: ScenarioCounts;
  /** Milliseconds spent watching the clock with nothing else to do. */
  readonly idleSpinMs: number;
  /** Makes the users that must exist before the start. */
  prepare(): Promise<void>;
  /** Begins at a moment of the clock; resolves when nothing of it runs any more. */
  run(startMs: number): Promise<void>;
  /** Begins no more iterations; those in flight get the grace period. */
  stop(): void;
  /** Cuts off everything at once. */
  abort(): void;
  /** Only for `externally-controlled`. */
  control?(users: number): void;
}

/** What the scenarios of one worker share. */
export interface ScenarioContext {
  readonly worker: number;
  readonly workers: number;
  readonly clock: Clock;
  readonly factory: UserFactory;
  readonly punctuality: Punctuality;
  readonly seed: number;
  /** Iterations taken by all workers, for `shared-iterations`: one number for each scenario. */
  readonly taken: Int32Array;
  /** How late the schedule was looked at: the generator's own fault, unlike waiting for a free user. */
  readonly lateness: Metric;
  /** From 1, unique over all workers. */
  nextUserId(): number;
  /** A user could not be made: the run cannot go on. */
  fail(thrown: unknown): void;
}

/** How long cut-off iterations may take to notice before nobody waits for them any more. */
export const NOTICE_MS = 1000;
