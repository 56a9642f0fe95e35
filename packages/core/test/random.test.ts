import { describe, expect, test } from "vitest";
import { Random } from "../src/random.ts";

/** sfc32 as PractRand has it, on unsigned 32-bit BigInts: slow and obvious. */
function reference(seed: number): () => number {
  const mask = 0xffff_ffffn;
  const whole = BigInt(seed);
  let [a, b, c, counter] = [0n, whole & mask, (whole >> 32n) & mask, 1n];
  const next = (): number => {
    const sum = (a + b + counter) & mask;
    counter = (counter + 1n) & mask;
    a = b ^ (b >> 9n);
    b = (c + (c << 3n)) & mask;
    c = ((((c << 21n) | (c >> 11n)) & mask) + sum) & mask;
    return Number(sum);
  };
  for (let i = 0; i < 15; i++) next();
  return next;
}

test.each([0, 1, 42, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1])("seed %d gives sfc32's stream", (seed) => {
  const [own, expected] = [new Random(seed), reference(seed)];
  for (let i = 0; i < 2000; i++) expect(own.uint32()).toBe(expected());
});

test("equal seeds repeat, different seeds part", () => {
  const stream = (seed: number): number[] => {
    const random = new Random(seed);
    return Array.from({ length: 8 }, () => random.uint32());
  };
  expect(stream(7)).toEqual(stream(7));
  expect(new Set([1, 2, 3, 2 ** 32 + 1].map((seed) => stream(seed).join())).size).toBe(4);
});

/** Σ (seen − expected)² / expected. */
function chiSquared(counts: readonly number[], expected: number): number {
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

describe("distributions, seeded", () => {
  const draws = 100_000;

  test("uniform lies in [0, 1) and fills 100 cells evenly", () => {
    const random = new Random(1);
    const counts = Array.from({ length: 100 }, () => 0);
    for (let i = 0; i < draws; i++) {
      const value = random.uniform();
      expect(value >= 0 && value < 1).toBe(true);
      counts[Math.floor(value * 100)]! += 1;
    }
    // The 0.9999 and 0.0001 quantiles of χ² with 99 degrees are 161 and 54.
    expect(chiSquared(counts, draws / 100)).toBeLessThan(161);
    expect(chiSquared(counts, draws / 100)).toBeGreaterThan(54);
  });

  test("below is even over a bound that divides nothing", () => {
    const random = new Random(2);
    const counts = [0, 0, 0, 0, 0, 0, 0];
    for (let i = 0; i < draws; i++) counts[random.below(7)]! += 1;
    expect(chiSquared(counts, draws / 7)).toBeLessThan(27.9); // 0.9999 quantile, 6 degrees
  });

  test("normal has the mean, variance and kurtosis of a standard normal", () => {
    const random = new Random(3);
    let [sum, squares, fourths] = [0, 0, 0];
    for (let i = 0; i < draws; i++) {
      const value = random.normal();
      sum += value;
      squares += value ** 2;
      fourths += value ** 4;
    }
    // Bands of four standard errors: 1, √2 and √96 over √n.
    expect(Math.abs(sum / draws)).toBeLessThan(4 / Math.sqrt(draws));
    expect(Math.abs(squares / draws - 1)).toBeLessThan((4 * Math.SQRT2) / Math.sqrt(draws));
    expect(Math.abs(fourths / draws - 3)).toBeLessThan((4 * Math.sqrt(96)) / Math.sqrt(draws));
  });

  test("shuffle keeps the items and makes all orders equally likely", () => {
    const random = new Random(4);
    const counts = new Map<string, number>();
    for (let i = 0; i < 24_000; i++) {
      const order = random.shuffle(["a", "b", "c", "d"]).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    expect(chiSquared([...counts.values()], 1000)).toBeLessThan(58.7); // 0.9999 quantile, 23 degrees
    expect([...random.shuffle(Float64Array.of(3, 1, 2))].toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
  });
});
