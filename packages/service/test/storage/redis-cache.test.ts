import { ManualClock, ms } from "@mettle/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TwoLevelCache } from "../../src/storage/cache.ts";
import { RedisCache } from "../../src/storage/redis-cache.ts";
import { hasRedis, TestRedis } from "./redis-server.ts";

const minute = ms(60_000);

/** On a clock that stands still: however busy the machine is, nothing is late. */
async function connected(redis: TestRedis): Promise<RedisCache> {
  const cache = new RedisCache(redis.url, new ManualClock());
  while (!cache.ready) await new Promise(setImmediate);
  return cache;
}

test("without Redis every call fails at once, and the cache above it works on", async () => {
  await using shared = new RedisCache("redis://127.0.0.1:1", new ManualClock());
  await expect(shared.get("k")).rejects.toThrow();
  using cache = new TwoLevelCache<number>({ max: 10, lifetime: minute, absentLifetime: ms(0), shared });
  expect(await cache.get("k", async () => 7)).toBe(7);
  expect(cache.statistics).toMatchObject({ misses: 1, sharedErrors: 2 });
});

describe.skipIf(!hasRedis)("with Redis", () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await TestRedis.start();
  });
  afterAll(async () => redis[Symbol.asyncDispose]());

  test("S4-129 what one instance loaded, another finds in the shared level; an invalidation reaches it by key, prefix or tag", async () => {
    await using shared = await connected(redis);
    let loads = 0;
    const load = async (): Promise<string> => `loaded ${++loads}`;
    const instance = (): TwoLevelCache<string> =>
      new TwoLevelCache({ max: 1000, lifetime: minute, sharedLifetime: ms(300_000), absentLifetime: minute, shared });
    using a = instance();
    expect(await a.get("u:1", load, ["t"])).toBe("loaded 1");
    using b = instance();
    expect(await b.get("u:1", load)).toBe("loaded 1");
    expect(b.statistics).toMatchObject({ sharedHits: 1, misses: 0 });
    for (const [n, what] of [{ key: "u:1" }, { prefix: "u" }, { tag: "t" }].entries()) {
      await a.invalidate(what);
      using fresh = instance();
      expect(await fresh.get("u:1", load, ["t"])).toBe(`loaded ${n + 2}`);
    }
    // One call may do without either level.
    expect(await a.get("u:1", load, [], { local: false, shared: false })).toBe("loaded 5");
    expect(await a.get("u:1", load, [], { local: false })).toBe("loaded 4");
  });

  test("that there is none is shared too; characters of patterns mean themselves", async () => {
    await using shared = await connected(redis);
    await shared.set("a*b", "1", minute, []);
    await shared.set("a?b", "2", minute, []);
    await shared.set("a[b]", "", minute, []);
    await shared.drop({ prefix: "a*" });
    expect(await Promise.all(["a*b", "a?b", "a[b]"].map((key) => shared.get(key)))).toEqual([undefined, "2", ""]);
    await shared.drop({ prefix: "a[" });
    expect(await shared.get("a[b]")).toBeUndefined();
  });

  test("entries end with their lifetime", async () => {
    await using shared = await connected(redis);
    await shared.set("brief", "1", ms(20), []);
    let found: string | undefined = "1";
    while (found !== undefined) found = await shared.get("brief");
    expect(found).toBeUndefined();
  });

  test("a prefix of many keys is dropped as a whole, and nothing else", async () => {
    await using shared = await connected(redis);
    const keys = Array.from({ length: 3000 }, (_, i) => `many:${i}`);
    await Promise.all([...keys, "other"].map((key) => shared.set(key, "x", minute, [])));
    await shared.drop({ prefix: "many:" });
    expect((await Promise.all(keys.map((key) => shared.get(key)))).filter((text) => text !== undefined)).toEqual([]);
    expect(await shared.get("other")).toBe("x");
  });

  test("a Redis that hangs holds nobody up, and is asked again later; one that is killed comes back", async () => {
    const clock = new ManualClock();
    await using shared = new RedisCache(redis.url, clock);
    while (!shared.ready) await new Promise(setImmediate);
    redis.signal("SIGSTOP");
    for (let i = 0; i < 5; i++) {
      const asked = shared.get("k");
      asked.catch(() => undefined);
      await clock.advance(ms(250));
      await expect(asked).rejects.toThrow("within 250 ms");
    }
    await expect(shared.get("k")).rejects.toMatchObject({ code: "BREAKER_OPEN" });
    redis.signal("SIGCONT");
    await clock.advance(ms(31_000));
    expect(await shared.get("k")).toBeUndefined();
    await redis.kill();
    while (shared.ready) await new Promise(setImmediate);
    await expect(shared.get("k")).rejects.toThrow();
    await redis.start();
    while (!shared.ready) await new Promise(setImmediate);
    await shared.set("k", "back", minute, []);
    expect(await shared.get("k")).toBe("back");
  });
});
