import { ManualClock, ms } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { adaptiveBatchSize, Batcher, type BatcherOptions, TimerWheel } from "../../src/index.ts";

function setUp(options: Partial<BatcherOptions<number, number>> = {}) {
  const clock = new ManualClock();
  const batches: [type: string, items: readonly number[]][] = [];
  const batcher = new Batcher<number, number>({
    handle: (type, items) => {
      batches.push([type, items]);
      return items.map((item) => item * 2);
    },
    timers: new TimerWheel(clock),
    ...options,
  });
  return { clock, batches, batcher };
}

const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe("Batcher (S1-019)", () => {
  test("a full batch goes at once, the rest after ten milliseconds", async () => {
    const { clock, batches, batcher } = setUp();
    const results = Array.from({ length: 130 }, (_, i) => batcher.submit("a", i));
    await settle();
    expect(batches.map(([, items]) => items.length)).toEqual([100]);
    await clock.advance(ms(9));
    expect(batches).toHaveLength(1);
    await clock.advance(ms(1));
    expect(batches.map(([, items]) => items.length)).toEqual([100, 30]);
    expect(await Promise.all(results)).toEqual(Array.from({ length: 130 }, (_, i) => 2 * i));
    expect(batcher.statistics).toEqual({ queued: 0, batches: 2, items: 130, failed: 0, largest: 100 });
  });

  test("types are batched apart, and do not wait for one another", async () => {
    let release: () => void = () => undefined;
    const { batches, batcher } = setUp({
      size: 2,
      handle: async (type, items) => {
        batches.push([type, items]);
        if (type === "slow") await new Promise<void>((resolve) => (release = resolve));
        return [...items];
      },
    });
    const all = ["slow", "quick", "slow", "quick", "slow", "quick", "slow", "quick"].map((type, i) =>
      batcher.submit(type, i),
    );
    await settle();
    expect(batches).toEqual([
      ["slow", [0, 2]],
      ["quick", [1, 3]],
      ["quick", [5, 7]],
    ]);
    release();
    await settle();
    expect(batches.at(-1)).toEqual(["slow", [4, 6]]);
    release();
    expect(await Promise.all(all)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test("a failure is its item's own; a batch that fails fails all of its items", async () => {
    const { batcher } = setUp({
      size: 3,
      handle: (type, items) => {
        if (type === "broken") throw new Error("no connection");
        return items.map((item) => (item === 1 ? new RangeError("not this one") : item));
      },
    });
    const partial = await Promise.allSettled([0, 1, 2].map((item) => batcher.submit("a", item)));
    expect(partial).toMatchObject([{ value: 0 }, { reason: new RangeError("not this one") }, { value: 2 }]);
    const broken = await Promise.allSettled([0, 1, 2].map((item) => batcher.submit("broken", item)));
    expect(broken.map((result) => result.status === "rejected" && (result.reason as { code: string }).code)).toEqual([
      "BATCH_FAILED",
      "BATCH_FAILED",
      "BATCH_FAILED",
    ]);
    expect(broken[0]).toMatchObject({ reason: { cause: new Error("no connection") } });
    expect(batcher.statistics).toMatchObject({ failed: 4, items: 6 });
  });

  test("a missing result is not taken for somebody else's", async () => {
    const { batcher } = setUp({ size: 2, handle: (_, items) => items.slice(1) });
    const results = await Promise.allSettled([batcher.submit("a", 1), batcher.submit("a", 2)]);
    expect(results.every((result) => result.status === "rejected")).toBe(true);
    expect(results[0]).toMatchObject({ reason: { code: "BATCH_RESULT_MISSING", details: { results: 1, items: 2 } } });
  });

  test.each([
    [1, 1],
    [10, 1],
    [11, 10],
    [100, 10],
    [101, 50],
    [1000, 50],
    [1001, 200],
  ])("adaptive: of %i waiting %i go together", (queued, size) => {
    expect(adaptiveBatchSize(queued)).toBe(size);
  });

  test("adaptive: the first goes at once, the others by how many have gathered meanwhile", async () => {
    const { batches, batcher } = setUp({ adaptive: true });
    const results = Array.from({ length: 130 }, (_, i) => batcher.submit("a", i));
    await Promise.all(results);
    expect(batches.map(([, items]) => items.length)).toEqual([
      1,
      50, // of 129
      ...Array.from({ length: 7 }, () => 10), // of 79, 69, … 19
      ...Array.from({ length: 9 }, () => 1),
    ]);
  });

  test("flush and close leave nothing waiting; a closed batcher takes nothing", async () => {
    const { batches, batcher } = setUp();
    const one = batcher.submit("a", 1);
    await batcher.flush();
    expect(await one).toBe(2);
    const two = batcher.submit("b", 2);
    await batcher.close();
    expect(await two).toBe(4);
    expect(batches).toHaveLength(2);
    await expect(batcher.submit("a", 3)).rejects.toMatchObject({ code: "POOL_CLOSED" });
  });

  test("what waits is limited", async () => {
    const { batcher } = setUp({ maxQueued: 2 });
    const held = [batcher.submit("a", 1), batcher.submit("b", 1)];
    await expect(batcher.submit("c", 1)).rejects.toMatchObject({ code: "BATCH_QUEUE_FULL", retryable: true });
    await batcher.close();
    await Promise.all(held);
  });

  test("every item is handled once, with its own result, in the order of its type", async () => {
    const items = fc.array(fc.record({ type: fc.constantFrom("a", "b", "c"), wait: fc.boolean() }), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(items, fc.integer({ min: 1, max: 7 }), fc.boolean(), async (submitted, size, adaptive) => {
        const { clock, batches, batcher } = setUp({ size, adaptive });
        const results: Promise<number>[] = [];
        for (const [i, { type, wait }] of submitted.entries()) {
          results.push(batcher.submit(type, i));
          if (wait) await clock.advance(ms(10));
        }
        await batcher.close();
        expect(await Promise.all(results)).toEqual(submitted.map((_, i) => 2 * i));
        for (const type of ["a", "b", "c"]) {
          const handled = batches.filter(([of]) => of === type).flatMap(([, batch]) => batch);
          expect(handled).toEqual(submitted.flatMap((item, i) => (item.type === type ? [i] : [])));
        }
      }),
      { numRuns: 60 },
    );
  });
});

test("a handler that returns no list fails its items, each with an error", async () => {
  const { clock, batcher } = setUp({ size: 2, handle: () => undefined as never });
  const results = [1, 2].map((item) => batcher.submit("a", item));
  for (const result of results) await expect(result).rejects.toMatchObject({ code: "BATCH_RESULT_MISSING" });
  expect(batcher.statistics).toMatchObject({ failed: 2, queued: 0 });
  await clock.advance(ms(10));
  await batcher.close();
});
