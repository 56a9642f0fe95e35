import { Random } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { kolmogorovSmirnovTest, kolmogorovSurvival } from "../src/kolmogorov-smirnov.ts";
import { mannWhitneyTest, wilcoxonSignedRankTest } from "../src/rank-tests.ts";
import { mannWhitneyDistribution, rank, signedRankDistribution } from "../src/ranks.ts";
import { codeOf, distributionRows, deviation, oracle, sample } from "./oracle.ts";

describe("against R and SciPy", () => {
  it("Mann–Whitney, exact and with ties", () => {
    const methods = new Set<string>();
    for (const [a, b, u, pValue] of oracle.rankTests.mannWhitney) {
      const found = mannWhitneyTest(sample(a), sample(b));
      methods.add(found.method);
      expect(found.u, `${a} ${b}`).toBe(u);
      expect(deviation(found.pValue, pValue!, 1e-9, 1e-15, `${a} ${b}`)).toBeUndefined();
    }
    expect(methods).toEqual(new Set(["exact", "normal"]));
  });

  it("Wilcoxon's signed ranks, with ties and zeros", () => {
    const methods = new Set<string>();
    for (const [name, v, pValue] of oracle.rankTests.wilcoxon) {
      const found = wilcoxonSignedRankTest(sample(name));
      methods.add(found.method);
      expect(found.v, name).toBe(v);
      expect(deviation(found.pValue, pValue!, 1e-10, 0, name)).toBeUndefined();
    }
    expect(methods).toEqual(new Set(["exact", "normal"]));
  });

  it("Kolmogorov–Smirnov, exact with ties", () => {
    for (const [a, b, distance, pValue] of oracle.rankTests.kolmogorovSmirnov) {
      const found = kolmogorovSmirnovTest(sample(a), sample(b));
      expect(found.method).toBe("exact");
      expect(deviation(found.distance, distance!, 1e-13, 0, `${a} ${b}`)).toBeUndefined();
      // R takes its p from 1 − (1 − p), which leaves it 13 decimals.
      expect(deviation(found.pValue, pValue!, 1e-9, 1e-13, `${a} ${b}`)).toBeUndefined();
    }
  });

  it("the exact distributions", () => {
    for (const [m, n, u, p] of oracle.rankTests.mannWhitneyDistribution) {
      expect(deviation(mannWhitneyDistribution(m!, n!)[u!]!, p!, 1e-9, 0, `U(${m}, ${n}) at ${u}`)).toBeUndefined();
    }
    for (const [n, v, p] of oracle.rankTests.signedRankDistribution) {
      expect(deviation(signedRankDistribution(n!)[v!]!, p!, 1e-12, 0, `V(${n}) at ${v}`)).toBeUndefined();
    }
  });

  it("Kolmogorov's limit", () => {
    for (const [x, survival] of distributionRows("kolmogorov")) {
      expect(deviation(kolmogorovSurvival(x!), survival!, 1e-10, 0, `K at ${x}`)).toBeUndefined();
    }
    expect(kolmogorovSurvival(0)).toBe(1);
  });
});

