import type { Measurement, Run } from "@mettle/results";

/**
 * A run as k6's `--summary-export` writes it: totals and submetrics, times in ms. What k6 has no word for is left out.
 *
 * @param missed - whether a rule on a metric failed, by metric and rule as written
 */
export function k6SummaryExport(
  run: Run,
  missed: Readonly<Record<string, Readonly<Record<string, boolean>>>> = {},
): object {
  const metrics: Record<string, object> = {};
  for (const measurement of run.measurements) {
    const name = k6Name(measurement.metric, measurement.tags);
    const thresholds = missed[name];
    metrics[name] = { ...valuesOf(measurement, run.durationMs), ...(thresholds && { thresholds }) };
  }
  return { metrics };
}

/** `http_req_duration{status:200}`. */
export function k6Name(metric: string, tags: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(tags).map(([name, value]) => `${name}:${value}`);
  return pairs.length === 0 ? metric : `${metric}{${pairs.join(",")}}`;
}

function valuesOf({ summary, unit }: Measurement, durationMs: number): Record<string, number> {
  const factor = unit === "ns" ? 1e-6 : 1;
  const { count, rate, sum, last } = summary;
  if (sum !== undefined) return { count: sum * factor, rate: durationMs > 0 ? (sum * factor * 1000) / durationMs : 0 };
  if (rate !== undefined) {
    const passes = Math.round(rate * count);
    return { passes, fails: count - passes, value: rate };
  }
  if (last !== undefined) return defined({ value: last, min: summary.min, max: summary.max }, factor);
  const { mean: avg, min, p50: med, max, p90, p95 } = summary;
  return defined({ avg, min, med, max, "p(90)": p90, "p(95)": p95 }, factor);
}

function defined(values: Readonly<Record<string, number | undefined>>, factor: number): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value * factor]])),
  );
}
