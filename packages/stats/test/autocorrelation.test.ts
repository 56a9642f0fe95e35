import { Random } from "@mettle/core";
import { expect, test } from "vitest";
import { autocorrelation, effectiveSampleSize, lagOneAutocorrelation } from "../src/autocorrelation.ts";
import { noiseFamilies } from "./noise-families.ts";
import { oracle } from "./oracle-trends.ts";

test.each(Object.entries(oracle.series))("%s: statsmodels' acf", (_, { y, acf }) => {
  const own = autocorrelation(y, acf.length - 1);
  acf.forEach((expected, lag) => {
    // The sum of a large level's squares leaves statsmodels itself about 1e-7.
    expect(own[lag]).toBeCloseTo(expected, 6);
  });
  expect(lagOneAutocorrelation(y)).toBe(own[1]);
});

test("the effective size of AR(1) is n (1 − r) / (1 + r), of independent values n", () => {
  const mean = (name: string): number => {
    const family = noiseFamilies.find((other) => other.name === name);
    if (!family) throw new Error(`no family ${name}`);
    const random = new Random(19);
    const sizes = Array.from({ length: 40 }, () => effectiveSampleSize(family.make(2000, random)));
    return sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  };
  expect(Math.abs(mean("AR(1) 0.5") / (2000 / 3) - 1)).toBeLessThan(0.1);
  expect(mean("normal") / 2000).toBeGreaterThan(0.9);
});

test("constant and alternating series", () => {
  expect(autocorrelation([0.1, 0.1, 0.1], 2)).toEqual(Float64Array.of(1, Number.NaN, Number.NaN));
  expect(effectiveSampleSize([3, 3, 3, 3, 3])).toBe(5);
  expect(effectiveSampleSize([1, 2, 1, 2, 1, 2, 1, 2])).toBe(8);
});

test("nonsense is refused", () => {
  expect(() => autocorrelation([1], 0)).toThrow(expect.objectContaining({ code: "STATS_TOO_FEW_SAMPLES" }));
  expect(() => autocorrelation([1, 2, Number.NaN], 1)).toThrow(
    expect.objectContaining({ code: "STATS_SAMPLE_INVALID" }),
  );
  expect(() => autocorrelation([1, 2, 3], 3)).toThrow(expect.objectContaining({ code: "STATS_ARGUMENT_INVALID" }));
  expect(() => effectiveSampleSize([1, 2, 3])).toThrow(expect.objectContaining({ code: "STATS_TOO_FEW_SAMPLES" }));
});
