import fc from "fast-check";
import { expect, test } from "vitest";
import { normalTwoSided } from "../src/distributions.ts";
import { atRank, differences } from "../src/hodges-lehmann.ts";
import { hodgesLehmannShift, rankShiftDeviate } from "../src/internal-rank-shift.ts";
import { oracle, relativeError } from "./oracle-trends.ts";

const sorted = (values: readonly number[]): Float64Array => Float64Array.from(values).sort();

/** Few levels, so that ties are common. */
const sample = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 25 }).map(sorted);

function allDifferences(before: Float64Array, after: Float64Array): Float64Array {
  return sorted(Array.from(before).flatMap((b) => Array.from(after, (a) => a - b)));
}

test("the k-th difference is that of the sorted list of all", () => {
  fc.assert(
    fc.property(sample, sample, (before, after) => {
      const all = allDifferences(before, after);
      expect(Float64Array.from(all, (_, k) => atRank(differences(after, before), k + 1))).toEqual(all);
    }),
  );
});

test("the k-th difference is exact for values without ties and of any size", () => {
  const reals = fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 15 }).map(sorted);
  fc.assert(
    fc.property(reals, reals, (before, after) => {
      const all = allDifferences(before, after);
      all.forEach((difference, k) => {
        // Equal as numbers: the sort puts −0 before 0, which differ in nothing else.
        expect(atRank(differences(after, before), k + 1) - difference).toBeCloseTo(0, 12);
      });
    }),
  );
});

test("the rank deviate counts pairs: positive when after lies higher, antisymmetric", () => {
  fc.assert(
    fc.property(sample, sample, (before, after) => {
      const wins = allDifferences(before, after).reduce((sum, difference) => sum + Math.sign(difference), 0);
      const deviate = rankShiftDeviate(before, after);
      expect(Math.sign(Math.round(deviate * 1e9))).toBe(Math.sign(wins));
      expect(rankShiftDeviate(after, before)).toBeCloseTo(-deviate, 9);
    }),
  );
});

test("the p-value is R's wilcox.test (no ties) and SciPy's mannwhitneyu (ties)", () => {
  for (const { before, after, pValue } of [oracle.rankShift, oracle.rankShiftTied]) {
    const own = normalTwoSided(rankShiftDeviate(sorted(before), sorted(after)));
    expect(relativeError(own, pValue)).toBeLessThan(1e-9);
  }
});

test("the shift and its interval are R's", () => {
  const before = sorted(oracle.rankShift.before);
  const after = sorted(oracle.rankShift.after);
  // R's exact interval takes the differences of this rank from either end; a critical value that gives the same rank
  // must give the same interval.
  const pairs = before.length * after.length;
  const error = Math.sqrt((pairs * (before.length + after.length + 1)) / 12);
  const critical = (pairs / 2 - oracle.rankShift.rank - 0.5) / error;
  const own = hodgesLehmannShift(before, after, critical);
  expect(own.shift).toBeCloseTo(oracle.rankShift.shift, 9);
  expect(own.low).toBeCloseTo(oracle.rankShift.low, 9);
  expect(own.high).toBeCloseTo(oracle.rankShift.high, 9);
});
