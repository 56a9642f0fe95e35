import type { Target } from "@mettle/judge";
import type { Measurement } from "@mettle/results";
import {
  addDurations,
  type DurationCounts,
  durationsSince,
  type Labels,
  type MetricsSnapshot,
  summaryOfDurations,
} from "./open-metrics.ts";

/** A part of the service whose times it tells itself, under the load that it is promised for. */
interface Component {
  readonly metric: string;
  /** Of the histogram at /metrics. */
  readonly source: string;
  readonly labels?: Labels;
  readonly requirement: readonly string[];
  readonly limits: readonly Limit[];
}

interface Limit {
  readonly operation: string;
  readonly requirement: readonly string[];
  /** @defaultValue p95 */
  readonly statistic?: string;
  /** What S4 asks for. */
  readonly high: string;
  /** What our own service shall reach on two shared cores: the target of phase 3. */
  readonly ours?: string;
}

/** S4-080 … S4-104, as far as a service can time them itself. */
export const components: readonly Component[] = [
  {
    metric: "service.gateway.routing",
    source: "gateway_routing_seconds",
    requirement: ["S4-080"],
    limits: [
      { operation: "Routing, median", requirement: ["S4-080"], statistic: "p50", high: "5ms", ours: "2ms" },
      { operation: "Routing", requirement: ["S4-080"], high: "15ms", ours: "8ms" },
      { operation: "Routing, one in a hundred", requirement: ["S4-080"], statistic: "p99", high: "50ms" },
    ],
  },
  {
    metric: "service.gateway.token-validation",
    source: "gateway_token_validation_seconds",
    requirement: ["S4-082"],
    limits: [{ operation: "Token validation", requirement: ["S4-082"], high: "10ms", ours: "1ms" }],
  },
  {
    metric: "service.gateway.rate-limit",
    source: "gateway_rate_limit_seconds",
    requirement: ["S4-084", "S4-085"],
    limits: [
      { operation: "Rate limit, enforced", requirement: ["S4-084"], high: "1ms", ours: "0.1ms" },
      // The rule is evaluated within the enforcement: the whole is an upper bound of its part.
      { operation: "Rate limit, rule evaluated", requirement: ["S4-085"], high: "0.5ms" },
    ],
  },
  {
    metric: "service.execution.queue",
    source: "execution_queue_seconds",
    requirement: ["S4-088"],
    limits: [{ operation: "Waiting in the queue", requirement: ["S4-088"], high: "100ms", ours: "20ms" }],
  },
  {
    metric: "service.execution.scheduling",
    source: "execution_scheduling_seconds",
    requirement: ["S4-089"],
    limits: [{ operation: "Scheduling", requirement: ["S4-089"], high: "50ms", ours: "10ms" }],
  },
  {
    metric: "service.execution.switch",
    source: "execution_switch_seconds",
    requirement: ["S4-091"],
    limits: [{ operation: "Switching between executions", requirement: ["S4-091"], high: "10ms" }],
  },
  {
    metric: "service.execution.persistence",
    source: "execution_persistence_seconds",
    requirement: ["S4-094"],
    limits: [{ operation: "Persisting state", requirement: ["S4-094"], high: "20ms", ours: "10ms" }],
  },
  {
    metric: "service.execution.retrieval",
    source: "execution_retrieval_seconds",
    requirement: ["S4-095"],
    limits: [{ operation: "Retrieving state", requirement: ["S4-095"], high: "10ms", ours: "3ms" }],
  },
  {
    metric: "service.knowledge.similarity",
    source: "knowledge_similarity_seconds",
    requirement: ["S4-096"],
    limits: [{ operation: "Similarity search", requirement: ["S4-096"], high: "500ms", ours: "10ms" }],
  },
  {
    metric: "service.knowledge.embedding",
    source: "knowledge_embedding_seconds",
    requirement: ["S4-099"],
    limits: [{ operation: "Text to vector", requirement: ["S4-099"], high: "200ms" }],
  },
  {
    metric: "service.knowledge.context",
    source: "knowledge_context_seconds",
    requirement: ["S4-101"],
    limits: [{ operation: "Context assembly", requirement: ["S4-101"], high: "300ms" }],
  },
  {
    metric: "service.knowledge.scoring",
    source: "knowledge_scoring_seconds",
    requirement: ["S4-102"],
    limits: [{ operation: "Relevance scoring", requirement: ["S4-102"], high: "50ms" }],
  },
  {
    metric: "service.cache.lookup",
    source: "cache_lookup_seconds",
    requirement: ["S4-104"],
    limits: [{ operation: "Cache lookup", requirement: ["S4-104"], high: "5ms", ours: "0.5ms" }],
  },
  {
    metric: "service.database.acquisition",
    source: "db_connection_acquisition_time",
    requirement: ["S4-133"],
    limits: [],
  },
  { metric: "service.database.query", source: "db_query_duration", requirement: ["S4-133"], limits: [] },
];

