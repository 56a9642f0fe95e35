import { Random } from "@mettle/core";
import { describe, expect, test } from "vitest";
import { measureMemoryPerThing, memorySlope } from "../../src/memory/per-thing.ts";

const covers = (slope: { low: number; high: number }, known: number): boolean =>
  slope.low <= known * 1.005 && known * 0.995 <= slope.high;

describe("measureMemoryPerThing", () => {
  test("finds the size of an object, slot in its list included", async () => {
    const measured = await measureMemoryPerThing({
      counts: [20_000, 60_000, 100_000],
      make: (count) => Array.from({ length: count }, (_, i) => ({ a: i, b: i })),
    });
    expect(Math.abs(measured.accounted.slopeBytes / 48 - 1)).toBeLessThan(0.01);
    expect(covers(measured.accounted, 48)).toBe(true);
    expect(measured.accounted.points).toHaveLength(9);
  });

  test("buffers are outside the heap: in `isolate`, hardly in `accounted`", async () => {
    const measured = await measureMemoryPerThing({
      counts: [100, 200, 400],
      make: (count) => Array.from({ length: count }, () => new Uint8Array(16_384)),
    });
    expect(measured.isolate.slopeBytes - measured.accounted.slopeBytes).toBeGreaterThan(16_384 * 0.99);
    expect(measured.isolate.slopeBytes - measured.accounted.slopeBytes).toBeLessThan(16_384 * 1.01);
    expect(measured.accounted.slopeBytes).toBeLessThan(1000);
  });

  test("every count is made, read while alive, and released, in an order that the seed fixes", async () => {
    const order = async (seed: number): Promise<number[]> => {
      const made: number[] = [];
      let alive = 0;
      await measureMemoryPerThing({
        counts: [1, 2, 3, 4],
        repeats: 2,
        random: new Random(seed),
        make: (count) => {
          made.push(count);
          alive += 1;
          return Promise.resolve({ count });
        },
        release: () => {
          alive -= 1;
        },
      });
      expect(alive).toBe(0);
      return made;
    };
    const made = await order(7);
    expect(made).toEqual(await order(7));
    expect(made).not.toEqual(await order(8));
    expect(made[0]).toBe(1);
    expect(made.slice(1).sort((a, b) => a - b)).toEqual([1, 1, 2, 2, 3, 3, 4, 4]);
  });

  test("one count gives no slope", async () => {
    const measured = measureMemoryPerThing({ counts: [5, 5, 5], make: () => 0 });
    await expect(measured).rejects.toMatchObject({ code: "OPTIONS_INVALID" });
    expect(() => memorySlope("accounted", [{ count: 1, bytes: 1 }], 0.95)).toThrow(
      expect.objectContaining({ code: "MEMORY_POINTS_TOO_FEW" }),
    );
  });

  test("the interval holds the truth as often as it promises", () => {
    const random = new Random(11);
    const hits = Array.from({ length: 500 }, () => {
      const points = [10, 20, 40, 80, 10, 20, 40, 80].map((count) => ({
        count,
        bytes: 5000 + 128 * count + 300 * random.normal(),
      }));
      const { low, high } = memorySlope("accounted", points, 0.95);
      return low <= 128 && 128 <= high;
    }).filter(Boolean).length;
    // Three binomial standard errors about 0.95.
    expect(hits / 500).toBeGreaterThan(0.92);
    expect(hits / 500).toBeLessThan(0.98);
  });
});
