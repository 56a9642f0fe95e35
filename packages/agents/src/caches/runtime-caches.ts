import { ms } from "@mettle/core";
import { BoundedCache, type CacheOptions, type CacheStatistics } from "./bounded-cache.ts";

export type CacheName = "validation" | "routes" | "idempotent" | "templates";

/** The caches of a runtime and how long their entries are good (S1-021). */
export const cacheDefaults: Readonly<Record<CacheName, Omit<CacheOptions, "nowMs">>> = {
  /** Values that a schema has passed. */
  validation: { capacity: 10_000, ttl: ms(300_000) },
  /** Subscribers by signal type. */
  routes: { capacity: 10_000, ttl: ms(60_000) },
  /** Results by idempotency key: the same request again gets the same answer, also while the first one runs. */
  idempotent: { capacity: 10_000, ttl: ms(30_000) },
  /** Prepared signals and instructions; invalidated when their source changes, not by time. */
  templates: { capacity: 1000 },
};

export type RuntimeCaches = { readonly [Name in CacheName]: BoundedCache<unknown> };

export function createCaches(
  nowMs: () => number,
  options: { readonly [Name in CacheName]?: Partial<Omit<CacheOptions, "nowMs">> } = {},
): RuntimeCaches {
  const make = (name: CacheName): BoundedCache<unknown> =>
    new BoundedCache({ ...cacheDefaults[name], ...options[name], nowMs });
  return {
    validation: make("validation"),
    routes: make("routes"),
    idempotent: make("idempotent"),
    templates: make("templates"),
  };
}

/** Statistics of all caches, by name. */
export function cacheStatistics(caches: RuntimeCaches): Record<CacheName, CacheStatistics> {
  return {
    validation: caches.validation.statistics,
    routes: caches.routes.statistics,
    idempotent: caches.idempotent.statistics,
    templates: caches.templates.statistics,
  };
}
