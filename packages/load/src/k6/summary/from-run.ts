import { type Measurement, type Run, statistic } from "@mettle/results";
import type { MetricKind } from "../../metrics/recorder.ts";
import { k6Name } from "../../output/summary-export.ts";
import type { K6Options } from "../options/options.ts";
import { type CheckCount, groupTree, type SummaryData, type SummaryMetric } from "./summary-data.ts";

/** What a run document alone does not tell. */
export interface SummaryOutcome {
  readonly options: Pick<K6Options, "summaryTrendStats" | "summaryTimeUnit">;
  /** Whether each threshold held, by metric and expression as written. */
  readonly thresholds: Readonly<Record<string, Readonly<Record<string, boolean>>>>;
  readonly setupData?: unknown;
  readonly noColor: boolean;
  readonly isStdOutTTY: boolean;
  readonly isStdErrTTY: boolean;
}

/**
 * A run in the shape that `handleSummary` gets: totals, the submetrics that thresholds name, checks by group. Times are
 * ms. A statistic that the run does not hold, such as p(99.5) of a run without histograms, is absent.
 */
export function summaryDataOf(run: Run, outcome: SummaryOutcome): SummaryData {
  const { options, thresholds, setupData, noColor, isStdOutTTY, isStdErrTTY } = outcome;
  const metrics: Record<string, SummaryMetric> = {};
  for (const measurement of run.measurements) {
    const name = k6Name(measurement.metric, measurement.tags);
    const isTotal = Object.keys(measurement.tags).length === 0;
    if (!isTotal && !Object.hasOwn(thresholds, name)) continue;
    const judged = thresholds[name];
    metrics[name] = {
      ...describe(measurement, run.durationMs, options.summaryTrendStats),
      ...(judged && { thresholds: Object.fromEntries(Object.entries(judged).map(([rule, ok]) => [rule, { ok }])) }),
    };
  }
  return {
    root_group: groupTree(checkCounts(run.measurements)),
    metrics,
    options: { summaryTrendStats: options.summaryTrendStats, summaryTimeUnit: options.summaryTimeUnit ?? "", noColor },
    state: { isStdErrTTY, isStdOutTTY, testRunDurationMs: run.durationMs },
    ...(setupData !== undefined && { setup_data: setupData }),
  };
}

function describe(
  measurement: Measurement,
  durationMs: number,
  stats: readonly string[],
): Omit<SummaryMetric, "thresholds"> {
  const { summary, unit } = measurement;
  const factor = unit === "ns" ? 1e-6 : 1;
  const contains = unit === "ns" ? "time" : unit === "bytes" ? "data" : "default";
  const { count, sum, rate, last } = summary;
  const made = (
    type: MetricKind,
    values: Readonly<Record<string, number | undefined>>,
  ): Omit<SummaryMetric, "thresholds"> => ({
    type,
    contains,
    values: Object.fromEntries(
      Object.entries(values).filter((entry): entry is [string, number] => entry[1] !== undefined),
    ),
  });
  if (rate !== undefined) {
    const passes = Math.round(rate * count);
    return made("rate", { rate, passes, fails: count - passes });
  }
  if (last !== undefined) return made("gauge", { value: last, min: summary.min, max: summary.max });
  if (sum !== undefined && summary.p50 === undefined) {
    return made("counter", {
      count: sum * factor,
      rate: durationMs > 0 ? (sum * factor * 1000) / durationMs : undefined,
    });
  }
  const scaled = (stat: string): number | undefined => {
    const value = statistic(measurement, stat);
    return value === undefined ? undefined : value * factor;
  };
  return made("trend", Object.fromEntries(stats.map((stat) => [stat, stat === "count" ? count : scaled(stat)])));
}

/** Checks are told apart by name, and by group where the run was recorded so. */
function checkCounts(measurements: readonly Measurement[]): CheckCount[] {
  return measurements.flatMap(({ metric, tags, summary }) => {
    const check = tags["check"];
    if (metric !== "checks" || check === undefined || summary.rate === undefined) return [];
    const passes = Math.round(summary.rate * summary.count);
    return [{ group: tags["group"] ?? "", check, passes, fails: summary.count - passes }];
  });
}
