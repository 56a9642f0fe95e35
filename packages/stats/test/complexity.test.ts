import { Random } from "@mettle/core";
import { describe, expect, test } from "vitest";
import { fitComplexity, type Growth, growths } from "../src/complexity.ts";
import { oracle, relativeError } from "./oracle-trends.ts";

const sizes = [10, 30, 100, 300, 1000, 3000, 10_000, 30_000];

describe("R's lm", () => {
  const { costs, fits } = oracle.complexity;
  const own = fitComplexity(oracle.complexity.sizes, costs);

  test.each(growths.map((growth) => ({ growth })))("$growth", ({ growth }) => {
    const model = own.models.find((other) => other.growth === growth);
    const expected = fits[growth];
    if (!model || !expected) throw new Error(`no model for ${growth}`);
    expect(relativeError(model.base, expected.base)).toBeLessThan(1e-7);
    expect(model.aicc).toBeCloseTo(expected.aicc, 6);
    if (growth === "1") return;
    expect(relativeError(model.coefficient?.value ?? Number.NaN, expected.coefficient)).toBeLessThan(1e-7);
    expect(relativeError(model.coefficient?.low ?? Number.NaN, expected.low)).toBeLessThan(1e-7);
    expect(relativeError(model.coefficient?.high ?? Number.NaN, expected.high)).toBeLessThan(1e-7);
  });

  test("power law", () => {
    expect(relativeError(own.powerLaw.factor, fits.power.factor)).toBeLessThan(1e-9);
    expect(relativeError(own.powerLaw.exponent.value, fits.power.exponent)).toBeLessThan(1e-9);
    expect(relativeError(own.powerLaw.exponent.low, fits.power.low)).toBeLessThan(1e-9);
  });
});

const truths: Readonly<Record<Growth, (n: number) => number>> = {
  "1": () => 500,
  "log n": (n) => 100 + 50 * Math.log(n),
  n: (n) => 100 + 3 * n,
  "n log n": (n) => 100 + 3 * n * Math.log(n),
  "n^2": (n) => 1000 + 0.5 * n * n,
};

test.each(growths.map((growth) => ({ growth })))("$growth is named under 3 % of noise", ({ growth }) => {
  const random = new Random(22);
  const runs = 100;
  let [named, weight] = [0, 0];
  for (let i = 0; i < runs; i++) {
    const own = fitComplexity(
      sizes,
      sizes.map((n) => truths[growth](n) * (1 + 0.03 * random.normal())),
    );
    if (own.best.growth === growth) named += 1;
    weight += own.models.reduce((sum, model) => sum + model.weight, 0) / runs;
  }
  expect(named / runs).toBeGreaterThan(0.8);
  expect(weight).toBeCloseTo(1, 9);
});

test("exact costs, equal errors, falling costs", () => {
  const exact = fitComplexity(sizes, sizes.map(truths.n), { errors: "equal" });
  expect(exact.best.growth).toBe("n");
  expect(exact.best.base).toBeCloseTo(100, 6);
  expect(exact.best.coefficient?.value).toBeCloseTo(3, 9);
  const falling = fitComplexity(
    sizes,
    sizes.map((n) => 1000 / n),
  );
  expect(falling.models.map((model) => model.growth)).toEqual(["1"]);
  expect(falling.powerLaw.exponent.value).toBeCloseTo(-1, 9);
});

test("nonsense is refused", () => {
  const refuses = (run: () => unknown, code: string): void => {
    expect(run).toThrow(expect.objectContaining({ code }));
  };
  refuses(() => fitComplexity([1, 2, 3, 4], [1, 2, 3, 4]), "STATS_TOO_FEW_SAMPLES");
  refuses(() => fitComplexity([1, 2, 3, 4, 5], [1, 2, 3, 4, Number.NaN]), "STATS_SAMPLE_INVALID");
  refuses(() => fitComplexity([1, 2, 3, 4, 5], [1, 2, 3, 4, 0]), "STATS_ARGUMENT_INVALID");
  refuses(() => fitComplexity([1, 1, 1, 2, 2], [1, 2, 3, 4, 5]), "STATS_ARGUMENT_INVALID");
});
