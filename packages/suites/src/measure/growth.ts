import { fitComplexity } from "@mettle/stats";
import type { MetricOptions, Recorder } from "./recorder.ts";

/**
 * How a cost grows with size, as the factor for ten times the size: 1 does not grow, 10 grows in proportion. From
 * cost = factor · size^exponent by least squares on logarithms; at least five sizes. Costs of 0 (below the clock) say nothing
 * and leave the figure absent.
 *
 * @param metric - `<metric>.growth-per-tenfold` is recorded
 */
export function recordGrowth(
  record: Recorder,
  metric: string,
  sizes: readonly number[],
  costs: readonly number[],
  options: MetricOptions = {},
): void {
  if (!costs.every((cost) => cost > 0)) return;
  const confidence = 0.95;
  const { value, low, high } = fitComplexity(sizes, costs, { confidence }).powerLaw.exponent;
  record.value(`${metric}.growth-per-tenfold`, 10 ** value, {
    ...options,
    unit: "1",
    direction: "lower",
    interval: {
      of: "slope",
      low: 10 ** low,
      high: 10 ** high,
      confidence,
      method: "least squares on logarithms of the medians",
    },
  });
}
