import type { MettleError } from "@mettle/core";
import { type ClosedPlan, plannedDurationMs, type ScenarioPlan } from "./scenario-plan.ts";
import type { ScenarioCounts } from "./scenario-run.ts";

/** Where one scenario stands, as one worker sees it. */
export interface ScenarioStanding {
  readonly executor: string;
  /** Milliseconds since 1970. */
  readonly startTime: number;
  /** 0 to 1: of its iterations where they are counted, else of its time. */
  readonly progress: number;
}

/** Where one worker stands. */
export interface WorkerStanding {
  readonly iterationsCompleted: number;
  readonly iterationsInterrupted: number;
  /** Users with an iteration in flight. */
  readonly vusActive: number;
  readonly vusInitialized: number;
  /** Milliseconds since the run began; 0 before it. */
  readonly currentTestRunDuration: number;
}

/** What a workload may ask of the run that it is part of, and tell it, from within its worker. */
export interface RunControl {
  /** Ends the run as if its time were over, cutting off what is in flight; the error becomes one of its troubles. */
  end(reason: MettleError): void;
  /** The run goes on, and the error becomes one of its troubles. */
  fail(reason: MettleError): void;
  /** Undefined for a scenario that there is not. */
  scenario(name: string): ScenarioStanding | undefined;
  worker(): WorkerStanding;
}

/** @param elapsedMs - since the start of the run */
export function progressOf(plan: ScenarioPlan, counts: ScenarioCounts, workers: number, elapsedMs: number): number {
  const share = (done: number, all: number): number => (all > 0 ? Math.min(1, Math.max(0, done / all)) : 1);
  if (plan.model === "closed" && plan.iterations) return share(counts.ended, plannedIterations(plan) / workers);
  const durationMs = plannedDurationMs(plan);
  return Number.isFinite(durationMs) ? share(elapsedMs - plan.startTimeMs, durationMs) : 0;
}

function plannedIterations({ iterations, startUsers }: ClosedPlan): number {
  if (!iterations) return 0;
  return iterations.shared ? iterations.count : iterations.count * startUsers;
}

/** The sums over a worker's scenarios. */
export function standingOf(scenarios: readonly ScenarioCounts[], elapsedMs: number): WorkerStanding {
  const sum = (of: (counts: ScenarioCounts) => number): number =>
    scenarios.reduce((total, counts) => total + of(counts), 0);
  return {
    iterationsCompleted: sum(({ ended }) => ended),
    iterationsInterrupted: sum(({ started, ended, running }) => Math.max(0, started - ended - running)),
    vusActive: sum(({ running }) => running),
    vusInitialized: sum(({ users }) => users),
    currentTestRunDuration: Math.max(0, elapsedMs),
  };
}
