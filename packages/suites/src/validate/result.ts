import {
  type Analysis,
  analyze,
  type Finding,
  formatSelector,
  type Phase,
  type Verdict,
  type VerdictStatus,
} from "@mettle/judge";
import { type PerformanceReport, performanceReport } from "@mettle/report";
import type { Failure, Measurement, Run } from "@mettle/results";
import { type CatalogueEntry, type ResultGroup, resultGroups } from "../catalogue/scenario.ts";
import { type Recommendation, recommendationsFor } from "./recommendations.ts";

/** How one scenario went on one platform. */
export type ScenarioOutcome = {
  readonly scenario: CatalogueEntry;
  readonly platform: string;
  readonly measurements: readonly Measurement[];
} & (
  | {
      readonly state: "measured";
      /** Why its figures may not be believed wholly. */
      readonly reasons?: readonly string[];
    }
  | { readonly state: "unsupported"; readonly missing: readonly string[] }
  | { readonly state: "failed"; readonly failure: Failure }
);

export interface ScenarioResult {
  readonly id: string;
  readonly title: string;
  readonly platform: string;
  readonly state: ScenarioOutcome["state"];
  readonly requirement: readonly string[];
  /** Selectors of what was measured; the figures are in the run. */
  readonly measurements: readonly string[];
  readonly failure?: Failure;
  /** Capabilities that the platform does not have. */
  readonly missing?: readonly string[];
}

/** One of the seven groups (S0-170 … S0-176). */
export interface GroupResult {
  /** `absent`: nothing of it was run. */
  readonly status: "passed" | "warning" | "failed" | "absent";
  readonly scenarios: readonly ScenarioResult[];
  readonly findings: readonly Finding[];
}

/** What a validation comes to (S0-177). */
export interface ValidationResult {
  /** S0-178: a critical failure → failed; more than five warnings → warning; else passed. `invalid` never passes. */
  readonly status: VerdictStatus;
  readonly durationMs: number;
  readonly platform: string;
  readonly phase: Phase;
  readonly results: Readonly<Record<ResultGroup, GroupResult>>;
  readonly analysis: Analysis;
  readonly report: PerformanceReport;
  readonly recommendations: readonly Recommendation[];
  readonly run: Run;
  readonly verdict: Verdict;
}

interface Parts {
  readonly run: Run;
  readonly verdict: Verdict;
  readonly outcomes: readonly ScenarioOutcome[];
  readonly subject: string;
  readonly phase: Phase;
}

/** Sorts what was found into the result. Pure. */
export function validationResult({ run, verdict: judged, outcomes, subject, phase }: Parts): ValidationResult {
  const results = Object.fromEntries(
    resultGroups.map((group) => [group, groupResult(group, outcomes, judged)]),
  ) as Record<ResultGroup, GroupResult>;
  const recommendations = recommendationsFor(run, judged, results.scalability_tests.findings);
  const verdict = { ...judged, recommendations: [...byRule(recommendations), ...judged.recommendations] };
  return {
    status: verdict.status,
    durationMs: run.durationMs,
    platform: subject,
    phase,
    results,
    analysis: analyze(run, verdict),
    report: performanceReport(run, verdict),
    recommendations,
    run,
    verdict,
  };
}

/** Those that the verdict does not have by itself, each with its first fact: every report of the run shows the verdict's. */
const byRule = (recommendations: readonly Recommendation[]): readonly string[] =>
  recommendations
    .filter(({ kind }) => kind !== "finding")
    .map(({ text, because: [fact = ""] }) => `${text} ${fact}`.trim());

function groupResult(group: ResultGroup, outcomes: readonly ScenarioOutcome[], verdict: Verdict): GroupResult {
  const own = outcomes.filter(({ scenario }) => scenario.group === group);
  const scenarios = own.map(scenarioResult);
  const metrics = new Set(own.flatMap(({ measurements }) => measurements.map(({ metric }) => metric)));
  const ruled = new Set(own.flatMap(({ scenario }) => metricsRuled(scenario)));
  const findings =
    group === "regression_tests"
      ? verdict.findings.filter(({ kind }) => kind === "regression" || kind === "change-point")
      : verdict.findings.filter(({ metric }) => metric !== undefined && (metrics.has(metric) || ruled.has(metric)));
  return { status: statusOf(scenarios, findings), scenarios, findings };
}

function scenarioResult(outcome: ScenarioOutcome): ScenarioResult {
  const { scenario, platform, state, measurements } = outcome;
  return {
    id: scenario.id,
    title: scenario.title,
    platform,
    state,
    requirement: scenario.requirement,
    measurements: measurements.map(formatSelector),
    ...(outcome.state === "failed" && { failure: outcome.failure }),
    ...(outcome.state === "unsupported" && { missing: outcome.missing }),
  };
}

const withoutTags = (selector: string): string => selector.replace(/\{.*$/, "");

function metricsRuled({ rules = {} }: CatalogueEntry): readonly string[] {
  const { targets = [], budgets = [], objectives = [], thresholds = {} } = rules;
  return [...[...targets, ...budgets, ...objectives].map(({ metric }) => metric), ...Object.keys(thresholds)].map(
    withoutTags,
  );
}

function statusOf(scenarios: readonly ScenarioResult[], findings: readonly Finding[]): GroupResult["status"] {
  if (scenarios.some(({ state }) => state === "failed")) return "failed";
  if (findings.some(({ state, required }) => state === "failed" || (state === "no-data" && required !== false)))
    return "failed";
  if (findings.some(({ state }) => state === "warning")) return "warning";
  return scenarios.some(({ state }) => state === "measured") || findings.length > 0 ? "passed" : "absent";
}
