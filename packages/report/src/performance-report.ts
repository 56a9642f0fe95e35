import type { Finding, Verdict } from "@mettle/judge";
import type { Comparison, Measurement, Run } from "@mettle/results";
import { notesOf, weakestSelfCheck } from "./cases.ts";
import { omit } from "./omit.ts";
import { epochMs } from "./provenance.ts";
import { worstFirst } from "./text/words.ts";

/** A run and its verdict arranged for reading by section, as data. Every figure in it is one of the run or the verdict. */
export interface PerformanceReport {
  readonly schema: "mettle.performance-report/1";
  /** When the run ended; ISO 8601, UTC. */
  readonly timestamp: string;
  readonly summary: {
    readonly title: string;
    readonly status: Verdict["status"];
    readonly counts: Verdict["counts"];
    readonly validity: Run["validity"];
    readonly selfCheck?: Comparison["selfCheck"];
  };
  /** S0-192. Without raw samples and histograms, which are in the run's own file. */
  readonly detailedMetrics: readonly Omit<Measurement, "raw" | "histogram">[];
  readonly performanceAnalysis: {
    readonly findings: readonly Finding[];
    readonly notes: readonly { readonly about: string; readonly text: string }[];
  };
  readonly regressionAnalysis: {
    readonly findings: readonly Finding[];
    readonly comparisons: readonly Omit<Comparison, "logRatios">[];
  };
  readonly recommendations: readonly string[];
  /** The findings that tell where a metric is heading whose history shows a trend; absent where none does, or no history was judged. */
  readonly trendProjections?: readonly Finding[];
}

/** @throws MettleError `REPORT_TIME_INVALID` when the run's start is no time */
export function performanceReport(run: Run, verdict: Verdict): PerformanceReport {
  const findings = worstFirst(verdict.findings);
  const isRegression = ({ kind }: Finding): boolean => kind === "regression" || kind === "change-point";
  const selfCheck = weakestSelfCheck(run);
  const trendProjections = findings.filter(({ projection }) => projection !== undefined);
  return {
    schema: "mettle.performance-report/1",
    timestamp: new Date(epochMs(run.startedAt) + run.durationMs).toISOString(),
    summary: {
      title: verdict.title,
      status: verdict.status,
      counts: verdict.counts,
      validity: run.validity,
      ...(selfCheck && { selfCheck }),
    },
    detailedMetrics: run.measurements.map((it) => omit(it, "raw", "histogram")),
    performanceAnalysis: { findings: findings.filter((it) => !isRegression(it)), notes: notesOf(run) },
    regressionAnalysis: {
      findings: findings.filter(isRegression),
      comparisons: (run.comparisons ?? []).map((it) => omit(it, "logRatios")),
    },
    recommendations: recommendationsOf(verdict),
    ...(trendProjections.length > 0 && { trendProjections }),
  };
}

/** The verdict's own first, then those of single findings, each once. */
function recommendationsOf({ recommendations, findings }: Verdict): string[] {
  const ofFindings = worstFirst(findings).flatMap(({ recommendation }) =>
    recommendation === undefined ? [] : [recommendation],
  );
  return [...new Set([...recommendations, ...ofFindings])];
}
