import { Random } from "@mettle/core";
import { describe, expect, test } from "vitest";
import { mannKendall } from "../src/mann-kendall.ts";
import { noiseFamilies } from "./noise-families.ts";
import { type KendallResult, oracle, relativeError } from "./oracle-trends.ts";

/** The largest relative error; s must be exact. */
function worstError(own: KendallResult, expected: KendallResult): number {
  if (own.s !== expected.s) return Number.POSITIVE_INFINITY;
  return Math.max(...(["variance", "z", "pValue"] as const).map((key) => relativeError(own[key], expected[key])));
}

describe.each(Object.entries(oracle.series))("%s: the published formulas in NumPy", (_, series) => {
  test("ties", () => {
    expect(worstError(mannKendall(series.y, { correction: "none" }), series.mannKendall)).toBeLessThan(1e-9);
  });
});

const longSeries = Object.entries(oracle.series).flatMap(([name, { y, hamedRao }]) =>
  hamedRao ? [{ name, y, hamedRao }] : [],
);

test.each(longSeries)("$name: Hamed and Rao's variance", ({ y, hamedRao }) => {
  expect(worstError(mannKendall(y, { correction: "hamed-rao" }), hamedRao)).toBeLessThan(1e-9);
});

test("the correction takes most false trends from autocorrelated series", () => {
  const family = noiseFamilies.find(({ name }) => name.startsWith("AR"));
  if (!family) throw new Error("no autocorrelated family");
  const random = new Random(17);
  const runs = 400;
  let [plain, enlarged, whitened] = [0, 0, 0];
  for (let i = 0; i < runs; i++) {
    const values = family.make(100, random);
    if (mannKendall(values, { correction: "none" }).pValue < 0.05) plain += 1;
    if (mannKendall(values, { correction: "hamed-rao" }).pValue < 0.05) enlarged += 1;
    if (mannKendall(values).pValue < 0.05) whitened += 1;
  }
  expect(plain / runs).toBeGreaterThan(0.2);
  expect(enlarged).toBeLessThan(0.8 * plain);
  // 0.05, three binomial standard errors, and the estimate of r itself.
  expect(whitened / runs).toBeLessThan(0.09);
});

test("monotonic series, constant series, and reversal", () => {
  const rising = mannKendall([1, 2, 5, 9, 20, 21], { correction: "none" });
  expect(rising).toMatchObject({ s: 15, tau: 1 });
  expect(mannKendall([21, 20, 9, 5, 2, 1], { correction: "none" })).toMatchObject({ s: -15, z: -rising.z, tau: -1 });
  expect(mannKendall([4, 4, 4, 4])).toEqual({ s: 0, variance: 0, z: 0, pValue: 1, tau: 0 });
});

test("nonsense is refused", () => {
  expect(() => mannKendall([1, 2])).toThrow(expect.objectContaining({ code: "STATS_TOO_FEW_SAMPLES" }));
  expect(() => mannKendall([1, 2, Number.NaN])).toThrow(expect.objectContaining({ code: "STATS_SAMPLE_INVALID" }));
});
