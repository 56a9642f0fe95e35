import type { Comparison, ComparisonOutcome, Measurement, Run } from "@mettle/results";
import { benjaminiHochberg } from "@mettle/stats";
import { findingBase, noDataFinding } from "../findings.ts";
import { findSame, formatSelector } from "../selector.ts";
import { missedState, type SeverityPolicy } from "../severity.ts";
import { formatStatistic, readStatistic, type Statistic } from "../statistic.ts";
import { formatValue } from "../thresholds/expression.ts";
import type { Finding } from "../verdict.ts";
import { type Candidate, findingOf, identityOf, pairedCandidate } from "./candidate.ts";
import {
  comparedStatistic,
  countedFloor,
  countedReach,
  isCounted,
  isSound,
  type RatioEvidence,
  unpairedEvidence,
} from "./evidence.ts";
import { outcomeWords } from "./outcome.ts";
import { regressionDefaults, type RegressionPolicy } from "./policy.ts";

export interface RegressionJudgement {
  readonly findings: readonly Finding[];
  /** Comparisons that shared the false discovery rate: those with a p-value. */
  readonly comparisons?: { readonly made: number; readonly falseDiscoveryRate: number };
}

/**
 * Compares a run with its baseline, and with whatever it was paired with while it ran. A paired comparison of a metric
 * takes the place of the comparison with the baseline run.
 */
export function judgeRegressions(
  run: Run,
  baseline: Run | undefined,
  severities: SeverityPolicy,
  options: RegressionPolicy = {},
): RegressionJudgement {
  const policy = { ...regressionDefaults, ...options };
  const comparisons = (run.comparisons ?? []).filter(({ direction }) => direction !== "none");
  const candidates = comparisons.filter(isSound).map(pairedCandidate);
  const findings: Finding[] = comparisons.filter((comparison) => !isSound(comparison)).map(unsoundFinding);
  if (baseline) {
    findings.push(...environmentFindings(run, baseline, policy.required));
    const paired = new Set(comparisons.map(formatSelector));
    const rest = run.measurements.filter((measurement) => !paired.has(formatSelector(measurement)));
    for (const measurement of rest) {
      const result = compareWithBaseline(measurement, run, baseline, severities, policy);
      if (result && "evidence" in result && "subject" in result) candidates.push(result);
      else if (result) findings.push(result);
    }
    findings.push(...missingMetrics(run, baseline, policy));
  } else if (comparisons.length === 0) {
    findings.push(noBaseline(policy.required));
  }
  const tested = candidates.flatMap(({ evidence: { pValue } }) => (pValue === undefined ? [] : [pValue]));
  const adjusted = benjaminiHochberg(tested);
  let next = 0;
  for (const candidate of candidates) {
    const adjustedPValue = candidate.evidence.pValue === undefined ? undefined : adjusted[next++];
    findings.push(findingOf(candidate, adjustedPValue, tested.length, severities, policy));
  }
  return {
    findings,
    ...(tested.length > 0
      ? { comparisons: { made: tested.length, falseDiscoveryRate: policy.falseDiscoveryRate } }
      : {}),
  };
}

/** How a run is named as the other side of a comparison: `main@4f2c1e0`. */
export function describeRun({ name, revision }: Run): string {
  if (!revision) return `baseline "${name}"`;
  const commit = revision.commit.slice(0, 7);
  return `${revision.branch ? `${revision.branch}@` : ""}${commit}${revision.dirty ? " with local changes" : ""}`;
}

function unsoundFinding(comparison: Comparison): Finding {
  const { ratio, interval } = comparison;
  const subject = formatSelector(comparison);
  return noDataFinding(
    identityOf(true),
    comparison,
    `${subject}: the comparison contradicts itself: ${interval.low} … ${interval.high} is no interval of a ratio of ${ratio}.`,
  );
}

function noBaseline(required: boolean): Finding {
  return {
    ...noDataFinding(
      identityOf(required),
      { metric: "run", tags: {} },
      "No baseline was given and the run holds no paired comparison, so regressions can't be judged.",
    ),
    recommendation: "Save a baseline with `mettle baseline save`, or compare while measuring with `--against`.",
  };
}

