import type { MetricHistory } from "@mettle/report";
import type { History, MetricEntry, RunEntry } from "@mettle/results";
import { changesIn } from "./write-page.ts";

const SHOWN_POINTS = 500;

export interface MetricHistoryOptions {
  /** The newest so many runs. @defaultValue 500 */
  readonly limit?: number;
  readonly branch?: string;
  /** @defaultValue the median of times, else the mean or what there is */
  readonly statistic?: string;
}

/** One metric over past runs, with the points where its level moved. */
export function metricHistory(
  history: History,
  { metric, tags, unit, direction }: MetricEntry,
  { limit = SHOWN_POINTS, branch, statistic }: MetricHistoryOptions,
  entries: ReadonlyMap<number, RunEntry>,
): MetricHistory {
  const query = { metric, tags, limit, ...(branch !== undefined && { branch }) };
  const usual = unit === "ns" ? ["p50", "p95", "mean"] : ["mean", "rate", "perSecond", "last", "sum", "p50"];
  let points = history.series({ ...query, statistic: statistic ?? usual[0] ?? "mean" });
  for (const name of statistic === undefined ? usual.slice(1) : []) {
    if (points.length === 0) points = history.series({ ...query, statistic: name });
  }
  const kept = points.flatMap(({ ordinal, value }) => {
    const entry = entries.get(ordinal);
    return entry
      ? [{ at: entry.startedAt, runId: entry.id, value, ...(entry.commit !== undefined && { commit: entry.commit }) }]
      : [];
  });
  return { metric, tags, unit, direction, points: kept, ...changesIn(kept, direction) };
}

/** All runs by the number that points of series have. */
export const entriesOf = (history: History): ReadonlyMap<number, RunEntry> =>
  new Map(history.runs().map((entry) => [entry.ordinal, entry]));
