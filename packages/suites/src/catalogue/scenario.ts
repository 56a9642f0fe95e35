import type { Random } from "@mettle/core";
import type { Budget, RunObjective, Target, Thresholds } from "@mettle/judge";
import type { Profile } from "@mettle/results";
import type { AgentPlatform, Capability, PlatformOptions } from "../platform/platform.ts";
import type { Recorder } from "../measure/recorder.ts";

export const suiteNames = [
  "registry",
  "agents",
  "events",
  "variables",
  "coordination",
  "system",
  "scalability",
  "resources",
  "limits",
  "load",
  "optimizations",
  "core",
  "service",
] as const;
export type SuiteName = (typeof suiteNames)[number];

export const resultGroups = [
  "infrastructure_benchmarks",
  "cognitive_variables_benchmarks",
  "clustering_benchmarks",
  "ml_workflow_benchmarks",
  "scalability_tests",
  "resource_efficiency_tests",
  "regression_tests",
] as const;
/** The seven groups of a validation's result (S0-170 … S0-176). */
export type ResultGroup = (typeof resultGroups)[number];

/** What the figures of a scenario are held against. */
export interface Rules {
  readonly targets?: readonly Target[];
  readonly budgets?: readonly Budget[];
  readonly thresholds?: Thresholds;
  readonly objectives?: readonly RunObjective[];
}

/** What a scenario works with. */
export interface ScenarioContext {
  readonly profile: Profile;
  /** Time that it should take, its set-up excluded. */
  readonly seconds: number;
  readonly random: Random;
  /** Monotonic nanoseconds, by which ways of doing the same are compared. @defaultValue the system's */
  readonly now?: () => number;
  readonly record: Recorder;
  /** Aborts when nobody waits for the result any more. */
  readonly signal: AbortSignal;
  /** Opens a fresh platform; it is closed after the scenario. */
  readonly open: (options?: PlatformOptions) => Promise<AgentPlatform>;
}

/** What is said of a piece of the catalogue, whatever it is done on. */
export interface CatalogueEntry {
  /** Unique: `registry.registration.single`. */
  readonly id: string;
  readonly suite: SuiteName;
  readonly group: ResultGroup;
  readonly title: string;
  readonly requirement: readonly string[];
  /** Seconds of measuring by profile; absent from a profile that does not run it. Rates and sizes never change (T-17). */
  readonly seconds: Readonly<Partial<Record<Profile, number>>>;
  readonly rules?: Rules;
}

/** A piece of the catalogue: what is done, what it answers, what it is judged by. Data, but for `run`. */
export interface Scenario extends CatalogueEntry {
  readonly needs: readonly Capability[];
  /** For the process that it runs in. */
  readonly nodeFlags?: readonly string[];
  readonly run: (context: ScenarioContext) => Promise<void>;
}

/** The usual scaling of a scenario's time with the profile. */
export const timesOf = (ci: number): Readonly<Record<Profile, number>> => ({
  smoke: Math.min(0.3, ci / 5),
  ci,
  full: ci * 5,
  soak: ci * 20,
});

/** The same for what the shortest profile leaves out: it asks whether things work at all, once for each part. */
export const timesBeyondSmoke = (ci: number): Readonly<Partial<Record<Profile, number>>> => ({
  ci,
  full: ci * 5,
  soak: ci * 20,
});