function environmentFindings(run: Run, baseline: Run, required: boolean): readonly Finding[] {
  const found: Finding[] = [];
  if (baseline.validity.state === "invalid") {
    found.push(
      noDataFinding(
        { kind: "validity", rule: "the baseline is valid", severity: "high", ...(required ? {} : { required: false }) },
        { metric: "baseline", tags: {} },
        `The baseline ${describeRun(baseline)} is an invalid measurement: ${baseline.validity.reasons.join("; ") || "no reason given"}.`,
      ),
    );
  }
  if (run.environment.fingerprint === baseline.environment.fingerprint) return found;
  const differences = environmentDifferences(run, baseline);
  found.push({
    ...findingBase(
      { kind: "validity", rule: "baseline from the same kind of machine", severity: "medium" },
      { metric: "environment", tags: {} },
    ),
    state: "warning",
    message: `The baseline ${describeRun(baseline)} was measured on another machine: ${differences.join(", ") || "the fingerprints differ"}.`,
    evidence: differences,
    recommendation:
      "Save a baseline on this machine, or compare while measuring with `--against`: pairs cancel the machine.",
  });
  return found;
}

function environmentDifferences({ environment: a }: Run, { environment: b }: Run): readonly string[] {
  const facts: readonly (readonly [string, string | number | undefined, string | number | undefined])[] = [
    ["cpu", a.cpu.model, b.cpu.model],
    ["cores", a.cpu.cores, b.cpu.cores],
    ["os", `${a.os.platform} ${a.os.arch}`, `${b.os.platform} ${b.os.arch}`],
    ["node", a.node.version, b.node.version],
    ["container cpus", a.container?.cpus, b.container?.cpus],
    ["container memory", a.container?.memoryBytes, b.container?.memoryBytes],
  ];
  return facts.flatMap(([name, here, there]) =>
    here === there ? [] : [`${name} ${here ?? "unlimited"} against ${there ?? "unlimited"}`],
  );
}

function missingMetrics(run: Run, baseline: Run, policy: Required<RegressionPolicy>): readonly Finding[] {
  return baseline.measurements
    .filter((measurement) => !findSame(run, measurement))
    .map((measurement) => ({
      ...noDataFinding(
        { ...identityOf(policy.missing === "fail"), kind: "coverage", rule: "measured like the baseline" },
        measurement,
        `${formatSelector(measurement)} is in the baseline ${describeRun(baseline)}, but this run did not measure it.`,
      ),
      recommendation: `Measure ${measurement.metric} again, or save a new baseline if it was removed on purpose.`,
    }));
}

function compareWithBaseline(
  measurement: Measurement,
  run: Run,
  baseline: Run,
  severities: SeverityPolicy,
  policy: Required<RegressionPolicy>,
): Candidate | Finding | undefined {
  const { direction } = measurement;
  if (direction === "none") return undefined;
  const before = findSame(baseline, measurement);
  const subject = formatSelector(measurement);
  const identity = identityOf(true);
  if (!before) {
    return {
      ...findingBase(
        { ...identity, kind: "coverage", rule: "measured like the baseline", severity: "low" },
        measurement,
      ),
      state: "info",
      message: `${subject} is new: the baseline ${describeRun(baseline)} does not hold it.`,
      evidence: [],
    };
  }
  const statistic = comparedStatistic(measurement, run.kind);
  if (before.unit !== measurement.unit || before.direction !== direction) {
    return noDataFinding(identity, measurement, `${subject} changed its unit or direction since the baseline.`);
  }
  if (!statistic) return noDataFinding(identity, measurement, `${subject} has no samples to compare.`);
  const values = { current: readStatistic(measurement, statistic), baseline: readStatistic(before, statistic) };
  if (values.current.state === "absent" || values.baseline.state === "absent") {
    return noDataFinding(identity, measurement, `${subject}: the baseline lacks ${formatStatistic(statistic)}.`);
  }
  const pair = { current: values.current.value, baseline: values.baseline.value };
  const unit = values.current.unit;
  const figures = `${formatStatistic(statistic)} ${formatValue(pair.baseline, unit)} → ${formatValue(pair.current, unit)}`;
  const against = describeRun(baseline);
  const isCountedPair = isCounted(measurement) && isCounted(before);
  const unsure = isCountedPair ? Math.max(countedFloor, countedReach(before, pair.baseline)) : 0;
  // Where the floor is more than the smallest share that matters.
  const isSmallCount = isCountedPair && pair.baseline * policy.minimumCountedEffect < countedFloor;
  const isUncountable = isCountedPair && pair.baseline <= unsure;
  const tolerance = Math.max(
    policy.absoluteTolerance[unit] ?? 0,
    isUncountable ? unsure + countedReach(measurement, pair.current) : isSmallCount ? countedFloor : 0,
  );
  const difference = pair.current - pair.baseline;
  if (run.kind === "bench" && isLoneFigure(measurement) && (unit === "ns" || pair.baseline === 0) && difference !== 0) {
    return loneFigureFinding(measurement, figures, against, policy);
  }
  if (pair.baseline <= 0 || pair.current < 0 || isUncountable || (tolerance > 0 && Math.abs(difference) <= tolerance)) {
    return absoluteFinding(measurement, direction, { ...pair, unit, tolerance, figures, against }, severities);
  }
  if (pair.current === 0) {
    const evidence: RatioEvidence = { source: "bare", ratio: 0, notes: ["fell to zero"] };
    return { subject: { ...measurement, unit }, direction, evidence, margin: policy.minimumEffect, against, figures };
  }
  return {
    subject: { ...measurement, unit },
    direction,
    evidence: acrossMachines(run, baseline, measurement, before, statistic, pair, policy.confidence),
    margin: isCountedPair ? policy.minimumCountedEffect : policy.minimumEffect,
    against,
    figures,
    actual: pair.current,
    limit: pair.baseline,
  };
}

