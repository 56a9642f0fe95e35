import { CircuitBreaker } from "@mettle/agents";
import { type Clock, type Milliseconds, ms } from "@mettle/core";
import { createClient, type RedisClientType } from "@redis/client";
import type { Invalidation, SharedCache } from "./cache.ts";

/** A cache that takes longer is no help. */
const answerWithin = ms(250);
const dropWithin = ms(5000);
const reconnectAtMostMs = 5000;
const scannedAtOnce = 500;
/** The keys of a tag are known for as long, counted from the last that was added. */
const tagLifetimeMs = 3_600_000;
const entryPrefix = "mettle:entry:";
const tagPrefix = "mettle:tag:";

/**
 * The level of a cache that instances share, in Redis. While Redis is away or does not answer, every call fails at once:
 * the cache goes on with its own level alone, and tries Redis again from time to time.
 */
export class RedisCache implements SharedCache, AsyncDisposable {
  readonly #client: RedisClientType;
  readonly #clock: Clock;
  readonly #breaker: CircuitBreaker;
  readonly #connecting: Promise<unknown>;

  /** Begins to connect; it need not succeed. */
  constructor(url: string, clock: Clock, onTrouble?: (error: unknown) => void) {
    this.#clock = clock;
    this.#breaker = new CircuitBreaker({ clock });
    this.#client = createClient({
      url,
      disableOfflineQueue: true,
      socket: { reconnectStrategy: (retries) => Math.min(reconnectAtMostMs, 50 * 2 ** retries) },
    });
    let trouble = "";
    this.#client.on("error", (error: Error) => {
      if (error.message !== trouble) onTrouble?.(error); // each attempt fails alike: once is enough
      trouble = error.message;
    });
    this.#client.on("ready", () => (trouble = ""));
    this.#connecting = this.#client.connect().catch(() => undefined); // told by "error"
  }

  get ready(): boolean {
    return this.#client.isReady;
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.#within(answerWithin, () => this.#client.get(entryPrefix + key))) ?? undefined;
  }

  async set(key: string, text: string, lifetime: Milliseconds, tags: readonly string[]): Promise<void> {
    await this.#within(answerWithin, async () => {
      const all = this.#client.multi().set(entryPrefix + key, text, { expiration: { type: "PX", value: lifetime } });
      for (const tag of tags) {
        all.sAdd(tagPrefix + tag, key).pExpire(tagPrefix + tag, Math.max(tagLifetimeMs, lifetime));
      }
      await all.exec();
    });
  }

  async drop(what: Invalidation): Promise<void> {
    await this.#within(dropWithin, async () => {
      if ("key" in what) await this.#client.unlink(entryPrefix + what.key);
      else if ("tag" in what) await this.#dropTag(tagPrefix + what.tag);
      else await this.#dropPrefix(entryPrefix + what.prefix);
    });
  }

  async #dropTag(tagKey: string): Promise<void> {
    const keys = await this.#client.sMembers(tagKey);
    await this.#client.unlink([tagKey, ...keys.map((key) => entryPrefix + key)]);
  }

  async #dropPrefix(prefix: string): Promise<void> {
    const pattern = `${prefix.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)}*`;
    for await (const keys of this.#client.scanIterator({ MATCH: pattern, COUNT: scannedAtOnce })) {
      if (keys.length > 0) await this.#client.unlink(keys);
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
    this.#client.destroy();
    await this.#connecting;
  }
}
