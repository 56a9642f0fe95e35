import { ms } from "@mettle/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type CacheOptions, type Invalidation, type SharedCache, TwoLevelCache } from "../../src/storage/cache.ts";

let now = 1;
const make = (options: Partial<CacheOptions> = {}): TwoLevelCache<object | string | number | boolean> =>
  new TwoLevelCache({ max: 100, lifetime: ms(1000), absentLifetime: ms(100), now: () => now, ...options });

/** A second level in memory. */
class Memory implements SharedCache {
  readonly entries = new Map<string, { text: string; tags: readonly string[] }>();
  broken = false;
  #check(): void {
    if (this.broken) throw new Error("no connection");
  }
  async get(key: string): Promise<string | undefined> {
    this.#check();
    return this.entries.get(key)?.text;
  }
  async set(key: string, text: string, _lifetime: number, tags: readonly string[]): Promise<void> {
    this.#check();
    this.entries.set(key, { text, tags });
  }
  async drop(what: Invalidation): Promise<void> {
    this.#check();
    for (const [key, { tags }] of this.entries) {
      const hit =
        "key" in what ? key === what.key : "tag" in what ? tags.includes(what.tag) : key.startsWith(what.prefix);
      if (hit) this.entries.delete(key);
    }
  }
}

test.each([[0], [false], [""], ["text"], [[]], [{ a: 1 }]])("keeps %j", async (value) => {
  using cache = make();
  let loads = 0;
  const load = async (): Promise<object | string | number | boolean> => {
    loads += 1;
    return value;
  };
  expect(await cache.get("k", load)).toEqual(value);
  expect(await cache.get("k", load)).toEqual(value);
  expect(loads).toBe(1);
  expect(cache.statistics).toMatchObject({ hits: 1, misses: 1 });
});

test("that there is none is kept for a time of its own", async () => {
  using cache = make();
  let loads = 0;
  const none = async (): Promise<undefined> => {
    loads += 1;
    return undefined;
  };
  await cache.get("k", none);
  now = 100;
  expect(await cache.get("k", none)).toBeUndefined();
  expect([loads, cache.statistics.absentHits]).toEqual([1, 1]);
  now = 102;
  await cache.get("k", none);
  expect(loads).toBe(2);
});

test("who misses together loads once, and a failed load is not kept", async () => {
  using cache = make();
  let loads = 0;
  const gate = Promise.withResolvers<string>();
  const load = (): Promise<string> => {
    loads += 1;
    return gate.promise;
  };
  const both = Promise.allSettled([cache.get("k", load), cache.get("k", load)]);
  gate.reject(new Error("down"));
  expect((await both).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(loads).toBe(1);
  expect(await cache.get("k", async () => "up")).toBe("up");
});

test("what is invalidated while it loads is given to who waits, and not kept", async () => {
  const shared = new Memory();
  using cache = make({ shared });
  const gate = Promise.withResolvers<string>();
  const before = cache.get("k", () => gate.promise, ["t"]);
  await new Promise(setImmediate);
  await cache.invalidate({ tag: "t" });
  gate.resolve("old");
  expect(await before).toBe("old");
  expect(await cache.get("k", async () => "new")).toBe("new");
  expect(shared.entries.get("k")?.text).toBe('"new"');
});

test("the second level serves a process that has just started, and its absence costs nothing but time", async () => {
  const shared = new Memory();
  using first = make({ shared });
  await first.get("k", async () => "value");
  await first.get("none", async () => undefined);
  using second = make({ shared });
  const fail = async (): Promise<string> => Promise.reject(new Error("not to be loaded"));
  expect(await second.get("k", fail)).toBe("value");
  expect(await second.get("none", fail)).toBeUndefined();
  expect(second.statistics).toMatchObject({ sharedHits: 1, absentHits: 1, misses: 0 });
  shared.broken = true;
  expect(await second.get("other", async () => "loaded")).toBe("loaded");
  expect(second.statistics.sharedErrors).toBe(2);
});

test("news of an invalidation reach other instances", async () => {
  const listeners = new Set<(what: Invalidation) => void>();
  const news = (own: { heard?: (what: Invalidation) => void }) => ({
    tell: (what: Invalidation) => {
      for (const heard of listeners) if (heard !== own.heard) heard(what);
    },
    listen: (heard: (what: Invalidation) => void) => {
      own.heard = heard;
      listeners.add(heard);
      return () => void listeners.delete(heard);
    },
  });
  using one = make({ news: news({}) });
  {
    using other = make({ news: news({}) });
    await other.get("a:1", async () => "old");
    await one.invalidate({ prefix: "a:" });
    expect(await other.get("a:1", async () => "new")).toBe("new");
  }
  expect(listeners.size).toBe(1);
});

test("invalidation forgets exactly what it names", async () => {
  const entry = fc.record({ key: fc.stringMatching(/^[ab]{1,3}$/), tags: fc.subarray(["x", "y", "z"]) });
  const what = fc.oneof(
    fc.record({ key: fc.stringMatching(/^[ab]{1,3}$/) }),
    fc.record({ prefix: fc.stringMatching(/^[ab]{0,2}$/) }),
    fc.record({ tag: fc.constantFrom("x", "y", "z", "never") }),
  );
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(entry, { selector: ({ key }) => key }), what, async (entries, gone) => {
      using cache = make();
      for (const { key, tags } of entries) await cache.get(key, async () => "old", tags);
      await cache.invalidate(gone);
      for (const { key, tags } of entries) {
        const hit =
          "key" in gone
            ? gone.key === key
            : "tag" in gone
              ? tags.includes(gone.tag as "x")
              : key.startsWith(gone.prefix);
        expect(await cache.get(key, async () => "new")).toBe(hit ? "new" : "old");
      }
    }),
  );
});

test("who asks after something was forgotten is not answered by what was begun before", async () => {
  using cache = make();
  const before = Promise.withResolvers<string>();
  const first = cache.get("k", () => before.promise);
  await cache.invalidate({ key: "k" });
  const second = cache.get("k", async () => "new");
  before.resolve("old");
  expect(await Promise.all([first, second])).toEqual(["old", "new"]);
  expect(await cache.get("k", async () => "other")).toBe("new");
});

test("what cannot be read in the shared level is a miss", async () => {
  const shared = new Memory();
  shared.entries.set("k", { text: "{", tags: [] });
  using cache = make({ shared });
  expect(await cache.get("k", async () => "loaded")).toBe("loaded");
  expect(cache.statistics).toMatchObject({ sharedErrors: 1, misses: 1 });
});
