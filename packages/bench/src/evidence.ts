import { type PairedDraw, processLogRatio } from "./paired.ts";
import { type ArmId, baselineSuffix, type LoadedCase, type LoadedSuite, twinSuffix } from "./protocol.ts";
import { isLethal } from "./station.ts";
import type { SuiteSamples } from "./suite-samples.ts";

/** The case that the others of the suite are compared with. */
export function baselineOf(suite: LoadedSuite): LoadedCase | undefined {
  const timed = suite.cases.filter(({ kind }) => kind === "time");
  return timed.find(({ baseline }) => baseline) ?? timed[0];
}

/** The cases that have a comparison: those that measured, and whose baseline did. */
export function candidatesOf({ suite, failures, mode }: SuiteSamples): LoadedCase[] {
  const failed = new Set(failures.filter(isLethal).map((failure) => failure.case));
  const timed = suite.cases.filter(({ kind, id }) => kind === "time" && !failed.has(id));
  if (mode === "against") return timed;
  const baseline = baselineOf(suite);
  if (!suite.compare || !baseline || failed.has(baseline.id)) return [];
  return timed.filter((entry) => entry !== baseline);
}

/** The arm that a case is compared with, and that arm's twin. */
function armsFor({ suite, mode }: SuiteSamples, candidate: string): { baseline: ArmId; twin: ArmId } | undefined {
  if (mode === "against") return { baseline: candidate + baselineSuffix, twin: candidate + twinSuffix };
  const baseline = baselineOf(suite);
  return baseline && { baseline: baseline.id, twin: baseline.id + twinSuffix };
}

/** One log ratio of candidate to baseline for each process that measured both. */
export function logRatiosOf(samples: SuiteSamples, candidate: string): number[] {
  const arms = armsFor(samples, candidate);
  if (!arms) return [];
  return ratiosOver(samples, (arm) => {
    const [base, other, twin] = [arm(arms.baseline), arm(candidate), arm(arms.twin)];
    return base && other ? { baseline: base, candidate: other, ...(twin && { twin }) } : undefined;
  });
}

/** The self-check's log ratios for a case: the twin against the baseline, identical code. */
export function twinLogRatiosOf(samples: SuiteSamples, candidate: string): number[] {
  const arms = armsFor(samples, candidate);
  if (!arms) return [];
  return ratiosOver(samples, (arm) => {
    const [base, twin] = [arm(arms.baseline), arm(arms.twin)];
    return base && twin ? { baseline: base, candidate: twin } : undefined;
  });
}

function ratiosOver(
  { processes }: SuiteSamples,
  pair: (arm: (id: ArmId) => Float32Array | undefined) => PairedDraw | undefined,
): number[] {
  return processes
    .map(({ draws }) => {
      const pairs = draws.map(({ samples, from }) => pair((id) => samples[id]?.subarray(from)));
      return processLogRatio(pairs.filter((draw) => draw !== undefined));
    })
    .filter((ratio) => ratio !== undefined);
}
