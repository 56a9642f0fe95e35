import { Random } from "@mettle/core";
import { describe, expect, test } from "vitest";
import { type Distribution, countSampler, samplerOf } from "../../src/agent/distribution.ts";
import { parseDistribution } from "../../src/agent/distribution-text.ts";
import { derivedSeed } from "../../src/agent/seed.ts";

const N = 40_000;
function draws(distribution: Distribution, seed = 7): number[] {
  const random = new Random(seed);
  const sample = samplerOf(distribution);
  return Array.from({ length: N }, () => sample(random));
}
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: readonly number[]): number => {
  const center = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - center) ** 2)));
};

/** The truncated mean, by summing the density over fine steps: slow and obvious. */
function truncatedMean(density: (x: number) => number, low: number, high: number): number {
  let [mass, weighted] = [0, 0];
  const step = (high - low) / 200_000;
  for (let x = low + step / 2; x < high; x += step) {
    mass += density(x);
    weighted += x * density(x);
  }
  return weighted / mass;
}
const normalDensity = (x: number, m: number, s: number): number => Math.exp(-(((x - m) / s) ** 2) / 2);

describe("draws have the distribution's moments", () => {
  test.each<[Distribution, number, number]>([
    [{ kind: "constant", value: 5 }, 5, 0],
    [{ kind: "uniform", low: 2, high: 6 }, 4, 4 / Math.sqrt(12)],
    [{ kind: "normal", mean: 100, stddev: 10 }, 100, 10],
    [{ kind: "lognormal", mean: 300, stddev: 150 }, 300, 150],
    [{ kind: "exponential", mean: 20 }, 20, 20],
    [{ kind: "empirical", values: [1, 1, 4] }, 2, Math.SQRT2],
  ])("%j", (distribution, expectedMean, expectedDeviation) => {
    const values = draws(distribution);
    // Five standard errors of the mean; the deviation of a lognormal converges slowly.
    expect(Math.abs(mean(values) - expectedMean)).toBeLessThanOrEqual((5 * expectedDeviation) / Math.sqrt(N) + 1e-9);
    expect(Math.abs(deviation(values) - expectedDeviation)).toBeLessThanOrEqual(expectedDeviation * 0.05 + 1e-9);
  });

  test("bounds truncate: nothing outside, no mass at the bounds, and the truncated mean", () => {
    const values = draws({ kind: "normal", mean: 38, stddev: 6, min: 35, max: 57 });
    expect(Math.min(...values)).toBeGreaterThan(35);
    expect(Math.max(...values)).toBeLessThan(57);
    const expected = truncatedMean((x) => normalDensity(x, 38, 6), 35, 57);
    expect(Math.abs(mean(values) - expected)).toBeLessThan(0.1);
    const long = draws({ kind: "lognormal", mean: 1652, stddev: 3000, min: 64, max: 24_000 });
    const variance = Math.log1p((3000 / 1652) ** 2);
    const location = Math.log(1652) - variance / 2;
    const density = (x: number): number => normalDensity(Math.log(x), location, Math.sqrt(variance)) / x;
    expect(mean(long) / truncatedMean(density, 64, 24_000)).toBeCloseTo(1, 1);
    const short = draws({ kind: "exponential", mean: 10, min: 5, max: 8 });
    expect(mean(short)).toBeCloseTo(
      truncatedMean((x) => Math.exp(-x / 10), 5, 8),
      1,
    );
  });
});

test("one uniform number a draw, whatever the distribution", () => {
  const kinds: Distribution[] = [
    { kind: "constant", value: 1 },
    { kind: "normal", mean: 1, stddev: 0 },
    { kind: "lognormal", mean: 1, stddev: 1 },
    { kind: "exponential", mean: 1 },
    { kind: "empirical", values: [1] },
  ];
  const next = kinds.map((kind) => {
    const random = new Random(3);
    samplerOf(kind)(random);
    return random.uniform();
  });
  expect(new Set(next).size).toBe(1);
});

test("counts are whole and at least the least", () => {
  const random = new Random(1);
  const sample = countSampler({ kind: "normal", mean: 1, stddev: 2 }, "turns", 1);
  const values = Array.from({ length: 1000 }, () => sample(random));
  expect(values.every((value) => Number.isInteger(value) && value >= 1)).toBe(true);
});

test.each<[string, "ms" | "count", Distribution]>([
  ["20ms", "ms", { kind: "constant", value: 20 }],
  ["lognormal(0.3s, 150ms)", "ms", { kind: "lognormal", mean: 300, stddev: 150 }],
  ["normal(38, 6, 25..57)", "count", { kind: "normal", mean: 38, stddev: 6, min: 25, max: 57 }],
  ["exponential(20ms, ..1s)", "ms", { kind: "exponential", mean: 20, max: 1000 }],
  ["uniform(1, 5)", "count", { kind: "uniform", low: 1, high: 5 }],
  ["empirical(1, 2, 5)", "count", { kind: "empirical", values: [1, 2, 5] }],
])("reads %s", (text, kind, expected) => expect(parseDistribution(text, kind)).toEqual(expected));

test.each([
  "",
  "20",
  "normal(1ms)",
  "gaussian(1ms, 2ms)",
  "uniform(5ms, 1ms)",
  "exponential(0ms)",
  "empirical()",
  "normal(1ms, 1ms, 9ms..2ms)",
  "normal(1ms, 0.01ms, 9s..10s)",
])("refuses %j", (text) =>
  expect(() => parseDistribution(text, "ms")).toThrow(expect.objectContaining({ code: "DISTRIBUTION_INVALID" })),
);

test("derived seeds: equal for equal parts, unrelated for neighbours, parts kept apart", () => {
  expect(derivedSeed(1, "a", 2)).toBe(derivedSeed(1, "a", 2));
  expect(derivedSeed(1, "ab")).not.toBe(derivedSeed(1, "a", "b"));
  const seeds = Array.from({ length: 20_000 }, (_, index) => derivedSeed(1, "chat", index));
  expect(new Set(seeds).size).toBe(20_000);
  expect(seeds.every((seed) => Number.isSafeInteger(seed) && seed >= 0)).toBe(true);
  const first = seeds.map((seed) => new Random(seed).uniform());
  expect(Math.abs(mean(first) - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / 20_000));
  const products = first.slice(1).map((value, index) => (value - 0.5) * ((first[index] ?? 0) - 0.5));
  expect(Math.abs(mean(products))).toBeLessThan((5 * (1 / 12)) / Math.sqrt(20_000));
});
