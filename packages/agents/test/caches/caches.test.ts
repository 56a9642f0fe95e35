import { ms } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BoundedCache, cacheDefaults, cacheStatistics, createCaches } from "../../src/index.ts";

function setUp(capacity = 3, ttl?: number) {
  const time = { now: 0 };
  const cache = new BoundedCache<unknown>({
    capacity,
    nowMs: () => time.now,
    ...(ttl !== undefined && { ttl: ms(ttl) }),
  });
  return { time, cache };
}

describe("BoundedCache (S1-021)", () => {
  test.each([[undefined], [null], [0], [""], [false], [Number.NaN]])("%s is a value, not a miss", (value) => {
    const { cache } = setUp();
    cache.set("key", value);
    expect(cache.lookup("key")?.value).toBe(value);
    expect(cache.getOrCompute("key", () => "computed")).toBe(value);
    expect(cache.statistics).toMatchObject({ hits: 2, misses: 0, hitRate: 1 });
  });

  test("nothing is known of a hit rate before the first look", () => {
    expect(setUp().cache.statistics.hitRate).toBeUndefined();
  });

  const step = fc.oneof(
    fc.record({
      do: fc.constant("set" as const),
      key: fc.constantFrom("a", "b", "ab", "abc", "c"),
      tag: fc.constantFrom("x", "y", undefined),
    }),
    fc.record({ do: fc.constant("lookup" as const), key: fc.constantFrom("a", "b", "ab", "abc", "c") }),
    fc.record({ do: fc.constant("key" as const), key: fc.constantFrom("a", "ab") }),
    fc.record({ do: fc.constant("prefix" as const), key: fc.constantFrom("a", "ab", "") }),
    fc.record({ do: fc.constant("tag" as const), key: fc.constantFrom("x", "y") }),
    fc.record({ do: fc.constant("all" as const) }),
    fc.record({ do: fc.constant("wait" as const), for: fc.nat(60) }),
  );

  test("does what a list of entries does, searched from end to end", () => {
    interface Kept {
      key: string;
      value: number;
      due: number;
      tag: string | undefined;
    }
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (steps, capacity) => {
        const { time, cache } = setUp(capacity, 100);
        /** Least recently used first. Expired entries stay until they are met, as they take room until then. */
        let model: Kept[] = [];
        const fresh = (entry: Kept): boolean => time.now < entry.due;
        for (const [i, one] of steps.entries()) {
          if (one.do === "set") {
            cache.set(one.key, i, one.tag === undefined ? undefined : [one.tag]);
            model = model.filter(({ key }) => key !== one.key);
            model.push({ key: one.key, value: i, due: time.now + 100, tag: one.tag });
            if (model.length > capacity) model.shift();
          } else if (one.do === "lookup") {
            const found = model.find(({ key }) => key === one.key);
            model = model.filter((entry) => entry !== found);
            expect(cache.lookup(one.key)?.value).toBe(found && fresh(found) ? found.value : undefined);
            if (found && fresh(found)) model.push(found);
          } else if (one.do === "wait") time.now += one.for;
          else if (one.do === "all") {
            cache.invalidateAll();
            for (const entry of model) entry.due = -1;
          } else {
            const hit = ({ key, tag }: Kept): boolean =>
              one.do === "key" ? key === one.key : one.do === "prefix" ? key.startsWith(one.key) : tag === one.key;
            const gone = model.filter((entry) => hit(entry) && fresh(entry)).length;
            model = model.filter((entry) => !hit(entry));
            if (one.do === "key") expect(cache.invalidate(one.key)).toBe(gone === 1);
            else if (one.do === "prefix") expect(cache.invalidatePrefix(one.key)).toBe(gone);
            else expect(cache.invalidateTag(one.key)).toBe(gone);
          }
          expect(cache.statistics.size).toBeLessThanOrEqual(capacity);
          expect(cache.statistics.size).toBe(model.length);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("what is invalidated leaves the others alone (T-24)", () => {
    const { cache } = setUp(10);
    cache.set("user:1", 1, ["users"]);
    cache.set("user:2", 2, ["users", "admins"]);
    cache.set("order:1", 3);
    expect(cache.invalidate("user:1")).toBe(true);
    expect(cache.invalidateTag("admins")).toBe(1);
    expect(cache.invalidateTag("users")).toBe(0);
    expect(cache.invalidatePrefix("user:")).toBe(0);
    expect(cache.lookup("order:1")?.value).toBe(3);
    expect(cache.statistics).toMatchObject({ size: 1, invalidated: 2 });
  });

  test("expiry, eviction and hits are counted apart", () => {
    const { time, cache } = setUp(2, 50);
    cache.warm([
      ["a", 1],
      ["b", 2],
      ["c", 3],
    ]);
    time.now = 50;
    expect(cache.lookup("c")).toBeUndefined();
    expect(cache.lookup("a")).toBeUndefined();
    expect(cache.statistics).toMatchObject({ evicted: 1, expired: 1, misses: 2, hits: 0, hitRate: 0 });
  });

  test("callers who ask while a load runs share it; a failed load is tried again", async () => {
    const { cache } = setUp();
    let loads = 0;
    const load = async (): Promise<number> => {
      loads += 1;
      if (loads === 1) throw new Error("down");
      return loads;
    };
    const first = await Promise.allSettled([cache.getOrLoad("k", load), cache.getOrLoad("k", load)]);
    expect(first.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await Promise.all([cache.getOrLoad("k", load), cache.getOrLoad("k", load)])).toEqual([2, 2]);
    expect(await cache.getOrLoad("k", load)).toBe(2);
    const thrown = cache.getOrLoad("other", () => {
      throw new Error("at once");
    });
    await expect(thrown).rejects.toThrow("at once");
    expect(await cache.getOrLoad("other", async () => 5)).toBe(5);
  });

  test("a load that an invalidation overtook is not kept", async () => {
    const { cache } = setUp();
    const { promise, resolve } = Promise.withResolvers<string>();
    const stale = cache.getOrLoad("k", () => promise);
    cache.invalidate("k");
    const fresh = cache.getOrLoad("k", async () => "new");
    resolve("old");
    expect(await Promise.all([stale, fresh])).toEqual(["old", "new"]);
    expect(cache.lookup("k")?.value).toBe("new");
  });

  test("options that make no sense are refused", () => {
    expect(() => setUp(0, 0)).toThrow(/capacity.*ttl/);
  });
});

test("the runtime's caches have their own times and sizes", () => {
  const time = { now: 0 };
  const caches = createCaches(() => time.now, { routes: { capacity: 1 } });
  for (const cache of Object.values(caches)) cache.set("k", 1);
  const left = (): string[] => Object.entries(caches).flatMap(([name, cache]) => (cache.lookup("k") ? [name] : []));
  time.now = 30_000;
  expect(left()).toEqual(["validation", "routes", "templates"]);
  time.now = 60_000;
  expect(left()).toEqual(["validation", "templates"]);
  time.now = 300_000;
  expect(left()).toEqual(["templates"]);
  caches.routes.set("a", 1);
  caches.routes.set("b", 1);
  expect(caches.routes.statistics.size).toBe(1);
  expect(cacheStatistics(caches).templates).toMatchObject({ hits: 3, misses: 0 });
  expect(Object.keys(cacheDefaults)).toEqual(Object.keys(caches));
});
