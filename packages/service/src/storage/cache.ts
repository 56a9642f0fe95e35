import { type Clock, type Milliseconds, ns } from "@mettle/core";
import { LRUCache } from "lru-cache";
import type { DurationHistogram } from "../telemetry/duration-histogram.ts";

/** A second level that several instances share. What it throws counts as a miss: a cache never fails a request. */
export interface SharedCache {
  /** The text under the key, or undefined. */
  get(key: string): Promise<string | undefined>;
  set(key: string, text: string, lifetime: Milliseconds, tags: readonly string[]): Promise<void>;
  drop(what: Invalidation): Promise<void>;
}

/** What to forget: one key, all that begin so, or all that were stored with a tag. */
export type Invalidation = { readonly key: string } | { readonly prefix: string } | { readonly tag: string };

/** How instances tell one another what to forget. */
export interface InvalidationNews {
  tell(what: Invalidation): void;
  /** @returns the end of listening */
  listen(heard: (what: Invalidation) => void): () => void;
}

export interface CacheOptions {
  /** Entries in this process. */
  readonly max: number;
  readonly lifetime: Milliseconds;
  /** In the shared level; as here unless given. */
  readonly sharedLifetime?: Milliseconds;
  /** How long "there is none" is remembered; 0 for not at all. */
  readonly absentLifetime: Milliseconds;
  readonly shared?: SharedCache;
  readonly news?: InvalidationNews;
  /** Monotonic ms. */
  readonly now?: () => number;
  /** Where times of finding an entry here are recorded. */
  readonly lookups?: { readonly times: DurationHistogram; readonly clock: Clock };
}

/** Which levels one call uses; both unless told otherwise. */
export interface CacheLevels {
  readonly local?: boolean;
  readonly shared?: boolean;
}

export interface CacheStatistics {
  readonly entries: number;
  /** Found in this process, in the shared level, or found to be absent. */
  readonly hits: number;
  readonly sharedHits: number;
  readonly absentHits: number;
  readonly misses: number;
  readonly evictions: number;
  readonly sharedErrors: number;
}

interface Entry<V> {
  readonly value: V | undefined;
  readonly tags: readonly string[];
}

interface Load {
  readonly tags: readonly string[];
  /** Invalidated while it was under way: its result is from before, and not kept. */
  stale: boolean;
}

/**
 * A cache in two levels: this process's, and one that instances share. Any value may be cached, also `false`, `0` and
 * `""`; that there is none is a result of its own (T-24). Callers that miss together load once.
 */
export class TwoLevelCache<V extends {} | null> implements Disposable {
  readonly #entries: LRUCache<string, Entry<V>>;
  readonly #byTag = new Map<string, Set<string>>();
  readonly #loads = new Map<string, { readonly load: Load; readonly promise: Promise<V | undefined> }>();
  readonly #options: CacheOptions;
  readonly #stopListening: (() => void) | undefined;
  readonly #counts = { hits: 0, sharedHits: 0, absentHits: 0, misses: 0, evictions: 0, sharedErrors: 0 };

