import { Random } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pairedTInterval, tInterval, welchInterval } from "../src/t-interval.ts";
import { codeOf, deviation, oracle, sample } from "./oracle.ts";

describe("against R", () => {
  it("one sample", () => {
    for (const [name, confidence, low, high, pValue] of oracle.tTests.one) {
      const found = tInterval(sample(name), confidence!);
      expect(deviation(found.low, low!, 1e-11, 0, `${name} low`)).toBeUndefined();
      expect(deviation(found.high, high!, 1e-11, 0, `${name} high`)).toBeUndefined();
      expect(deviation(found.pValue, pValue!, 1e-9, 0, `${name} p`)).toBeUndefined();
    }
  });

  it("Welch's two samples", () => {
    for (const [a, b, confidence, low, high, degrees, t, pValue] of oracle.tTests.welch) {
      const found = welchInterval(sample(a), sample(b), confidence!);
      expect(deviation(found.low, low!, 1e-10, 0, `${a} ${b} low`)).toBeUndefined();
      expect(deviation(found.high, high!, 1e-10, 0, `${a} ${b} high`)).toBeUndefined();
      expect(deviation(found.degreesOfFreedom, degrees!, 1e-11, 0, `${a} ${b} degrees`)).toBeUndefined();
      expect(deviation(found.t, t!, 1e-11, 0, `${a} ${b} t`)).toBeUndefined();
      expect(deviation(found.pValue, pValue!, 1e-9, 0, `${a} ${b} p`)).toBeUndefined();
    }
  });
});

describe("laws", () => {
  const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 2, maxLength: 30 });

  it("the interval holds the estimate and widens with confidence", () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        for (const at of [(c: number) => tInterval(a, c), (c: number) => welchInterval(a, b, c)]) {
          const [narrow, wide] = [at(0.8), at(0.99)];
          expect(wide.low).toBeLessThanOrEqual(narrow.low);
          expect(narrow.low).toBeLessThanOrEqual(narrow.estimate);
          expect(narrow.estimate).toBeLessThanOrEqual(narrow.high);
          expect(narrow.high).toBeLessThanOrEqual(wide.high);
        }
      }),
    );
  });

  it("p is below 1 − confidence exactly when the interval excludes 0", () => {
    fc.assert(
      fc.property(values, (a) => {
        const { low, high, pValue } = tInterval(a, 0.9);
        fc.pre(Math.abs(pValue - 0.1) > 1e-9);
        expect(pValue < 0.1).toBe(low > 0 || high < 0);
      }),
    );
  });

  it("pairs are their differences, and swapping mirrors", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer(), fc.integer()), { minLength: 2, maxLength: 20 }), (pairs) => {
        const [a, b] = [pairs.map(([x]) => x), pairs.map(([, y]) => y)];
        const paired = pairedTInterval(a, b, 0.95);
        const differences = pairs.map(([x, y]) => x - y);
        expect(paired).toEqual(tInterval(differences, 0.95));
        const mirrored = welchInterval(b, a, 0.95);
        expect(deviation(mirrored.low, -welchInterval(a, b, 0.95).high, 1e-12, 1e-9, "mirror")).toBeUndefined();
      }),
    );
  });
});

it("covers the true mean as often as it says", () => {
  const random = new Random(42);
  const [runs, mean] = [4000, 3];
  const hits = { one: 0, welch: 0 };
  for (let run = 0; run < runs; run++) {
    const a = Array.from({ length: 9 }, () => mean + random.normal());
    const b = Array.from({ length: 14 }, () => 4 * random.normal());
    const [one, welch] = [tInterval(a, 0.95), welchInterval(a, b, 0.95)];
    hits.one += one.low <= mean && mean <= one.high ? 1 : 0;
    hits.welch += welch.low <= mean && mean <= welch.high ? 1 : 0;
  }
  // 0.95 ± four binomial standard errors of 4000 runs
  for (const count of Object.values(hits)) expect(Math.abs(count / runs - 0.95)).toBeLessThan(0.0138);
});

it("without any spread the interval is a point and the evidence all or nothing", () => {
  expect(tInterval([2, 2, 2], 0.99)).toMatchObject({ estimate: 2, low: 2, high: 2, pValue: 0 });
  expect(tInterval([0, 0], 0.99)).toMatchObject({ low: 0, high: 0, pValue: 1, t: 0 });
  expect(welchInterval([1, 1], [1, 1, 1], 0.9)).toMatchObject({ low: 0, high: 0, pValue: 1, degreesOfFreedom: 3 });
});

it("refuses what it cannot use", () => {
  expect(codeOf(() => tInterval([1], 0.9))).toBe("STATS_TOO_FEW_SAMPLES");
  expect(codeOf(() => welchInterval([1, 2], [Number.NaN, 1], 0.9))).toBe("STATS_SAMPLE_INVALID");
  expect(codeOf(() => tInterval([1, 2], 1))).toBe("STATS_ARGUMENT_INVALID");
  expect(codeOf(() => pairedTInterval([1, 2], [1, 2, 3], 0.9))).toBe("STATS_ARGUMENT_INVALID");
});
