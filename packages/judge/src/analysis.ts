import type { Measurement, Run } from "@mettle/results";
import { wilsonInterval } from "@mettle/stats";
import { garbageCollectionShare } from "./recommendations.ts";
import type { Finding, Verdict } from "./verdict.ts";

/** How well one timed operation spends its time. A share that was not measured is absent. */
export interface Efficiency {
  readonly metric: string;
  readonly tags: Readonly<Record<string, string>>;
  /** p99 / median: how far the slow ones are from the usual. */
  readonly tailRatio?: number;
  /** Share of the time that garbage collection takes, 0 … 1. */
  readonly garbageCollectionShare?: number;
  /** Failed attempts among all, 0 … 1. */
  readonly errorShare?: number;
}

/** How often one thing went as it should. */
export interface Reliability {
  readonly metric: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly attempts: number;
  readonly failed: number;
  /** Share that went as it should, 0 … 1, with its Wilson interval at 95 %: none failed of twenty is not “never fails”. */
  readonly success: number;
  readonly low: number;
  readonly high: number;
}

/** A run's findings by the question that they answer, with what the run says of its efficiency. */
export interface Analysis {
  /** Against the baseline or the paired revision. */
  readonly performanceComparison: readonly Finding[];
  /** Absolute rules that were missed or could not be answered. */
  readonly thresholdViolations: readonly Finding[];
  /** From history: steps, trends, values off their level. */
  readonly trendAnalysis: readonly Finding[];
  readonly efficiencyAnalysis: readonly Efficiency[];
  /** Everything that counts failures, the least reliable first (S0-006). */
  readonly reliabilityAnalysis: readonly Reliability[];
  /** What to do, each with the finding that it comes from, most urgent first. */
  readonly optimizationOpportunities: readonly { readonly findingId: string; readonly recommendation: string }[];
}

/** Sorts a verdict by question (S0-150 … S0-154). Adds no judgement of its own. */
export function analyze(run: Run, verdict: Verdict): Analysis {
  const { findings } = verdict;
  const absolute = new Set(["threshold", "budget", "target", "objective", "coverage"]);
  return {
    performanceComparison: findings.filter(({ kind }) => kind === "regression"),
    thresholdViolations: findings.filter(
      ({ kind, state }) => absolute.has(kind) && state !== "passed" && state !== "info",
    ),
    trendAnalysis: findings.filter(({ kind }) => kind === "change-point"),
    efficiencyAnalysis: run.measurements.filter(({ unit }) => unit === "ns").flatMap((each) => efficiencyOf(each, run)),
    reliabilityAnalysis: run.measurements.flatMap(reliabilityOf).toSorted((a, b) => a.success - b.success),
    optimizationOpportunities: findings.flatMap(({ id, recommendation }) =>
      recommendation === undefined ? [] : [{ findingId: id, recommendation }],
    ),
  };
}

/** A share of true samples that is better high or low, or samples beside failed attempts; nothing else tells of failures. */
function reliabilityOf({ metric, tags, summary, errors, direction }: Measurement): readonly Reliability[] {
  const { count, rate, perSecond } = summary;
  const isShare = rate !== undefined && perSecond === undefined && direction !== "none";
  const failed = isShare ? Math.round(count * (direction === "higher" ? 1 - rate : rate)) : errors?.count;
  const attempts = isShare ? count : count + (errors?.count ?? 0);
  if (failed === undefined || attempts === 0) return [];
  const { low, high } = wilsonInterval(attempts - failed, attempts);
  return [{ metric, tags, attempts, failed, success: (attempts - failed) / attempts, low, high }];
}

function efficiencyOf(measurement: Measurement, run: Run): readonly Efficiency[] {
  const { metric, tags, summary, errors } = measurement;
  const { p50, p99, count } = summary;
  const collection = garbageCollectionShare(measurement, run);
  const attempts = count + (errors?.count ?? 0);
  const shares = {
    ...(p50 !== undefined && p99 !== undefined && p50 > 0 ? { tailRatio: p99 / p50 } : {}),
    ...(collection === undefined ? {} : { garbageCollectionShare: collection }),
    ...(errors && attempts > 0 ? { errorShare: errors.count / attempts } : {}),
  };
  return Object.keys(shares).length === 0 ? [] : [{ metric, tags, ...shares }];
}
