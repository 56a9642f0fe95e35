import type { Run } from "@mettle/results";
import { findSame, formatSelector } from "../selector.ts";
import { severityOf } from "../severity.ts";
import { readStatistic } from "../statistic.ts";
import type { Severity } from "../verdict.ts";
import { comparedStatistic } from "./evidence.ts";

/** One metric of two runs by its point values alone (S4-123), for imported results that have nothing else. */
export interface RegressionResult {
  readonly metricName: string;
  readonly baselineValue: number;
  readonly currentValue: number;
  /** Signed, of the baseline's value: 12 is +12 %. Absent for a baseline of zero. */
  readonly changePercentage?: number;
  readonly isRegression: boolean;
  /** By the size of the change; of a rise from zero `high`, as it has no size. */
  readonly severity: Severity;
}

/**
 * Compares every metric that both runs hold and that has a better direction, worst change first. It knows nothing of
 * noise: where intervals exist, `judgeRegressions` says more.
 *
 * @param threshold - change for the worse that counts, as a fraction. @defaultValue 0.1
 */
export function detectRegressions(current: Run, baseline: Run, threshold = 0.1): readonly RegressionResult[] {
  const results = current.measurements.flatMap((measurement): RegressionResult[] => {
    const before = findSame(baseline, measurement);
    const statistic = comparedStatistic(measurement, current.kind);
    if (!before || !statistic || measurement.direction === "none") return [];
    const now = readStatistic(measurement, statistic);
    const then = readStatistic(before, statistic);
    if (now.state === "absent" || then.state === "absent" || now.unit !== then.unit) return [];
    const harm = measurement.direction === "lower" ? now.value - then.value : then.value - now.value;
    const size = Math.abs(then.value);
    return [
      {
        metricName: formatSelector(measurement),
        baselineValue: then.value,
        currentValue: now.value,
        ...(size === 0 ? {} : { changePercentage: ((now.value - then.value) / size) * 100 }),
        isRegression: harm > threshold * size + size * 1e-12,
        severity: size === 0 ? (harm > 0 ? "high" : "low") : severityOf(harm / size),
      },
    ];
  });
  const rank = (result: RegressionResult): number =>
    (result.isRegression ? 1e6 : 0) + Math.abs(result.changePercentage ?? 1e5);
  return results.sort((a, b) => rank(b) - rank(a));
}
