import { type ExitCode, exitCodes } from "@mettle/core";
import type { Run } from "@mettle/results";
import { judgeBudgets } from "./budgets.ts";
import { byWorst, findingId } from "./findings.ts";
import { type HistorySeries, judgeHistory } from "./history/history-judgement.ts";
import { judgeObjective } from "./objectives.ts";
import { type JudgePolicy, type ResolvedPolicy, resolvePolicy } from "./policy.ts";
import { explain, recommendationsOf } from "./recommendations.ts";
import { describeRun, judgeRegressions, type RegressionJudgement } from "./regressions/regressions.ts";
import { judgeTarget } from "./targets.ts";
import { judgeThreshold } from "./thresholds/rules.ts";
import { type Finding, type Verdict, type VerdictCounts, type VerdictStatus, verdictSchema } from "./verdict.ts";

export interface JudgeOptions {
  readonly policy?: JudgePolicy;
  readonly baseline?: Run;
  /** The run's metrics over past runs, the run itself last. */
  readonly history?: readonly HistorySeries[];
}

/**
 * Judges a run. Pure: the same documents give the same verdict, now or from the files later.
 *
 * - An invalid run is `invalid`, exit 5, whatever its figures say.
 * - A failed rule, no answer from a required rule, and a benchmark that could not be measured make it `failed`; more warnings than `maximumWarnings`, or no
 *   rule at all, make it `warning`; otherwise it is `passed`.
 * - Exit 3 when an absolute rule was missed (also beside a regression: a promise outranks a comparison), 4 when only
 *   regressions failed, 5 when all the trouble is answers that could not be had.
 *
 * @throws MettleError `POLICY_INVALID`
 */
export function judge(run: Run, options: JudgeOptions = {}): Verdict {
  const policy = resolvePolicy(options.policy);
  const regressions = regressionsOf(run, options, policy);
  const { baseline } = options;
  const findings = [
    ...validityFindings(run),
    ...policy.thresholds.flatMap((rule) => judgeThreshold(rule, run, policy, baseline)),
    ...judgeBudgets(run, policy.budgets, policy.gate, policy),
    ...policy.targets.flatMap((target) => judgeTarget(run, target, policy.phase, policy)),
    ...policy.objectives.flatMap((objective) => judgeObjective(run, objective, objective.atMostNs, policy)),
    ...regressions.findings,
    ...historyFindings(options.history, policy, options.policy?.history !== undefined),
  ]
    .map((finding) => explain(finding, run, baseline))
    .sort(byWorst);
  return verdictOf(run, findings, policy, regressions.comparisons, baseline);
}

function regressionsOf(run: Run, { baseline }: JudgeOptions, policy: ResolvedPolicy): RegressionJudgement {
  const asked = policy.regressions !== undefined || baseline !== undefined || (run.comparisons ?? []).length > 0;
  return asked ? judgeRegressions(run, baseline, policy, policy.regressions) : { findings: [] };
}

function historyFindings(
  history: readonly HistorySeries[] | undefined,
  policy: ResolvedPolicy,
  asked: boolean,
): readonly Finding[] {
  if (history && history.length > 0) return judgeHistory(history, policy, policy.history);
  if (!asked || !policy.history.required) return [];
  return [
    {
      id: findingId("change-point", "run", "no step in history"),
      kind: "change-point",
      state: "no-data",
      severity: "medium",
      rule: "no step in history",
      message: "Insufficient history: no series of past runs was given.",
      evidence: [],
    },
  ];
}

const allMeasured = "everything asked for was measured";

/** What was asked for and could not be measured: no rule may name it, and yet it was asked for. */
function failureFindings({ failures = [] }: Run): readonly Finding[] {
  return failures.map(({ code, message }) => ({
    id: findingId("coverage", `${code} ${message}`, allMeasured),
    kind: "coverage",
    state: "no-data",
    severity: "high",
    rule: allMeasured,
    message: `${code}: ${message}`,
    evidence: [],
    recommendation: "Make it measurable, or take it out of the run: nothing missing ever passes.",
  }));
}

function validityFindings(run: Run): readonly Finding[] {
  const { state, reasons: all } = run.validity;
  const rule = "the run is valid";
  const found: Finding[] = [...failureFindings(run)];
  const told = new Set((run.failures ?? []).map(({ code, message }) => `${code}: ${message}`));
  const reasons = state === "degraded" ? all.filter((reason) => !told.has(reason)) : all;
  if (state === "invalid" || (state === "degraded" && (reasons.length > 0 || told.size === 0))) {
    found.push({
      id: findingId("validity", "run", rule),
      kind: "validity",
      state: state === "invalid" ? "failed" : "warning",
      severity: state === "invalid" ? "critical" : "medium",
      rule,
      message: `The measurement is ${state}: ${reasons[0] ?? "no reason given"}.`,
      evidence: reasons.length > 1 ? reasons : [], // the message says the first
      recommendation: reasons.length === 0 ? "Measure again." : "Mend that, and measure again.",
    });
  }
  if (run.measurements.length === 0 && (run.comparisons ?? []).length === 0) {
    found.push({
      id: findingId("coverage", "run", "something was measured"),
      kind: "coverage",
      state: "no-data",
      severity: "critical",
      rule: "something was measured",
      message: "The run holds no measurement.",
      evidence: [],
    });
  }
  return found;
}