/** On another machine the ratio to the control workload is comparable where the absolute figure is not. */
function acrossMachines(
  run: Run,
  baseline: Run,
  measurement: Measurement,
  before: Measurement,
  statistic: Statistic,
  pair: { readonly current: number; readonly baseline: number },
  confidence: number,
): RatioEvidence {
  const evidence = unpairedEvidence(measurement, before, statistic, pair, confidence);
  if (run.environment.fingerprint === baseline.environment.fingerprint) return evidence;
  const { controlRatio: now } = measurement;
  const { controlRatio: then } = before;
  if (now === undefined || then === undefined || !(now > 0) || !(then > 0)) {
    return { ...evidence, notes: [...evidence.notes, "another machine: the difference may be the machine's"] };
  }
  // The control's own error is not in the document, so what is left is a bare ratio.
  return {
    source: "bare",
    ratio: now / then,
    notes: [
      `relative to the control workload ${now.toPrecision(4)} against ${then.toPrecision(4)}, on another machine`,
    ],
  };
}

/** One figure of a whole run, with nothing to say how far it may be off: a pause of the collector, a count of them. */
const isLoneFigure = ({ summary, interval }: Measurement): boolean => summary.count === 1 && interval === undefined;

function loneFigureFinding(
  measurement: Measurement,
  figures: string,
  against: string,
  policy: Required<RegressionPolicy>,
): Finding {
  return {
    ...findingBase({ ...identityOf(policy.undecided === "fail"), severity: "low" }, measurement),
    state: "undecided",
    message: `${formatSelector(measurement)}: ${outcomeWords.undecided} against ${against}: ${figures}.`,
    evidence: ["one figure of each run, without an interval: the bytes it comes from are judged by themselves"],
  };
}

interface AbsolutePair {
  readonly current: number;
  readonly baseline: number;
  readonly unit: Measurement["unit"];
  readonly tolerance: number;
  readonly figures: string;
  readonly against: string;
}

/** T-23: where a ratio means nothing the difference decides. Its size is no percentage, so any rise is `high`. */
function absoluteFinding(
  measurement: Measurement,
  direction: "lower" | "higher",
  { current, baseline, unit, tolerance, figures, against }: AbsolutePair,
  severities: SeverityPolicy,
): Finding {
  const harm = direction === "lower" ? current - baseline : baseline - current;
  const outcome: ComparisonOutcome = harm > tolerance ? "worse" : harm < -tolerance ? "better" : "same";
  const severity = outcome === "worse" ? "high" : "low";
  return {
    ...findingBase({ ...identityOf(true), severity }, measurement),
    state: outcome === "worse" ? missedState(severity, severities) : outcome === "better" ? "info" : "passed",
    message: `${formatSelector(measurement)}: ${outcomeWords[outcome]} ${outcome === "same" ? "against" : "than"} ${against}: ${figures}.`,
    actual: current,
    limit: baseline,
    unit,
    evidence: [
      `judged by the difference, tolerance ${formatValue(tolerance, unit)}: a ratio says nothing this near zero`,
    ],
  };
}