/** What each is held to. Phases 1 and 2 are S4's figures; phase 3 is ours where it is stricter. */
export const componentTargets: readonly Target[] = components.flatMap(({ metric, limits }) =>
  limits.map(
    ({ operation, requirement, statistic, high, ours = high }): Target => ({
      operation,
      metric,
      requirement,
      ...(statistic !== undefined && { statistic }),
      phases: { 1: { high }, 2: { high }, 3: { high: ours } },
    }),
  ),
);

/** A share of lookups that need not do the work, from counters. */
interface HitRate {
  readonly metric: string;
  readonly hits: readonly [name: string, labels: Labels];
  readonly misses: readonly [name: string, labels: Labels];
  readonly requirement: readonly string[];
}

const hitRates: readonly HitRate[] = [
  {
    metric: "service.gateway.token-cache.hits",
    hits: ["auth_tokens_total", { by: "cache" }],
    misses: ["auth_tokens_total", { by: "signature" }],
    requirement: ["S4-083"],
  },
  {
    metric: "service.knowledge.cache.hits",
    hits: ["cache_hits_total", { cache: "knowledge" }],
    misses: ["cache_misses_total", { cache: "knowledge" }],
    requirement: ["S4-103"],
  },
];

/** What the parts of a service did in some stretches of time, added up. */
export class ComponentTimes {
  readonly #times = new Map<string, DurationCounts>();
  readonly #hits = new Map<string, { hits: number; all: number }>();

  /**
   * Takes what happened between two readings.
   *
   * @param steady - whether users came back as often as they do: of sessions that are cut short only the beginnings are seen,
   *   which no cache can help
   */
  add(before: MetricsSnapshot, after: MetricsSnapshot, steady: boolean): void {
    for (const { metric, source, labels = {} } of components) {
      const now = after.durations(source, labels);
      const since = now && durationsSince(before.durations(source, labels), now);
      if (since) this.#times.set(metric, addDurations(this.#times.get(metric), since));
    }
    for (const { metric, hits, misses } of steady ? hitRates : []) {
      const [hit, missed] = [hits, misses].map(([name, labels]) => {
        const [from, to] = [before.value(name, labels) ?? 0, after.value(name, labels)];
        return to === undefined || to < from ? undefined : to - from;
      });
      if (hit === undefined || missed === undefined) continue;
      const sum = this.#hits.get(metric) ?? { hits: 0, all: 0 };
      this.#hits.set(metric, { hits: sum.hits + hit, all: sum.all + hit + missed });
    }
  }

  /** Those that anything was seen of. @param tags - of all */
  measurements(tags: Measurement["tags"]): readonly Measurement[] {
    const times = components.flatMap(({ metric, requirement }): Measurement[] => {
      const counts = this.#times.get(metric);
      if (!counts || counts.count === 0) return [];
      return [
        {
          metric,
          unit: "ns",
          direction: "lower",
          tags,
          summary: summaryOfDurations(counts),
          requirement,
          notes: ["from the service's own histogram: each percentile is the upper bound of its bucket"],
        },
      ];
    });
    const shares = hitRates.flatMap(({ metric, requirement }): Measurement[] => {
      const sum = this.#hits.get(metric);
      if (!sum || sum.all === 0) return [];
      return [
        {
          metric,
          unit: "1",
          direction: "higher",
          tags,
          summary: { count: sum.all, rate: sum.hits / sum.all },
          requirement,
        },
      ];
    });
    return [...times, ...shares];
  }
}
