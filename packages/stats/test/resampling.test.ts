import { Random } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bootstrapInterval } from "../src/bootstrap.ts";
import { benjaminiHochberg } from "../src/multiple-testing.ts";
import { median } from "../src/quantile.ts";
import { mean } from "../src/samples.ts";
import { signFlipTest } from "../src/sign-flip.ts";
import { codeOf, deviation, oracle, sample } from "./oracle.ts";

const statistics = {
  mean,
  median,
  sd: (x: Float64Array) => Math.sqrt(x.reduce((sum, v) => sum + (v - mean(x)) ** 2, 0) / x.length),
};

describe("bootstrapInterval", () => {
  it("is SciPy's when it draws what SciPy drew", () => {
    for (const { name, statistic, method, low, high, standardError, indices } of oracle.bootstraps) {
      const drawn = indices.split(" ").map(Number);
      const count = sample(name).length;
      let next = 0;
      const found = bootstrapInterval(sample(name), statistics[statistic], {
        confidence: 0.9,
        resamples: 500,
        method,
        random: () => (drawn[next++]! + 0.5) / count,
      });
      expect(next).toBe(drawn.length);
      expect(found.method).toBe(method);
      expect(deviation(found.low, low, 1e-11, 0, `${name} ${statistic} ${method} low`)).toBeUndefined();
      expect(deviation(found.high, high, 1e-11, 0, `${name} ${statistic} ${method} high`)).toBeUndefined();
      expect(
        deviation(found.standardError, standardError, 1e-11, 0, `${name} ${statistic} standard error`),
      ).toBeUndefined();
    }
  });

  it("covers a skewed mean as often as measured once, and BCa misses it less on the side of the long tail", () => {
    const random = new Random(77);
    const runs = 1500;
    const tally = { bca: { covered: 0, tooLow: 0 }, percentile: { covered: 0, tooLow: 0 } };
    for (let run = 0; run < runs; run++) {
      const x = Array.from({ length: 25 }, () => -Math.log(1 - random.uniform()));
      for (const method of ["bca", "percentile"] as const) {
        const options = { confidence: 0.9, resamples: 400, method, random: random.uniform };
        const { low, high } = bootstrapInterval(x, mean, options);
        tally[method].covered += low <= 1 && 1 <= high ? 1 : 0;
        tally[method].tooLow += high < 1 ? 1 : 0;
      }
    }
    // 25 exponential samples are few: over 8000 other runs both covered 0.859 and 0.857, not 0.9. Three standard errors.
    expect(Math.abs(tally.bca.covered / runs - 0.859)).toBeLessThan(0.027);
    expect(Math.abs(tally.percentile.covered / runs - 0.857)).toBeLessThan(0.027);
    expect(tally.bca.tooLow).toBeLessThan(tally.percentile.tooLow);
  });

  it("follows shift and scale of the samples, and orders its ends", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 2, maxLength: 20 }),
        fc.nat(),
        (x, seed) => {
          const at = (values: number[], confidence: number) =>
            bootstrapInterval(values, median, { confidence, resamples: 200, random: new Random(seed).uniform });
          const [one, other] = [
            at(x, 0.9),
            at(
              x.map((v) => 4 * v + 32),
              0.9,
            ),
          ];
          expect(one.low).toBeLessThanOrEqual(one.high);
          expect(deviation(other.low, 4 * one.low + 32, 1e-12, 1e-10, "low")).toBeUndefined();
          expect(deviation(other.high, 4 * one.high + 32, 1e-12, 1e-10, "high")).toBeUndefined();
          expect(at(x, 0.5).low).toBeGreaterThanOrEqual(one.low);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("says when BCa is undefined", () => {
    const found = bootstrapInterval([5, 5, 5], mean, { random: new Random(1).uniform });
    expect(found).toMatchObject({ low: 5, high: 5, method: "percentile", standardError: 0 });
  });

  it("refuses what it cannot use, the statistic's NaN included", () => {
    const random = new Random(1).uniform;
    expect(codeOf(() => bootstrapInterval([1], mean, { random }))).toBe("STATS_TOO_FEW_SAMPLES");
    expect(codeOf(() => bootstrapInterval([1, 2], () => Number.NaN, { random }))).toBe("STATS_SAMPLE_INVALID");
    expect(codeOf(() => bootstrapInterval([1, 2], mean, { random, resamples: 5 }))).toBe("STATS_ARGUMENT_INVALID");
    expect(codeOf(() => bootstrapInterval([1, 2], mean, { random, confidence: 95 }))).toBe("STATS_ARGUMENT_INVALID");
  });
});

