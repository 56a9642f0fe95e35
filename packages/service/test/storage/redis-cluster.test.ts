import { ManualClock, ms } from "@mettle/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TwoLevelCache } from "../../src/storage/cache.ts";
import { RedisCache } from "../../src/storage/redis-cache.ts";
import { TestRedisCluster } from "./redis-cluster-servers.ts";
import { hasRedis } from "./redis-server.ts";

const minute = ms(60_000);

test("a cluster of which no node is there: every call fails at once, and the cache above it works on", async () => {
  const troubles: unknown[] = [];
  const onTrouble = (error: unknown): unknown => troubles.push(error);
  await using shared = new RedisCache("redis://127.0.0.1:1,redis://127.0.0.1:2", new ManualClock(), { onTrouble });
  await expect(shared.get("k")).rejects.toThrow();
  using cache = new TwoLevelCache<number>({ max: 10, lifetime: minute, absentLifetime: ms(0), shared });
  expect(await cache.get("k", async () => 7)).toBe(7);
});

describe.skipIf(!hasRedis)("a cluster of three masters and their replicas (S4-134)", () => {
  let cluster: TestRedisCluster;
  beforeAll(async () => {
    cluster = await TestRedisCluster.start();
  });
  afterAll(async () => cluster?.[Symbol.asyncDispose]());

  /** On a clock that stands still: however busy the machine is, nothing is late. */
  const connected = async (told: ConstructorParameters<typeof RedisCache>[2] = {}): Promise<RedisCache> => {
    const cache = new RedisCache(cluster.url, new ManualClock(), told);
    while (!cache.ready) await new Promise(setImmediate);
    return cache;
  };

  test("nodes that are reached are told of, those that are not named too", async () => {
    const reached = new Set<string>();
    await using shared = await connected({ onNode: (address, change) => change === "added" && reached.add(address) });
    const all = cluster.ports.map((port) => `127.0.0.1:${port}`).toSorted();
    // Replicas are connected to when they are first read from.
    while (reached.size < all.length) await Promise.all(Array.from({ length: 30 }, (_, i) => shared.get(`any:${i}`)));
    expect([...reached].toSorted()).toEqual(all);
  });

  test("entries lie on all masters; one that was dropped by key, prefix or tag is given by no node, replicas included", async () => {
    await using shared = await connected();
    const keys = Array.from({ length: 60 }, (_, i) => `u:${i}`);
    for (const what of [{ key: "u:7" }, { prefix: "u:" }, { tag: "t" }]) {
      await Promise.all(keys.map((key) => shared.set(key, "text", minute, ["t"])));
      const { masters } = await cluster.roles();
      for (const port of masters) expect(Number(await cluster.ask(port, "DBSIZE"))).toBeGreaterThan(0);
      await shared.drop(what);
      // Reads go to masters and replicas by turns: enough of them to meet each.
      for (let i = 0; i < 4; i++) {
        const found = await Promise.all(keys.map((key) => shared.get(key)));
        const left = found.filter((text) => text !== undefined).length;
        if ("key" in what) expect(await shared.get(what.key)).toBeUndefined();
        else expect(left).toBe(0);
      }
    }
  });

  test("replicas are read from", async () => {
    await using shared = await connected();
    await shared.set("read", "text", minute, []);
    await shared.drop({ key: "another" }); // waits for replicas
    const { replicas } = await cluster.roles();
    const reads = async (): Promise<number> => {
      const said = await Promise.all(replicas.map((port) => cluster.ask(port, "INFO", "commandstats")));
      return said.reduce((sum, text) => sum + Number(/cmdstat_get:calls=(\d+)/.exec(text)?.[1] ?? 0), 0);
    };
    const before = await reads();
    for (let i = 0; i < 10; i++) expect(await shared.get("read")).toBe("text");
    expect(await reads()).toBeGreaterThan(before);
  });

  test("a node that is lost is told of, and what the others hold is still there", async () => {
    const lost: string[] = [];
    await using shared = await connected({ onNode: (address, change) => change === "removed" && lost.push(address) });
    const keys = Array.from({ length: 30 }, (_, i) => `kept:${i}`);
    await Promise.all(keys.map((key) => shared.set(key, "text", minute, [])));
    const { replicas } = await cluster.roles();
    await cluster.kill(replicas[0]!);
    while (lost.length === 0) await new Promise(setImmediate);
    expect(lost).toEqual([`127.0.0.1:${replicas[0]}`]);
    const found = await Promise.allSettled(keys.map((key) => shared.get(key)));
    expect(found.filter(({ status }) => status === "fulfilled").length).toBeGreaterThan(10);
  });
});