describe("against trying every arrangement", () => {
  /** Every way to choose `size` of the pooled values. */
  function* splits(pooled: readonly number[], size: number): Generator<[number[], number[]]> {
    for (let mask = 0; mask < 2 ** pooled.length; mask++) {
      const first = pooled.filter((_, i) => (mask >> i) & 1);
      if (first.length === size) yield [first, pooled.filter((_, i) => !((mask >> i) & 1))];
    }
  }
  const distanceOf = (a: number[], b: number[]): number =>
    Math.max(
      ...[...a, ...b].map((at) =>
        Math.abs(a.filter((v) => v <= at).length * b.length - b.filter((v) => v <= at).length * a.length),
      ),
    );

  it("Kolmogorov–Smirnov with ties is the share of splits at least as far apart", () => {
    const values = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(values, values, (a, b) => {
        const observed = distanceOf(a, b);
        const all = [...splits([...a, ...b], a.length)].map(([x, y]) => distanceOf(x, y) >= observed);
        const { pValue, distance } = kolmogorovSmirnovTest(a, b);
        expect(deviation(pValue, all.filter(Boolean).length / all.length, 1e-12, 0, "p")).toBeUndefined();
        expect(deviation(distance, observed / a.length / b.length, 1e-14, 0, "distance")).toBeUndefined();
      }),
    );
  });

  it("Mann–Whitney without ties is twice the share of splits at least as low (or as high)", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer(), { minLength: 2, maxLength: 9 }), fc.nat(), (pooled, cut) => {
        const size = 1 + (cut % (pooled.length - 1));
        const us = [...splits(pooled, size)].map(([x, y]) => x.flatMap((v) => y.filter((w) => v > w)).length);
        const { u, pValue } = mannWhitneyTest(pooled.slice(0, size), pooled.slice(size));
        const tail = Math.min(us.filter((v) => v <= u).length, us.filter((v) => v >= u).length);
        expect(deviation(pValue, Math.min(1, (2 * tail) / us.length), 1e-11, 0, "p")).toBeUndefined();
      }),
      { numRuns: 50 },
    );
  });
});

describe("laws", () => {
  it("only the order matters: any increasing map leaves every p as it was", () => {
    const values = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(values, values, (a, b) => {
        const map = (x: number[]): number[] => x.map((v) => v ** 3 + 7);
        expect(mannWhitneyTest(map(a), map(b))).toEqual(mannWhitneyTest(a, b));
        expect(kolmogorovSmirnovTest(map(a), map(b))).toEqual(kolmogorovSmirnovTest(a, b));
        const swapped = mannWhitneyTest(b, a);
        expect(deviation(swapped.pValue, mannWhitneyTest(a, b).pValue, 1e-12, 0, "swapped")).toBeUndefined();
        expect(
          deviation(swapped.superiority, 1 - mannWhitneyTest(a, b).superiority, 1e-12, 1e-15, "superiority"),
        ).toBeUndefined();
      }),
    );
  });

  it("ranks share ties and add up", () => {
    expect([...rank([10, 30, 20, 20]).ranks]).toEqual([1, 4, 2.5, 2.5]);
    expect(rank([7, 7, 7, 1, 1]).tieSum).toBe(24 + 6);
  });

  it("the exact and the limiting Kolmogorov p agree for large samples", () => {
    const random = new Random(11);
    const draw = (count: number, shift: number): number[] =>
      Array.from({ length: count }, () => random.normal() + shift);
    const [a, b] = [draw(1900, 0), draw(2000, 0.04)];
    const { distance, pValue, method } = kolmogorovSmirnovTest(a, b);
    expect(method).toBe("exact");
    expect(Math.abs(pValue - kolmogorovSurvival(distance * Math.sqrt((1900 * 2000) / 3900)))).toBeLessThan(0.02);
    expect(kolmogorovSmirnovTest([...a, ...a], [...b, ...b]).method).toBe("asymptotic");
  });

  it("identical or constant samples are no evidence", () => {
    expect(mannWhitneyTest([3, 3, 3], [3, 3]).pValue).toBe(1);
    expect(wilcoxonSignedRankTest([0, 0, 0])).toMatchObject({ count: 0, pValue: 1 });
    expect(kolmogorovSmirnovTest([1, 2], [1, 2])).toMatchObject({ distance: 0, pValue: 1 });
  });

  it("refuse NaN and nothing", () => {
    for (const test of [mannWhitneyTest, kolmogorovSmirnovTest]) {
      expect(codeOf(() => test([1], []))).toBe("STATS_TOO_FEW_SAMPLES");
      expect(codeOf(() => test([Number.NaN], [1]))).toBe("STATS_SAMPLE_INVALID");
    }
    expect(codeOf(() => wilcoxonSignedRankTest([]))).toBe("STATS_TOO_FEW_SAMPLES");
  });
});
