import type { Milliseconds } from "@mettle/core";
import { refuseProblems, wholeAtLeast } from "../coordination/check-options.ts";

/** An entry that was found. Its value may be anything, `undefined` and `null` included (T-24). */
export interface Hit<Value> {
  readonly value: Value;
}

export interface CacheOptions {
  /** Entries kept; the one used longest ago goes first. */
  readonly capacity: number;
  /** How long an entry is good. @defaultValue for ever */
  readonly ttl?: Milliseconds;
  /** Monotonic milliseconds, such as `() => clock.now() / 1e6`; read only when there is a ttl. */
  readonly nowMs: () => number;
}

export interface CacheStatistics {
  readonly size: number;
  readonly hits: number;
  readonly misses: number;
  /** hits / (hits + misses); absent before the first look. */
  readonly hitRate: number | undefined;
  readonly evicted: number;
  readonly expired: number;
  readonly invalidated: number;
}

class Entry<Value> implements Hit<Value> {
  readonly key: string;
  value: Value;
  due: number;
  generation: number;
  tags: readonly string[] | undefined;
  newer: Entry<Value> | undefined = undefined;
  older: Entry<Value> | undefined = undefined;

  constructor(key: string, value: Value, due: number, generation: number, tags: readonly string[] | undefined) {
    this.key = key;
    this.value = value;
    this.due = due;
    this.generation = generation;
    this.tags = tags;
  }
}

/**
 * Bounded, least recently used first, with expiry and invalidation by key, prefix, tag, or of everything. A look is a map
 * access and four pointer writes.
 */
export class BoundedCache<Value> {
  readonly #capacity: number;
  readonly #ttl: number;
  readonly #nowMs: () => number;
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #tagged = new Map<string, Set<Entry<Value>>>();
  readonly #loading = new Map<string, Promise<Value>>();
  #newest: Entry<Value> | undefined;
  #oldest: Entry<Value> | undefined;
  /** Entries of an earlier generation count as absent: everything is invalidated in one step. */
  #generation = 0;
  /** Grows with each invalidation, so that a load begun before one is not kept. */
  #invalidations = 0;
  #hits = 0;
  #misses = 0;
  #evicted = 0;
  #expired = 0;
  #invalidated = 0;

  /** @throws MettleError `OPTIONS_INVALID` */
  constructor({ capacity, ttl = Infinity as Milliseconds, nowMs }: CacheOptions) {
    refuseProblems("Cache", [
      ...wholeAtLeast("capacity", capacity, 1),
      ...(ttl > 0 ? [] : [`ttl must be over 0 ms, got ${ttl}`]),
    ]);
    this.#capacity = capacity;
    this.#ttl = ttl;
    this.#nowMs = nowMs;
  }

  get statistics(): CacheStatistics {
    const looks = this.#hits + this.#misses;
    return {
      size: this.#entries.size,
      hits: this.#hits,
      misses: this.#misses,
      hitRate: looks === 0 ? undefined : this.#hits / looks,
      evicted: this.#evicted,
      expired: this.#expired,
      invalidated: this.#invalidated,
    };
  }