  constructor(options: CacheOptions) {
    this.#options = options;
    const { now } = options;
    this.#entries = new LRUCache({
      max: options.max,
      ...(now && { perf: { now }, ttlResolution: 0 }),
      dispose: ({ tags }, key, reason) => {
        for (const tag of tags) this.#untag(tag, key);
        if (reason === "evict") this.#counts.evictions += 1;
      },
    });
    this.#stopListening = options.news?.listen((what) => this.#forget(what));
  }

  get statistics(): CacheStatistics {
    return { entries: this.#entries.size, ...this.#counts };
  }

  /**
   * The value under the key, from the nearest level that has it, else as loaded.
   *
   * @param load - undefined when there is none; what it throws is thrown, and nothing is kept
   * @param tags - by which the entry can be invalidated later
   */
  async get(
    key: string,
    load: () => Promise<V | undefined>,
    tags: readonly string[] = [],
    levels: CacheLevels = {},
  ): Promise<V | undefined> {
    const { local = true, shared = true } = levels;
    if (!local) return this.#loadShared(key, load, tags, shared);
    const { lookups } = this.#options;
    const from = lookups?.clock.now();
    const entry = this.#entries.get(key);
    if (entry) {
      if (lookups && from !== undefined) lookups.times.record(ns(lookups.clock.now() - from));
      if (entry.value === undefined) this.#counts.absentHits += 1;
      else this.#counts.hits += 1;
      return entry.value;
    }
    const running = this.#loads.get(key);
    if (running) return running.promise;
    const started: Load = { tags, stale: false };
    const promise = this.#load(key, load, started, shared);
    this.#loads.set(key, { load: started, promise });
    try {
      return await promise;
    } finally {
      if (this.#loads.get(key)?.load === started) this.#loads.delete(key);
    }
  }

  /** Past this process's level, where nothing is looked up, kept or waited for. */
  async #loadShared(
    key: string,
    load: () => Promise<V | undefined>,
    tags: readonly string[],
    useShared: boolean,
  ): Promise<V | undefined> {
    const shared = useShared ? await this.#fromShared(key) : undefined;
    if (shared) return shared.value;
    const value = await load();
    if (useShared) await this.#toShared(key, value, tags);
    return value;
  }

  async #load(
    key: string,
    load: () => Promise<V | undefined>,
    started: Load,
    useShared: boolean,
  ): Promise<V | undefined> {
    const { tags } = started;
    const shared = useShared ? await this.#fromShared(key) : undefined;
    const value = shared ? shared.value : await load();
    if (started.stale) return value;
    this.#keep(key, value, tags);
    if (shared) this.#counts[value === undefined ? "absentHits" : "sharedHits"] += 1;
    else {
      this.#counts.misses += 1;
      if (useShared) await this.#toShared(key, value, tags);
    }
    return value;
  }

  #keep(key: string, value: V | undefined, tags: readonly string[]): void {
    const { lifetime, absentLifetime } = this.#options;
    const ttl = value === undefined ? absentLifetime : lifetime;
    if (ttl <= 0) return;
    this.#entries.set(key, { value, tags }, { ttl });
    for (const tag of tags) {
      const keys = this.#byTag.get(tag) ?? new Set();
      keys.add(key);
      this.#byTag.set(tag, keys);
    }
  }

  async #fromShared(key: string): Promise<{ readonly value: V | undefined } | undefined> {
    return this.#attempt(async (shared) => {
      const text = await shared.get(key);
      if (text === undefined) return undefined;
      return { value: text === "" ? undefined : (JSON.parse(text) as V) };
    });
  }

  async #toShared(key: string, value: V | undefined, tags: readonly string[]): Promise<void> {
    const { lifetime, sharedLifetime = lifetime, absentLifetime } = this.#options;
    const ttl = value === undefined ? absentLifetime : sharedLifetime;
    if (ttl <= 0) return;
    // No JSON is empty: the empty text says that there is none.
    await this.#attempt((shared) => shared.set(key, value === undefined ? "" : JSON.stringify(value), ttl, tags));
  }

  async #attempt<T>(work: (shared: SharedCache) => Promise<T>): Promise<T | undefined> {
    const { shared } = this.#options;
    if (!shared) return undefined;
    try {
      return await work(shared);
    } catch {
      this.#counts.sharedErrors += 1; // shown by /metrics; the request goes on without
      return undefined;
    }
  }

  /** Forgets here, in the shared level and in all other instances. Loads under way keep nothing. */
  async invalidate(what: Invalidation): Promise<void> {
    this.#forget(what);
    await this.#attempt((shared) => shared.drop(what));
    this.#options.news?.tell(what);
  }

  #forget(what: Invalidation): void {
    const hits = (key: string, tags: readonly string[]): boolean =>
      "key" in what ? key === what.key : "tag" in what ? tags.includes(what.tag) : key.startsWith(what.prefix);
    for (const [key, { load }] of this.#loads) {
      if (!hits(key, load.tags)) continue;
      load.stale = true;
      this.#loads.delete(key); // who asks from now on asks for what is there now
    }
    if ("key" in what) this.#entries.delete(what.key);
    else if ("tag" in what) for (const key of this.#byTag.get(what.tag) ?? []) this.#entries.delete(key);
    else for (const key of this.#entries.keys()) if (key.startsWith(what.prefix)) this.#entries.delete(key);
  }

  #untag(tag: string, key: string): void {
    const keys = this.#byTag.get(tag);
    keys?.delete(key);
    if (keys?.size === 0) this.#byTag.delete(tag);
  }

  [Symbol.dispose](): void {
    this.#stopListening?.();
    this.#entries.clear();
  }
}
