import { type Clock, systemClock, timeOrderedId } from "@mettle/core";
import {
  captureEnvironment,
  currentRevision,
  type Environment,
  type Profile,
  type Revision,
  type Run,
  runSchema,
  type Validity,
} from "@mettle/results";
import { steadyFlags } from "./host.ts";
import { type BenchOptions, type BenchResult, runBenchmarks } from "./runner.ts";

/** Where and when a result was measured. */
export interface RunFacts {
  readonly name: string;
  readonly profile: Profile;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly environment: Environment;
  readonly revision?: Revision;
  readonly clock?: Clock;
}

/** Above this share the machine took the processor away so often that even paired times are coarse. */
const disturbedShare = 0.25;

/** The run document of a benchmark result. An interrupted run is invalid; one with failures or much noise is degraded. */
export function benchRun(result: BenchResult, facts: RunFacts): Run {
  return {
    schema: runSchema,
    id: timeOrderedId(facts.clock ?? systemClock),
    startedAt: new Date(facts.startedAtMs).toISOString(),
    durationMs: facts.durationMs,
    name: facts.name,
    kind: "bench",
    profile: facts.profile,
    ...(facts.revision && { revision: facts.revision }),
    environment: facts.environment,
    validity: validityOf(result, facts.environment),
    ...(result.problems.length > 0 && { failures: result.problems.map(({ code, message }) => ({ code, message })) }),
    measurements: result.measurements,
    ...(result.comparisons.length > 0 && { comparisons: result.comparisons }),
  };
}

function validityOf(result: BenchResult, { noise }: Environment): Validity {
  if (result.interrupted) {
    return { state: "invalid", reasons: ["interrupted: only a part was measured"] };
  }
  const reasons = result.problems.map(({ code, message }) => `${code}: ${message}`);
  const broken = result.comparisons.find(({ selfCheck }) => selfCheck && (selfCheck.low > 1 || selfCheck.high < 1));
  if (broken?.selfCheck) {
    const percent = ((broken.selfCheck.ratio - 1) * 100).toFixed(2);
    reasons.push(`self-check: identical code differed by ${percent} % in ${broken.tags["suite"] ?? broken.metric}`);
  }
  if (result.measurements.every(({ summary }) => summary.count === 0)) {
    return { state: "invalid", reasons: reasons.length > 0 ? reasons : ["nothing was measured"] };
  }
  if (noise && noise.interruptedShare > disturbedShare) {
    reasons.push(`a busy machine: ${Math.round(noise.interruptedShare * 100)} % of the noise probe was interrupted`);
  }
  return { state: reasons.length > 0 ? "degraded" : "valid", reasons };
}

export interface MeasureOptions extends BenchOptions {
  readonly name: string;
}

/** Measures benchmark files and returns the whole run document beside what went wrong. */
export async function measureBenchmarks(
  options: MeasureOptions,
): Promise<{ readonly run: Run; readonly result: BenchResult }> {
  const clock = options.clock ?? systemClock;
  const startedAtMs = clock.wallTime();
  const before = clock.now();
  const revision = await currentRevision({ folder: options.cwd });
  const result = await runBenchmarks(options);
  const durationMs = (clock.now() - before) / 1e6;
  return { run: runDocument(result, options, { startedAtMs, durationMs, ...(revision && { revision }) }), result };
}

/** The document of a result, with the environment as it is now. */
export function runDocument(
  result: BenchResult,
  options: MeasureOptions,
  facts: Pick<RunFacts, "startedAtMs" | "durationMs" | "revision">,
): Run {
  const clock = options.clock ?? systemClock;
  // The flags of the processes that measured, not of the one that waited for them.
  const flags = [...steadyFlags, ...(options.nodeFlags ?? [])];
  const captured = captureEnvironment({ clock });
  const environment = { ...captured, node: { ...captured.node, flags } };
  return benchRun(result, { ...facts, name: options.name, profile: options.profile ?? "ci", environment, clock });
}
