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
  const known = points.flatMap(({ ordinal, value }) => {
    const entry = entries.get(ordinal);
    return entry ? [{ entry, value }] : [];
  });
  const kept = known.map(pointOf);
  return { metric, tags, unit, direction, points: kept, ...changesAmongLike(known, direction) };
}

interface Known {
  readonly entry: RunEntry;
  readonly value: number;
}

const pointOf = ({ entry, value }: Known) => ({
  at: entry.startedAt,
  runId: entry.id,
  value,
  ...(entry.commit !== undefined && { commit: entry.commit }),
});

/**
 * Changes among the runs that are like the newest: of its name, profile and machine. Between others a step says which
 * machine it was, and not that anything became slower.
 */
function changesAmongLike(
  known: readonly Known[],
  direction: MetricHistory["direction"],
): Pick<MetricHistory, "changePoints"> {
  const newest = known.at(-1)?.entry;
  const like = known.flatMap((each, index) => {
    const { name, profile, environmentFingerprint } = each.entry;
    const isLike =
      name === newest?.name && profile === newest.profile && environmentFingerprint === newest.environmentFingerprint;
    return isLike ? [{ index, point: pointOf(each) }] : [];
  });
  const { changePoints } = changesIn(
    like.map(({ point }) => point),
    direction,
  );
  if (!changePoints) return {};
  return {
    changePoints: changePoints.map((change) => ({ ...change, index: like[change.index]?.index ?? change.index })),
  };
}

/** All runs by the number that points of series have. */
export const entriesOf = (history: History): ReadonlyMap<number, RunEntry> =>
  new Map(history.runs().map((entry) => [entry.ordinal, entry]));
