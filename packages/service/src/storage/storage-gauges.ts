import type { Gauge } from "../http/metrics.ts";
import type { TwoLevelCache } from "./cache.ts";
import type { Database } from "./database.ts";
import { NatsNews } from "./nats-news.ts";
import type { Bulletin } from "./news.ts";

/** What the pool and the caches tell at /metrics. */
export function storageGauges(
  database: Database,
  caches: Readonly<Record<string, Pick<TwoLevelCache<never>, "statistics">>>,
): readonly Gauge[] {
  const of = (read: (cache: Pick<TwoLevelCache<never>, "statistics">) => number) => (): Record<string, number> =>
    Object.fromEntries(Object.entries(caches).map(([name, cache]) => [name, read(cache)]));
  return [
    {
      name: "database_pool_connections",
      help: "Connections of the pool by state.",
      kind: "gauge",
      label: "state",
      read: () => {
        const { idle, inUse, max } = database.gauges;
        return { idle, in_use: inUse, max };
      },
    },
    {
      name: "database_pool_waiting",
      help: "Callers that wait for a connection.",
      kind: "gauge",
      read: () => database.gauges.waiting,
    },
    {
      name: "database_pool_utilization",
      help: "Connections in use as a share of the most.",
      kind: "gauge",
      read: () => database.gauges.utilization,
    },
    {
      name: "database_pool_acquired",
      help: "Connections handed out.",
      kind: "counter",
      read: () => database.gauges.acquired,
    },
    {
      name: "database_pool_acquire_timeouts",
      help: "Callers that found no connection in time.",
      kind: "counter",
      read: () => database.gauges.acquireTimeouts,
    },
    {
      name: "database_pool_acquire_seconds",
      help: "All waits for a connection together.",
      kind: "counter",
      read: () => database.gauges.acquireMs / 1000,
    },
    {
      name: "db_queries",
      help: "Statements that the database was given.",
      kind: "counter",
      read: () => database.gauges.queries,
    },
    {
      name: "db_query_errors",
      help: "Statements that failed.",
      kind: "counter",
      read: () => database.gauges.queryErrors,
    },
    {
      name: "cache_entries",
      help: "Entries of a cache in this process.",
      kind: "gauge",
      label: "cache",
      read: of(({ statistics }) => statistics.entries),
    },
    {
      name: "cache_hits",
      help: "Found in this process or the shared level.",
      kind: "counter",
      label: "cache",
      read: of(({ statistics: { hits, sharedHits, absentHits } }) => hits + sharedHits + absentHits),
    },
    {
      name: "cache_misses",
      help: "Loaded.",
      kind: "counter",
      label: "cache",
      read: of(({ statistics }) => statistics.misses),
    },
    {
      name: "cache_shared_errors",
      help: "Failures of the shared level, each a miss.",
      kind: "counter",
      label: "cache",
      read: of(({ statistics }) => statistics.sharedErrors),
    },
  ];
}

/** Whether news go by NATS; nothing where none is configured. */
export function newsGauges(wakeUps: Bulletin): readonly Gauge[] {
  if (!(wakeUps instanceof NatsNews)) return [];
  return [
    {
      name: "nats_connected",
      help: "1 while news between instances go by NATS, 0 while they go by the database.",
      kind: "gauge",
      read: () => (wakeUps.connected ? 1 : 0),
    },
  ];
}
