import { formatChange } from "@mettle/core";
import { type Change, type Finding, formatSelector, type Verdict } from "@mettle/judge";
import type { Run } from "@mettle/results";
import { withTags } from "./cases.ts";
import { formatRatioInterval } from "./text/quantities.ts";
import { outcomeWord } from "./text/words.ts";

/** A finding as test tools know outcomes. */
export type TestOutcome = "passed" | "failed" | "skipped";

const outcomeOfState: Readonly<Record<Finding["state"], TestOutcome>> = {
  failed: "failed",
  "no-data": "failed",
  undecided: "skipped",
  passed: "passed",
  warning: "passed",
  info: "passed",
};

/**
 * Nothing missing ever passes: no data is a failure (skipped where the policy does not require the rule), undecided is
 * skipped. A warning passes, as the policy says, and carries its message.
 */
export const testOutcome = ({ state, required }: Finding): TestOutcome =>
  state === "no-data" && required === false ? "skipped" : outcomeOfState[state];

/**
 * Why the run as a whole fails although no finding does: an invalid measurement, a verdict by count, or no rule at all.
 * Test tools look only at cases, so this becomes one. Undefined when the findings already say it.
 */
export function failureOfWhole(run: Run, verdict: Verdict): string | undefined {
  const isBad = verdict.status === "failed" || verdict.status === "invalid";
  if (isBad && verdict.findings.every((finding) => testOutcome(finding) !== "failed")) {
    return [verdict.title, ...run.validity.reasons].join("; ");
  }
  if (!isBad && run.validity.state === "invalid") return `invalid measurement: ${run.validity.reasons.join("; ")}`;
  return undefined;
}

/**
 * The run with the words of its verdict: among many comparisons, or beside a self-check that failed, the judge may find
 * that a change cannot be told, and then no table may call it slower.
 */
export function asJudged(run: Run, verdict: Verdict | undefined): Run {
  const { comparisons } = run;
  if (!verdict || !comparisons) return run;
  const changes = new Map<string, Change>();
  for (const { kind, metric, tags = {}, change } of verdict.findings) {
    if (kind === "regression" && metric !== undefined && change) changes.set(formatSelector({ metric, tags }), change);
  }
  return {
    ...run,
    comparisons: comparisons.map((comparison) => {
      const change = changes.get(formatSelector(comparison));
      // The same metric may have been judged against another run, or not at all.
      return change?.ratio === comparison.ratio ? { ...comparison, outcome: change.outcome } : comparison;
    }),
  };
}

/** `registry.lookup.time suite=registry p(95) < 200ms`. */
export function findingName({ metric, tags, kind, rule }: Finding): string {
  return `${withTags(metric ?? kind, tags)} ${rule}`;
}

/** `+3.1 % [+2.2, +4.0] slower vs main@4f2c1e`. */
export function changeText({ change, unit }: Finding): string | undefined {
  if (!change) return undefined;
  const { ratio, low, high, outcome, against } = change;
  const interval = low === undefined || high === undefined ? "" : ` ${formatRatioInterval(low, high)}`;
  return `${formatChange(ratio - 1)}${interval} ${outcomeWord(outcome, unit)} vs ${against}`;
}

/** All that supports a finding, one fact a line: message, change, evidence, what to do. */
export function supportLines(finding: Finding): string[] {
  const change = changeText(finding);
  return [
    finding.message,
    ...(change === undefined ? [] : [change]),
    ...finding.evidence,
    ...(finding.recommendation === undefined ? [] : [`→ ${finding.recommendation}`]),
  ];
}