describe("signFlipTest", () => {
  const random = (): number => {
    throw new Error("an exact test draws nothing");
  };

  it("is SciPy's permutation test, exactly", () => {
    for (const [values, pValue] of oracle.signFlips) {
      expect(signFlipTest(values, { random })).toMatchObject({ pValue, method: "exact" });
    }
  });

  it("counts every sign pattern", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 8 }), (x) => {
        const observed = Math.abs(x.reduce((a, b) => a + b, 0));
        let hits = 0;
        for (let mask = 0; mask < 2 ** x.length; mask++) {
          hits += Math.abs(x.reduce((sum, v, i) => sum + ((mask >> i) & 1 ? v : -v), 0)) >= observed ? 1 : 0;
        }
        expect(signFlipTest(x, { random }).pValue).toBe(hits / 2 ** x.length);
        expect(
          signFlipTest(
            x.map((v) => -0.1 * v),
            { random },
          ).pValue,
        ).toBe(hits / 2 ** x.length);
      }),
    );
  });

  it("Monte Carlo estimates the exact p and is never 0", () => {
    const x = sample("differences9");
    const found = signFlipTest(x, { random: new Random(3).uniform, maxExact: 0, resamples: 20_000 });
    expect(found.method).toBe("monte-carlo");
    expect(Math.abs(found.pValue - signFlipTest(x, { random }).pValue)).toBeLessThan(
      4 * Math.sqrt((0.19 * 0.81) / 20_000),
    );
    const extreme = signFlipTest(Array<number>(60).fill(1), { random: new Random(3).uniform, resamples: 999 });
    expect(extreme.pValue).toBe(1 / 1000);
  });

  it("flags no more than it should when nothing is there", () => {
    const generator = new Random(31);
    let flagged = 0;
    for (let run = 0; run < 2000; run++) {
      const x = Array.from({ length: 10 }, () => generator.normal() ** 3);
      flagged += signFlipTest(x, { random }).pValue <= 0.05 ? 1 : 0;
    }
    // 0.05 (51 of 1024 patterns fit under it) ± four standard errors
    expect(Math.abs(flagged / 2000 - 0.0498)).toBeLessThan(0.0195);
  });

  it("clips the largest sizes, whatever their signs", () => {
    const values = [0.021, 0.019, 0.02, 0.022, 0.018, 0.02, 0.021, 0.019, -0.9];
    // Counted in full, the outlier keeps every pattern at least as far from 0 as the one seen.
    expect(signFlipTest(values, { random }).pValue).toBe(1);
    const clipped = signFlipTest(values, { random, clipped: 1 });
    expect(clipped.statistic).toBeCloseTo((0.16 - 0.022) / 9, 12);
    expect(clipped).toEqual(signFlipTest([...values.slice(0, -1), -0.022], { random }));
    expect(codeOf(() => signFlipTest([1, 2], { random, clipped: 2 }))).toBe("STATS_ARGUMENT_INVALID");
  });

  it("refuses what it cannot use", () => {
    expect(codeOf(() => signFlipTest([], { random }))).toBe("STATS_TOO_FEW_SAMPLES");
    expect(codeOf(() => signFlipTest([1], { random, maxExact: 40 }))).toBe("STATS_ARGUMENT_INVALID");
  });
});

describe("benjaminiHochberg", () => {
  it("is statsmodels', in the order given", () => {
    for (const [pValues, adjusted] of oracle.benjaminiHochberg) {
      const found = benjaminiHochberg(pValues);
      expect(found).toHaveLength(adjusted.length);
      adjusted.forEach((expected, i) =>
        expect(deviation(found[i]!, expected, 1e-14, 0, `p ${i} of ${adjusted.length}`)).toBeUndefined(),
      );
    }
    expect(benjaminiHochberg([])).toHaveLength(0);
  });

  it("never lowers a p, keeps the order, and refuses what is no p", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 }), (p) => {
        const adjusted = [...benjaminiHochberg(p)];
        const byGiven = p.map((value, i) => [value, adjusted[i]!] as const).toSorted(([a], [b]) => a - b);
        expect(byGiven.every(([given, value]) => value >= given * (1 - 1e-15) && value <= 1)).toBe(true);
        const values = byGiven.map(([, value]) => value);
        expect(values).toEqual(values.toSorted((a, b) => a - b));
      }),
    );
    for (const wrong of [-0.1, 1.1, Number.NaN]) {
      expect(codeOf(() => benjaminiHochberg([wrong]))).toBe("STATS_ARGUMENT_INVALID");
    }
  });
});
