import type { ExitCode, MetricUnit } from "@mettle/core";
import type { ComparisonOutcome } from "@mettle/results";

export const verdictSchema = "mettle.verdict/1";

export const severities = ["critical", "high", "medium", "low"] as const;
export type Severity = (typeof severities)[number];

export type FindingKind =
  | "threshold"
  | "budget"
  | "regression"
  | "change-point"
  | "target"
  | "objective"
  | "validity"
  | "coverage";

/**
 * - `passed`: the rule was evaluated on data and holds.
 * - `failed`: evaluated and missed; fails the run when the policy says so for its severity.
 * - `warning`: missed, but the policy only warns.
 * - `no-data`: could not be evaluated (unknown metric, zero samples, too few samples, no baseline). Never a pass.
 * - `undecided`: measured, but the interval allows either answer.
 * - `info`: worth knowing, no rule attached (an improvement, an exceeded target).
 */
export type FindingState = "passed" | "failed" | "warning" | "no-data" | "undecided" | "info";

/** One rule applied to one metric: what was found, the evidence for it and what to do next. */
export interface Finding {
  /** Stable between runs: kind, metric with tags, rule. */
  readonly id: string;
  readonly kind: FindingKind;
  readonly state: FindingState;
  readonly severity: Severity;
  readonly metric?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** As its author wrote it: `p(95) < 200ms`. */
  readonly rule: string;
  /** One sentence with the figures in it. */
  readonly message: string;
  readonly actual?: number;
  readonly limit?: number;
  readonly unit?: MetricUnit;
  /** Share of the allowance used: 1.64 is 164 %, above 1 is over. Absent where there is no such share. */
  readonly consumed?: number;
  readonly change?: Change;
  /** Of a trend in history: where the metric is heading. */
  readonly projection?: TrendProjection;
  /** Facts that support the message, most telling first. */
  readonly evidence: readonly string[];
  readonly recommendation?: string;
  readonly requirement?: readonly string[];
  /** Where the rule was written, for annotations. */
  readonly source?: { readonly file: string; readonly line?: number };
  /** False when the policy lets the rule go without an answer; absent means that no data fails the run. */
  readonly required?: boolean;
}

/** A change against a baseline. `ratio` is current / baseline. */
export interface Change {
  readonly ratio: number;
  readonly low?: number;
  readonly high?: number;
  readonly confidence?: number;
  readonly outcome: ComparisonOutcome;
  /** What it was compared with, in words: `main@4f2c1e`, `baseline "release-1.4"`. */
  readonly against: string;
}

/** The value expected of a run to come if a trend goes on, in the metric's unit, with its prediction interval. */
export interface TrendProjection {
  /** How many runs after the last one. */
  readonly runsAhead: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
}

export type VerdictStatus = "passed" | "warning" | "failed" | "invalid";

export interface Verdict {
  readonly schema: typeof verdictSchema;
  readonly runId: string;
  readonly status: VerdictStatus;
  readonly exitCode: ExitCode;
  /** The verdict in one sentence: `FAILED: 2 of 9 limits missed, 1 regression vs main@4f2c1e`. */
  readonly title: string;
  /** Worst first. */
  readonly findings: readonly Finding[];
  readonly counts: VerdictCounts;
  /** How many comparisons shared the false discovery rate; absent when none was made. */
  readonly comparisons?: { readonly made: number; readonly falseDiscoveryRate: number };
  readonly recommendations: readonly string[];
}

export interface VerdictCounts {
  readonly total: number;
  readonly passed: number;
  readonly failed: number;
  readonly warnings: number;
  readonly noData: number;
  readonly undecided: number;
  readonly regressions: number;
}
