import type { Tags } from "../metrics/recorder.ts";
import type { ArrivalPattern } from "./arrival-process.ts";
import type { RateStage } from "./rate-profile.ts";
import { greatestUsers, type UserStage } from "./user-profile.ts";

export const executorNames = [
  "shared-iterations",
  "per-vu-iterations",
  "constant-vus",
  "ramping-vus",
  "externally-controlled",
  "constant-arrival-rate",
  "ramping-arrival-rate",
  "poisson",
  "gamma",
  "trace",
] as const;
export type ExecutorName = (typeof executorNames)[number];

interface PlanCommon {
  readonly name: string;
  readonly executor: ExecutorName;
  /** After the start of the run. */
  readonly startTimeMs: number;
  /** How long iterations may go on after the scenario's end. */
  readonly gracefulStopMs: number;
  /** Which function of the script; the workload knows what it means. */
  readonly exec?: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly tags: Tags;
}

/** Users who begin their next iteration when the last one ended: a closed model. */
export interface ClosedPlan extends PlanCommon {
  readonly model: "closed";
  readonly startUsers: number;
  /** For all but `externally-controlled`: the end of the last stage is the end of the scenario. */
  readonly stages: readonly UserStage[];
  readonly gracefulRampDownMs: number;
  /** Absent: as many as fit in the time. */
  readonly iterations?: { readonly count: number; readonly shared: boolean };
  /** Most users that control from outside may ask for. */
  readonly maxUsers?: number;
}

/** Iterations that begin when they are due, whatever became of the earlier ones: an open model. */
export interface OpenPlan extends PlanCommon {
  readonly model: "open";
  readonly arrivals:
    | { readonly kind: "rate"; readonly stages: readonly RateStage[]; readonly pattern: ArrivalPattern }
    | { readonly kind: "trace"; readonly timesMs: readonly number[]; readonly speed: number };
  /** Users made before the start. */
  readonly preAllocatedUsers: number;
  /** Most iterations in flight at once. */
  readonly maxUsers: number;
  /**
   * What becomes of an arrival that finds nobody free: it waits and keeps its scheduled time, so that the waiting shows in
   * response times; or it is dropped and counted, as k6 does.
   */
  readonly overflow: "queue" | "drop";
}

export type ScenarioPlan = ClosedPlan | OpenPlan;

/** When a scenario stops beginning iterations, in ms from the start of the run; Infinity where only control ends it. */
export function plannedEndMs(plan: ScenarioPlan): number {
  return plan.startTimeMs + plannedDurationMs(plan);
}

export function plannedDurationMs(plan: ScenarioPlan): number {
  if (plan.model === "closed") return plan.stages.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const { arrivals } = plan;
  if (arrivals.kind === "rate") return arrivals.stages.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return (arrivals.timesMs.at(-1) ?? 0) / arrivals.speed;
}

/** The most users a scenario can have at once. */
export function mostUsers(plan: ScenarioPlan): number {
  if (plan.model === "open") return plan.maxUsers;
  return Math.max(plan.maxUsers ?? 0, greatestUsers(plan.startUsers, plan.stages));
}
