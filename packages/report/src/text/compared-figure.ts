import type { MetricUnit } from "@mettle/core";
import { comparedStatistic, formatStatistic, readStatistic } from "@mettle/judge";
import type { Measurement, Run } from "@mettle/results";
import { typical } from "./case-columns.ts";

/** The figure of a metric that two runs are compared by. */
export interface ComparedFigure {
  /** `p(95)`; empty for what a metric shows everywhere else. */
  readonly label: string;
  readonly unit: MetricUnit;
  readonly of: (measurement: Measurement | undefined) => number | undefined;
}

/** The very figure whose ratio is shown beside it: medians beside a ratio of percentiles would contradict it. */
export function comparedFigure(measurement: Measurement, kind: Run["kind"]): ComparedFigure {
  const statistic = comparedStatistic(measurement, kind);
  const reading = statistic && readStatistic(measurement, statistic);
  if (!statistic || reading?.state !== "measured") return { label: "", unit: measurement.unit, of: typical };
  return {
    label: statistic.kind === "percentile" ? formatStatistic(statistic) : "",
    unit: reading.unit,
    of: (each) => {
      const own = each && readStatistic(each, statistic);
      return own?.state === "measured" ? own.value : undefined;
    },
  };
}
