import { existsSync } from "node:fs";
import type { HistorySeries } from "@mettle/judge";
import {
  type History,
  headlineStatistic,
  type Measurement,
  openHistory,
  type Run,
  type RunEntry,
  statistic,
} from "@mettle/results";

/** Newest runs that a judgement of history looks at: steps older than that are nobody's news. */
const JUDGED_POINTS = 500;

/** The statistic that stands for a metric over time: the median of a benchmark's times, else the usual headline. */
function statisticOverTime(measurement: Measurement): string | undefined {
  if (measurement.unit === "ns" && measurement.summary.p50 !== undefined) return "p50";
  return headlineStatistic(measurement)?.name;
}

/**
 * The run's metrics over past runs of the same name, profile and machine, oldest first, the run itself last. Empty where
 * there is no history.
 */
export function seriesUpTo(run: Run, file: string): readonly HistorySeries[] {
  if (!existsSync(file)) return [];
  using history = openHistory(file);
  const entries = new Map(history.runs().map((entry) => [entry.ordinal, entry]));
  return run.measurements.flatMap((measurement) => {
    const name = statisticOverTime(measurement);
    const value = name === undefined ? undefined : statistic(measurement, name);
    if (name === undefined || value === undefined) return [];
    const past = pastPoints(history, entries, run, measurement, name);
    const { metric, tags, unit, direction } = measurement;
    const own = pointOf(
      { id: run.id, startedAt: run.startedAt, ...(run.revision && { commit: run.revision.commit }) },
      value,
    );
    return [{ metric, tags, unit, direction, points: [...past, own] }];
  });
}

function pastPoints(
  history: History,
  entries: ReadonlyMap<number, RunEntry>,
  run: Run,
  { metric, tags }: Measurement,
  name: string,
): HistorySeries["points"] {
  const points = history.series({
    metric,
    tags,
    statistic: name,
    name: run.name,
    environmentFingerprint: run.environment.fingerprint,
    ...(run.profile && { profile: run.profile }),
    limit: JUDGED_POINTS,
  });
  return points.flatMap(({ ordinal, value, atMs }) => {
    const entry = entries.get(ordinal);
    const isPast = entry && entry.id !== run.id && atMs <= Date.parse(run.startedAt);
    return isPast ? [pointOf(entry, value)] : [];
  });
}

const pointOf = (
  { id, startedAt, commit }: Pick<RunEntry, "id" | "startedAt" | "commit">,
  value: number,
): HistorySeries["points"][number] => ({ value, runId: id, at: startedAt, ...(commit !== undefined && { commit }) });
