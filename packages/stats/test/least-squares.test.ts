import { Random } from "@mettle/core";
import { describe, expect, test } from "vitest";
import { linearTrend, projection } from "../src/least-squares.ts";
import { oracle, relativeError } from "./oracle-trends.ts";

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe.each(Object.entries(oracle.series))("%s: statsmodels", (name, { x, y, leastSquares, neweyWest }) => {
  // The oracle of the series at a large level was made about the mean of x, for its own precision.
  const at = name === "large level" ? x.map((value) => value - meanOf(x)) : x;

  test("ordinary least squares and projection", () => {
    const own = linearTrend(at, y);
    for (const key of ["slope", "intercept", "standardError", "low", "high", "pValue", "rSquared"] as const) {
      expect(relativeError(own[key], leastSquares[key])).toBeLessThan(1e-6);
    }
    const { x: target, ...expected } = leastSquares.projection;
    const projected = projection(own, target);
    for (const key of ["value", "low", "high"] as const) {
      expect(relativeError(projected[key], expected[key])).toBeLessThan(1e-6);
    }
  });

  test("the slope is the same at a large x", () => {
    const moved = x.map((value) => value + (name === "large level" ? 0 : 1e6));
    expect(relativeError(linearTrend(moved, y).slope, leastSquares.slope)).toBeLessThan(1e-6);
  });

  test.each(neweyWest ?? [])("Newey–West, $lags lags", ({ lags, ...expected }) => {
    const own = linearTrend(at, y, { neweyWestLags: lags });
    for (const key of ["slope", "standardError", "low", "high", "pValue"] as const) {
      expect(relativeError(own[key], expected[key])).toBeLessThan(1e-6);
    }
  });
});

test("a prediction interval holds a new value as often as promised", () => {
  const random = new Random(18);
  const x = Array.from({ length: 15 }, (_, i) => i);
  const runs = 1000;
  let held = 0;
  for (let i = 0; i < runs; i++) {
    const trend = linearTrend(
      x,
      x.map((value) => 2 * value + random.normal()),
    );
    const { low, high } = projection(trend, 20, 0.9);
    const next = 40 + random.normal();
    if (low <= next && next <= high) held += 1;
  }
  expect(Math.abs(held / runs - 0.9)).toBeLessThan(0.029);
});

test("exact lines, constant values, automatic lags", () => {
  expect(linearTrend([1, 2, 3], [2, 4, 6])).toMatchObject({ slope: 2, intercept: 0, pValue: 0, rSquared: 1 });
  const constant = linearTrend([1, 2, 3], [5, 5, 5]);
  expect(constant).toMatchObject({ slope: 0, low: 0, high: 0, pValue: 1 });
  expect(constant.rSquared).toBeNaN();
  const { x, y } = oracle.series["autocorrelated"] ?? { x: [], y: [] };
  expect(linearTrend(x, y, { neweyWestLags: "auto" })).toEqual(linearTrend(x, y, { neweyWestLags: 3 }));
});

test("nonsense is refused", () => {
  const refuses = (run: () => unknown, code: string): void => {
    expect(run).toThrow(expect.objectContaining({ code }));
  };
  refuses(() => linearTrend([1, 2], [1, 2]), "STATS_TOO_FEW_SAMPLES");
  refuses(() => linearTrend([1, 2, Number.NaN], [1, 2, 3]), "STATS_SAMPLE_INVALID");
  refuses(() => linearTrend([2, 2, 2], [1, 2, 3]), "STATS_ARGUMENT_INVALID");
  refuses(() => linearTrend([1, 2, 3], [1, 2, 4], { neweyWestLags: 3 }), "STATS_ARGUMENT_INVALID");
  refuses(() => projection(linearTrend([1, 2, 3], [1, 2, 4]), Number.NaN), "STATS_ARGUMENT_INVALID");
});
