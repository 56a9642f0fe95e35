import { CircuitBreaker } from "@mettle/agents";
import { type Clock, type Milliseconds, ms } from "@mettle/core";
import type { Invalidation, SharedCache } from "./cache.ts";
import { RedisCluster } from "./redis-cluster.ts";
import { type RedisKeys, type RedisTold, SingleRedis } from "./redis-keys.ts";

/** A cache that takes longer is no help. */
const answerWithin = ms(250);
const dropWithin = ms(5000);
/** The keys of a tag are known for as long, counted from the last that was added. */
const tagLifetimeMs = 3_600_000;
const entryPrefix = "mettle:entry:";
const tagPrefix = "mettle:tag:";

/**
 * The level of a cache that instances share, in Redis. While Redis is away or does not answer, every call fails at once:
 * the cache goes on with its own level alone, and tries Redis again from time to time.
 */
export class RedisCache implements SharedCache, AsyncDisposable {
  readonly #keys: RedisKeys;
  readonly #clock: Clock;
  readonly #breaker: CircuitBreaker;

  /**
   * Begins to connect; it need not succeed.
   *
   * @param url - of one server; several with commas between them are nodes of a cluster
   */
  constructor(url: string, clock: Clock, told: RedisTold = {}) {
    this.#clock = clock;
    this.#breaker = new CircuitBreaker({ clock });
    const urls = url.split(",");
    this.#keys = urls.length > 1 ? new RedisCluster(urls, clock, told) : new SingleRedis(url, told);
  }

  get ready(): boolean {
    return this.#keys.ready;
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.#within(answerWithin, () => this.#keys.get(entryPrefix + key))) ?? undefined;
  }

  async set(key: string, text: string, lifetime: Milliseconds, tags: readonly string[]): Promise<void> {
    await this.#within(answerWithin, () =>
      this.#keys.set(entryPrefix + key, text, lifetime, {
        sets: tags.map((tag) => tagPrefix + tag),
        member: key,
        lifetime: ms(Math.max(tagLifetimeMs, lifetime)),
      }),
    );
  }

  async drop(what: Invalidation): Promise<void> {
    await this.#within(dropWithin, async () => {
      if ("key" in what) await this.#keys.unlink([entryPrefix + what.key]);
      else if ("tag" in what) await this.#dropTag(tagPrefix + what.tag);
      else await this.#dropPrefix(entryPrefix + what.prefix);
    });
  }

  async #dropTag(tagKey: string): Promise<void> {
    const keys = await this.#keys.members(tagKey);
    await this.#keys.unlink([tagKey, ...keys.map((key) => entryPrefix + key)]);
  }

  async #dropPrefix(prefix: string): Promise<void> {
    const pattern = `${prefix.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)}*`;
    for await (const keys of this.#keys.scan(pattern)) {
      if (keys.length > 0) await this.#keys.unlink(keys);
    }
  }

  async #within<T>(limit: Milliseconds, work: () => Promise<T>): Promise<T> {
    return this.#breaker.run(async () => {
      const over = new AbortController();
      const late = this.#clock.sleep(limit, over.signal).then(
        () => Promise.reject(new Error(`Redis did not answer within ${limit} ms`)),
        () => new Promise<never>(() => undefined), // the answer came first
      );
      try {
        return await Promise.race([work(), late]);
      } finally {
        over.abort();
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#keys[Symbol.asyncDispose]();
  }
}
