import type { Profile } from "@mettle/results";
import { benchErrors } from "./errors.ts";

/** How much is measured, and how sure a comparison must be before it says a word. */
export interface BenchPlan {
  /** Time for one suite, starts of processes included. */
  readonly secondsPerSuite: number;
  readonly minProcesses: number;
  readonly maxProcesses: number;
  /** Of intervals and decisions, as a fraction. */
  readonly confidence: number;
  /** Smallest effect that matters, as a fraction: nothing below it is called slower or faster. */
  readonly margin: number;
  /** Whether the bytes that an iteration allocates are counted, in a process of its own after the times. */
  readonly memory: boolean;
  /** The hidden A/A arm. */
  readonly selfCheck: boolean;
}

/**
 * By profile. Under 8 pairs a sign-flip test cannot reach 1 %, so no profile that compares stops before; 28 processes in
 * 10 s leave each about 350 ms, below which starting it costs more than measuring in it. `ci` is the statistical run
 * that S3-017 asks for.
 */
export const benchPlans: Readonly<Record<Profile, BenchPlan>> = {
  smoke: {
    secondsPerSuite: 2,
    minProcesses: 4,
    maxProcesses: 8,
    confidence: 0.99,
    margin: 0.01,
    memory: false,
    selfCheck: true,
  },
  ci: {
    secondsPerSuite: 10,
    minProcesses: 8,
    maxProcesses: 28,
    confidence: 0.99,
    margin: 0.01,
    memory: true,
    selfCheck: true,
  },
  full: {
    secondsPerSuite: 40,
    minProcesses: 12,
    maxProcesses: 80,
    confidence: 0.99,
    margin: 0.005,
    memory: true,
    selfCheck: true,
  },
  soak: {
    secondsPerSuite: 600,
    minProcesses: 28,
    maxProcesses: 1000,
    confidence: 0.999,
    margin: 0.002,
    memory: true,
    selfCheck: true,
  },
};

/**
 * The profile's plan with what the caller changes.
 *
 * @throws MettleError `BENCH_OPTIONS_INVALID` naming every problem
 */
export function resolvePlan(profile: Profile, changes: Partial<BenchPlan> = {}): BenchPlan {
  const plan = { ...benchPlans[profile], ...changes };
  if (changes.maxProcesses !== undefined && changes.minProcesses === undefined) {
    plan.minProcesses = Math.min(plan.minProcesses, plan.maxProcesses);
  }
  const problems: string[] = [];
  if (!(plan.secondsPerSuite > 0 && plan.secondsPerSuite < Infinity))
    problems.push(`secondsPerSuite must be a finite number above 0, got ${plan.secondsPerSuite}`);
  if (!(Number.isInteger(plan.minProcesses) && plan.minProcesses >= 2)) {
    problems.push(`minProcesses must be a whole number from 2, got ${plan.minProcesses}`);
  }
  if (!(Number.isInteger(plan.maxProcesses) && plan.maxProcesses >= plan.minProcesses)) {
    problems.push(
      `maxProcesses must be a whole number from minProcesses (${plan.minProcesses}), got ${plan.maxProcesses}`,
    );
  }
  if (!(plan.confidence > 0.5 && plan.confidence < 1))
    problems.push(`confidence must be between 0.5 and 1, got ${plan.confidence}`);
  if (!(plan.margin >= 0 && plan.margin < 1)) problems.push(`margin must be from 0 to below 1, got ${plan.margin}`);
  if (problems.length > 0) {
    throw benchErrors.create("BENCH_OPTIONS_INVALID", `Benchmark options: ${problems.join("; ")}.`, {
      details: { problems },
    });
  }
  return plan;
}