const isUnanswered = ({ state, required }: Finding): boolean =>
  (state === "no-data" || state === "undecided") && required !== false;

/** A change against another run or against history, as opposed to an absolute rule. */
const isRelative = ({ kind }: Pick<Finding, "kind">): boolean => kind === "regression" || kind === "change-point";

function verdictOf(
  run: Run,
  findings: readonly Finding[],
  policy: ResolvedPolicy,
  comparisons: Verdict["comparisons"],
  baseline: Run | undefined,
): Verdict {
  const counts = countsOf(findings);
  const status = statusOf(run, findings, counts, policy);
  return {
    schema: verdictSchema,
    runId: run.id,
    status,
    exitCode: exitCodeOf(status, findings),
    title: titleOf(status, findings, counts, baseline),
    findings,
    counts,
    ...(comparisons ? { comparisons } : {}),
    recommendations: recommendationsOf(findings),
  };
}

function countsOf(findings: readonly Finding[]): VerdictCounts {
  const count = (test: (finding: Finding) => boolean): number => findings.filter(test).length;
  return {
    total: findings.length,
    passed: count(({ state }) => state === "passed"),
    failed: count(({ state }) => state === "failed"),
    warnings: count(({ state }) => state === "warning"),
    noData: count(({ state }) => state === "no-data"),
    undecided: count(({ state }) => state === "undecided"),
    regressions: count((finding) => isRelative(finding) && (finding.state === "failed" || finding.state === "warning")),
  };
}

function statusOf(
  run: Run,
  findings: readonly Finding[],
  counts: VerdictCounts,
  policy: ResolvedPolicy,
): VerdictStatus {
  if (run.validity.state === "invalid") return "invalid";
  if (counts.failed > 0 || findings.some(isUnanswered)) return "failed";
  return counts.warnings > policy.maximumWarnings || !nothingWrongAndJudged(findings) ? "warning" : "passed";
}

/** A pass needs a rule that held: a run that nothing judged has not passed anything. */
function nothingWrongAndJudged(findings: readonly Finding[]): boolean {
  return findings.some(({ state, kind }) => kind !== "validity" && state !== "info" && state !== "no-data");
}

function exitCodeOf(status: VerdictStatus, findings: readonly Finding[]): ExitCode {
  if (status === "invalid") return exitCodes.invalidMeasurement;
  if (status !== "failed") return exitCodes.pass;
  const failed = findings.filter(({ state }) => state === "failed");
  if (failed.some((finding) => !isRelative(finding))) return exitCodes.objectiveMissed;
  return failed.length > 0 ? exitCodes.regression : exitCodes.invalidMeasurement;
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

function titleOf(
  status: VerdictStatus,
  findings: readonly Finding[],
  counts: VerdictCounts,
  baseline: Run | undefined,
): string {
  if (status === "invalid") {
    const reason = findings.find(({ kind, state }) => kind === "validity" && state === "failed")?.message;
    return `INVALID: ${reason ?? "The measurement is invalid."}`;
  }
  const limits = findings.filter(
    ({ kind, state, rule }) => !isRelative({ kind }) && kind !== "validity" && rule !== allMeasured && state !== "info",
  );
  const missed = limits.filter(({ state }) => state === "failed" || state === "warning").length;
  const compared = findings.filter((finding) => finding.kind === "regression" && finding.change !== undefined);
  const against = compared[0]?.change?.against ?? (baseline && describeRun(baseline));
  const unanswered = findings.filter(isUnanswered).length;
  const quiet = counts.noData + counts.undecided - unanswered;
  const otherWarnings = findings.filter(({ state, kind }) => state === "warning" && kind === "validity").length;
  const parts = [
    ...(limits.length > 0
      ? [
          missed > 0
            ? `${missed} of ${plural(limits.length, "limit")} missed`
            : `${limits.filter(({ state }) => state === "passed").length} of ${plural(limits.length, "limit")} held`,
        ]
      : []),
    ...(counts.regressions > 0
      ? [`${plural(counts.regressions, "regression")}${against ? ` vs ${against}` : ""}`]
      : compared.length > 0
        ? [`no regression found in ${plural(compared.length, "comparison")} vs ${against}`]
        : []),
    ...(unanswered > 0 ? [`${unanswered} without an answer`] : []),
    ...(quiet > 0 ? [`${quiet} can't be told`] : []),
    ...(otherWarnings > 0 ? [plural(otherWarnings, "warning")] : []),
  ];
  const judged = parts.length > 0 ? parts.join(", ") : "no rule applied to this run";
  return `${status === "failed" && counts.failed === 0 ? "INCONCLUSIVE" : status.toUpperCase()}: ${judged}`;
}
