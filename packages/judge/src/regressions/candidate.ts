import { formatChange } from "@mettle/core";
import type { Comparison, ComparisonOutcome, Measurement } from "@mettle/results";
import { findingBase, type RuleIdentity } from "../findings.ts";
import { formatSelector } from "../selector.ts";
import { missedState, type SeverityPolicy, severityOf } from "../severity.ts";
import type { Change, Finding, Severity } from "../verdict.ts";
import { pairedEvidence, type RatioEvidence } from "./evidence.ts";
import { outcomeOf, outcomeWords } from "./outcome.ts";
import type { RegressionPolicy } from "./policy.ts";

/** One metric on both sides, before the comparisons are weighed together. */
export interface Candidate {
  readonly subject: Pick<Measurement, "metric" | "tags" | "unit" | "requirement">;
  readonly direction: "lower" | "higher";
  readonly evidence: RatioEvidence;
  readonly margin: number;
  readonly against: string;
  /** What whoever measured concluded, with more knowledge of how: it may be weakened here, never strengthened. */
  readonly stated?: ComparisonOutcome;
  /** Of a paired comparison: the smallest change, as a fraction, that it would have found. */
  readonly resolution?: number;
  /** Of a paired comparison whose self-check failed: the ratio, above 1, by which identical code may have differed. */
  readonly selfDifference?: number;
  /** The two figures in words; a paired comparison has only their ratio. */
  readonly figures?: string;
  readonly actual?: number;
  readonly limit?: number;
}

const rule = "no regression";
/** Of every finding about a regression. */
export const identityOf = (required: boolean): RuleIdentity => ({
  kind: "regression",
  rule,
  severity: "high",
  ...(required ? {} : { required: false }),
});

/** The candidate of a paired comparison, which must be sound. */
export function pairedCandidate(comparison: Comparison): Candidate {
  const { metric, tags, unit, direction, margin, baseline, selfCheck, interval } = comparison;
  const commit = baseline.revision?.commit.slice(0, 7);
  const failed = selfCheck && (selfCheck.low > 1 || selfCheck.high < 1);
  const selfDifference = failed ? Math.max(selfCheck.high, 1 / selfCheck.low) : undefined;
  const found = selfCheck?.detectable ?? Math.sqrt(interval.high / interval.low) - 1;
  return {
    subject: { metric, tags, unit },
    direction: direction === "higher" ? "higher" : "lower",
    evidence: pairedEvidence(comparison),
    margin,
    stated: comparison.outcome,
    resolution: Math.max(found, (selfDifference ?? 1) - 1),
    ...(selfDifference !== undefined && { selfDifference }),
    against: commit === undefined || baseline.label.includes(commit) ? baseline.label : `${baseline.label}@${commit}`,
  };
}

/** The size from which a change of each severity counts, see `severityOf`. */
const leastChange: Readonly<Record<Severity, number>> = { critical: 0.5, high: 0.25, medium: 0.1, low: 0 };

/**
 * Whether a paired comparison could not even have found what fails the run: no answer then, as opposed to the answer
 * that nothing of this size happened.
 */
function isBlind({ evidence, resolution }: Candidate, { failOn }: SeverityPolicy): boolean {
  if (evidence.source !== "paired" || resolution === undefined || failOn.length === 0) return false;
  return resolution > Math.max(Math.min(...failOn.map((severity) => leastChange[severity])), leastChange.medium);
}

/** Whether an answer holds beside what identical code showed: where that differed, only what lies beyond it does. */
function standsOut({ evidence, margin, selfDifference }: Candidate, outcome: ComparisonOutcome): boolean {
  if (selfDifference === undefined || outcome === "undecided") return true;
  if (outcome === "same") return selfDifference <= 1 + margin;
  const { ratio, low = ratio, high = ratio } = evidence;
  return (ratio > 1 ? low : 1 / high) > selfDifference;
}

/** What one candidate says, weighed together with all the others. */
export function findingOf(
  candidate: Candidate,
  adjustedPValue: number | undefined,
  tested: number,
  severities: SeverityPolicy,
  policy: Required<RegressionPolicy>,
): Finding {
  const { evidence, direction, subject, against, figures } = candidate;
  const { ratio, low, high, confidence, pValue } = evidence;
  const found = outcomeOf(evidence, direction, { ...policy, margin: candidate.margin }, adjustedPValue);
  const told = candidate.stated === undefined || candidate.stated === found ? found : "undecided";
  const outcome = standsOut(candidate, told) ? told : "undecided";
  const severity = outcome === "worse" ? severityOf(ratio - 1) : "low";
  const change: Change = {
    ratio,
    ...(low === undefined ? {} : { low }),
    ...(high === undefined ? {} : { high }),
    ...(confidence === undefined ? {} : { confidence }),
    outcome,
    against,
  };
  const blind = outcome === "undecided" && isBlind(candidate, severities);
  const states = {
    worse: missedState(severity, severities),
    better: "info",
    same: "passed",
    undecided: "undecided",
  } as const;
  const range =
    low === undefined || high === undefined ? "" : ` (${formatChange(low - 1)} … ${formatChange(high - 1)})`;
  return {
    ...findingBase(
      { ...identityOf(outcome !== "undecided" || blind || policy.undecided === "fail"), severity },
      subject,
    ),
    state: states[outcome],
    message: `${formatSelector(subject)}: ${outcomeWords[outcome]}: ${formatChange(ratio - 1)}${range} against ${against}${figures ? `, ${figures}` : ""}.`,
    ...(candidate.actual === undefined ? {} : { actual: candidate.actual }),
    ...(candidate.limit === undefined ? {} : { limit: candidate.limit }),
    unit: subject.unit,
    change,
    evidence: [
      ...(outcome === told || candidate.selfDifference === undefined
        ? []
        : [`the self-check failed: identical code may have differed by ${formatChange(candidate.selfDifference - 1)}`]),
      ...(blind ? ["so coarse that a regression which fails the run would not have been found either"] : []),
      ...evidence.notes,
      ...(pValue === undefined || adjustedPValue === undefined
        ? []
        : [
            tested > 1
              ? `p = ${pValue.toPrecision(2)}, ${adjustedPValue.toPrecision(2)} after ${tested} comparisons (Benjamini–Hochberg)`
              : `p = ${pValue.toPrecision(2)}`,
          ]),
    ],
  };
}
