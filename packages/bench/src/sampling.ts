import { type Arm, isControl } from "./arms.ts";
import { origin, unlessDeadline } from "./child-blame.ts";
import { type ArmId, type TimerCosts, twinSuffix } from "./protocol.ts";

const sampleTargetNs = 150_000;
/**
 * A loop compiled before its body has run this often inlines code compiled from scant type feedback, and stays with it:
 * seen as a process four times slower than the others. Time alone does not tell, where a busy machine gives none.
 */
const warmupCalls = 100;
const warmupLimitMs = 200;

/**
 * Runs the arm for `warmupMs`, has its loop compiled, and returns how many iterations fill one sample: counted
 * afterwards, because a cold body can be fifty times slower.
 *
 * @param fixed - the iterations that earlier draws settled
 * @param before - called before each batch
 */
export async function warm(arm: Arm, fixed: number | undefined, warmupMs: number, before: () => void): Promise<number> {
  const started = performance.now();
  const wanted = fixed ?? arm.definition.options.iterationsPerSample;
  let iterations = wanted ?? 1;
  let calls = 0;
  const batch = async (): Promise<void> => {
    before();
    const tookNs = await runBatch(arm, iterations).catch(unlessDeadline);
    if (wanted === undefined && tookNs !== undefined) iterations = nextIterations(iterations, tookNs);
  };
  for (;;) {
    calls += iterations;
    await batch();
    const elapsed = performance.now() - started;
    if ((elapsed >= warmupMs && calls >= warmupCalls) || elapsed >= warmupLimitMs) break;
  }
  arm.optimize();
  before();
  await runBatch(arm, iterations).catch(unlessDeadline); // pays for the compilation
  for (let round = 0; wanted === undefined && round < 3; round++) await batch();
  return iterations;
}

function nextIterations(iterations: number, tookNs: number): number {
  const ideal = (iterations * sampleTargetNs) / tookNs;
  return Math.max(1, Math.min(Math.round(ideal), iterations * 10, 1e7));
}

/** Nanoseconds of one iteration, the harness's own cost subtracted. */
export async function sampleOf(arm: Arm, costs: TimerCosts): Promise<number> {
  const took = await runBatch(arm, arm.iterations);
  if (!arm.includesLoop) return took / arm.iterations;
  return (took - costs.timerNs) / arm.iterations - costs.loopNs;
}

/** One batch with its hooks: raw nanoseconds, at least 1. */
async function runBatch(arm: Arm, iterations: number): Promise<number> {
  const { beforeSample, afterSample } = arm.definition.options;
  if (beforeSample) await beforeSample();
  const raw = origin.run(arm.origin, arm.batch, iterations);
  const took = typeof raw === "number" ? raw : await raw;
  if (afterSample) await afterSample();
  return Math.max(1, took);
}

/**
 * Gives arms that are about as fast as the baseline the baseline's count. The first iterations after another arm's turn
 * pay for its traces in the caches, so arms with unlike counts would differ by a constant share of that: seen as ±1.2 %
 * between identical functions, all through a run.
 */
export function levelCounts(arms: readonly Arm[], iterations: Record<string, number>, baseline: ArmId): void {
  const count = iterations[baseline];
  if (count === undefined) return;
  for (const arm of arms) {
    if (isControl(arm.id)) continue;
    if (arm.id !== baseline + twinSuffix && (arm.iterations > count * 2 || arm.iterations < count / 2)) continue;
    arm.iterations = count;
    iterations[arm.id] = count;
  }
}
