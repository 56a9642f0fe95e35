import { Random } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { pelt } from "../src/pelt.ts";
import { noiseFamilies, seriesWithStep } from "./noise-families.ts";
import { oracle } from "./oracle-trends.ts";

function squaresAbout(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
}

interface Cost {
  readonly perChange: number;
  /** The MBIC length term. */
  readonly lengths: boolean;
}

function costOf(values: readonly number[], changes: readonly number[], { perChange, lengths }: Cost): number {
  const bounds = [0, ...changes, values.length];
  return bounds.slice(1).reduce((sum, to, i) => {
    const part = values.slice(bounds[i], to);
    return sum + squaresAbout(part) + (lengths ? Math.log(part.length / values.length) : 0);
  }, perChange * changes.length);
}

/** Optimal partitioning without pruning. */
function leastCost(values: readonly number[], minimumSegment: number, { perChange, lengths }: Cost): number {
  const n = values.length;
  const best = [-perChange];
  for (let to = 1; to <= n; to++) {
    const ends = best.map((cost, from) => {
      if (to - from < minimumSegment) return Number.POSITIVE_INFINITY;
      const part = values.slice(from, to);
      return cost + squaresAbout(part) + (lengths ? Math.log(part.length / n) : 0) + perChange;
    });
    best.push(Math.min(...ends));
  }
  return best[n] ?? Number.NaN;
}

describe("no segmentation costs less", () => {
  const series = fc.array(fc.integer({ min: -6, max: 6 }), { minLength: 8, maxLength: 40 });

  test.each(["bic", "mbic", 3] as const)("penalty %s", (penalty) => {
    fc.assert(
      fc.property(series, fc.integer({ min: 1, max: 4 }), (values, minimumSegment) => {
        const logarithm = Math.log(values.length);
        const perChange = penalty === "bic" ? 2 * logarithm : penalty === "mbic" ? 3 * logarithm : penalty;
        const cost = { perChange, lengths: penalty === "mbic" };
        const found = pelt(values, { penalty, minimumSegment, deviation: 1 });
        const bounds = [0, ...found, values.length];
        bounds.slice(1).forEach((to, i) => {
          expect(to - (bounds[i] ?? 0)).toBeGreaterThanOrEqual(minimumSegment);
        });
        expect(costOf(values, found, cost)).toBeLessThanOrEqual(leastCost(values, minimumSegment, cost) + 1e-9);
      }),
      { numRuns: 300 },
    );
  });
});

test.each(oracle.segmentations)(
  "$name: the segmentations of R's strucchange",
  ({ values, least, squares, changes }) => {
    let compared = 0;
    for (const penalty of [10, 20, 50, 100, 200].map((factor) => (factor * (squares[0] ?? 0)) / 1000)) {
      const found = pelt(values, { penalty, minimumSegment: least, deviation: 1 });
      // R was asked for six changes at most; a penalty that wants more is not to be compared.
      if (found.length >= squares.length) continue;
      const costs = squares.map((sum, count) => sum + penalty * count);
      expect(found).toEqual([changes[costs.indexOf(Math.min(...costs))]].flat());
      compared += 1;
    }
    expect(compared).toBeGreaterThanOrEqual(3);
  },
);

test("steps in normal noise are found, and few where there are none", () => {
  const [normal] = noiseFamilies;
  if (!normal) throw new Error("no noise family");
  const random = new Random(21);
  let [flagged, found] = [0, 0];
  for (let i = 0; i < 200; i++) {
    if (pelt(seriesWithStep(normal, 200, 200, 0, random)).length > 0) flagged += 1;
    if (pelt(seriesWithStep(normal, 200, 90, 2.5, random)).some((index) => Math.abs(index - 90) <= 5)) found += 1;
  }
  expect(flagged / 200).toBeLessThan(0.07);
  expect(found / 200).toBeGreaterThan(0.97);
});

test("constant series have no change; nonsense is refused", () => {
  expect(pelt(new Float64Array(20).fill(3))).toEqual([]);
  expect(() => pelt([1, 2])).toThrow(expect.objectContaining({ code: "STATS_TOO_FEW_SAMPLES" }));
  expect(() => pelt([1, 2, Number.NaN, 4, 5])).toThrow(expect.objectContaining({ code: "STATS_SAMPLE_INVALID" }));
  for (const options of [{ penalty: -1 }, { minimumSegment: 0 }, { deviation: -1 }, { penalty: Number.NaN }]) {
    expect(() => pelt([1, 2, 3, 4, 5, 6], options)).toThrow(
      expect.objectContaining({ code: "STATS_ARGUMENT_INVALID" }),
    );
  }
});