  /** Hot. The entry, or undefined when there is none: a value of undefined is a hit. */
  lookup(key: string): Hit<Value> | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || !this.#fresh(entry)) {
      this.#misses += 1;
      return undefined;
    }
    this.#hits += 1;
    if (entry !== this.#newest) {
      this.#unlink(entry);
      this.#link(entry);
    }
    return entry;
  }

  /** Puts a value in, in place of an older one. @param tags - by which it can be invalidated with others */
  set(key: string, value: Value, tags?: readonly string[]): void {
    const due = this.#ttl === Infinity ? Infinity : this.#nowMs() + this.#ttl;
    const known = this.#entries.get(key);
    if (known !== undefined) this.#remove(known);
    const entry = new Entry(key, value, due, this.#generation, tags);
    this.#entries.set(key, entry);
    this.#link(entry);
    for (const tag of tags ?? []) this.#tag(tag, entry);
    if (this.#entries.size > this.#capacity) {
      this.#remove(this.#oldest!);
      this.#evicted += 1;
    }
  }

  /** The value that is there, or the computed one, which is kept. */
  getOrCompute(key: string, compute: () => Value, tags?: readonly string[]): Value {
    const hit = this.lookup(key);
    if (hit !== undefined) return hit.value;
    const value = compute();
    this.set(key, value, tags);
    return value;
  }

  /**
   * As `getOrCompute` for a promise. Callers who ask for a key while it is being loaded wait for the same load. A failed load
   * is not kept, nor is one during which anything was invalidated: it may have read what is no longer so.
   */
  getOrLoad(key: string, load: () => Promise<Value>, tags?: readonly string[]): Promise<Value> {
    const hit = this.lookup(key);
    if (hit !== undefined) return Promise.resolve(hit.value);
    const underWay = this.#loading.get(key);
    if (underWay !== undefined) return underWay;
    const loading = this.#load(key, load, tags);
    this.#loading.set(key, loading);
    const ended = (): void => {
      if (this.#loading.get(key) === loading) this.#loading.delete(key);
    };
    loading.then(ended, ended);
    return loading;
  }

  async #load(key: string, load: () => Promise<Value>, tags?: readonly string[]): Promise<Value> {
    const begun = this.#invalidations;
    const value = await load();
    if (this.#invalidations === begun) this.set(key, value, tags);
    return value;
  }

  /** Puts in many at once, before they are asked for. */
  warm(entries: Iterable<readonly [key: string, value: Value]>): void {
    for (const [key, value] of entries) this.set(key, value);
  }

  /** @returns whether there was one */
  invalidate(key: string): boolean {
    this.#begin();
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    const fresh = this.#fresh(entry);
    if (fresh) this.#drop(entry);
    return fresh;
  }

  /** Looks at every key: O(size). @returns how many */
  invalidatePrefix(prefix: string): number {
    this.#begin();
    let count = 0;
    for (const [key, entry] of this.#entries) {
      if (!key.startsWith(prefix) || !this.#fresh(entry)) continue;
      this.#drop(entry);
      count += 1;
    }
    return count;
  }

  /** @returns how many */
  invalidateTag(tag: string): number {
    this.#begin();
    let count = 0;
    for (const entry of this.#tagged.get(tag) ?? []) {
      if (!this.#fresh(entry)) continue;
      this.#drop(entry);
      count += 1;
    }
    return count;
  }

  /** Everything, in one step: entries are let go as they are met, or pushed out by new ones. */
  invalidateAll(): void {
    this.#begin();
    this.#generation += 1;
  }

  /** An invalidation separates what was loaded before from what is loaded after. */
  #begin(): void {
    this.#invalidations += 1;
    this.#loading.clear();
  }

  /** Hot. Drops the entry when it is not. */
  #fresh(entry: Entry<Value>): boolean {
    if (entry.generation !== this.#generation) {
      this.#drop(entry);
      return false;
    }
    if (entry.due === Infinity || this.#nowMs() < entry.due) return true;
    this.#remove(entry);
    this.#expired += 1;
    return false;
  }

  #drop(entry: Entry<Value>): void {
    this.#remove(entry);
    this.#invalidated += 1;
  }

  #remove(entry: Entry<Value>): void {
    this.#entries.delete(entry.key);
    this.#unlink(entry);
    for (const tag of entry.tags ?? []) {
      const tagged = this.#tagged.get(tag);
      tagged?.delete(entry);
      if (tagged?.size === 0) this.#tagged.delete(tag);
    }
  }

  #tag(tag: string, entry: Entry<Value>): void {
    let tagged = this.#tagged.get(tag);
    if (tagged === undefined) this.#tagged.set(tag, (tagged = new Set()));
    tagged.add(entry);
  }

  #link(entry: Entry<Value>): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest !== undefined) this.#newest.newer = entry;
    this.#newest = entry;
    this.#oldest ??= entry;
  }

  #unlink(entry: Entry<Value>): void {
    if (entry.newer === undefined) this.#newest = entry.older;
    else entry.newer.older = entry.older;
    if (entry.older === undefined) this.#oldest = entry.newer;
    else entry.older.newer = entry.newer;
  }
}
