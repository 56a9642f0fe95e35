import { Random } from "@mettle/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { clippedSegmentation } from "../src/robust-segmentation.ts";

const clip = 3;

/**
 * Least clipped cost of one level, the slow obvious way: the values that are not clipped are neighbours in order, so
 * the best level is the mean of some run of the sorted values.
 */
function levelCost(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  let best = Number.POSITIVE_INFINITY;
  for (let from = 0; from < sorted.length; from++) {
    for (let to = from + 1; to <= sorted.length; to++) {
      const run = sorted.slice(from, to);
      const level = run.reduce((sum, value) => sum + value, 0) / run.length;
      best = Math.min(
        best,
        values.reduce((sum, value) => sum + Math.min((value - level) ** 2, clip * clip), 0),
      );
    }
  }
  return best;
}

function segmentationCost(values: readonly number[], changes: readonly number[], penalty: number): number {
  const bounds = [0, ...changes, values.length];
  return bounds.slice(1).reduce((sum, to, i) => sum + levelCost(values.slice(bounds[i], to)), penalty * changes.length);
}

/** Every segmentation by recursion on the last change. */
function leastCost(values: readonly number[], penalty: number): number {
  const best = [-penalty];
  for (let to = 1; to <= values.length; to++) {
    best.push(Math.min(...best.map((cost, from) => cost + levelCost(values.slice(from, to)) + penalty)));
  }
  return best[values.length] ?? Number.NaN;
}

test("no segmentation costs less", () => {
  const values = fc.array(fc.double({ min: -12, max: 12, noNaN: true }), { minLength: 2, maxLength: 14 });
  fc.assert(
    fc.property(values, fc.double({ min: 0.5, max: 15, noNaN: true }), (series, penalty) => {
      const found = clippedSegmentation(series, penalty, clip);
      const least = leastCost(series, penalty);
      expect(segmentationCost(series, found, penalty)).toBeLessThanOrEqual(least + 1e-6 * Math.max(1, least));
    }),
    { numRuns: 200 },
  );
});

test("no segmentation costs less on steps with ties and outliers", () => {
  const random = new Random(3);
  for (let run = 0; run < 40; run++) {
    const series = Array.from(
      { length: 16 },
      (_, i) => (i < 7 ? 0 : 4) + Math.round(random.normal()) + (i === 3 ? 30 : 0),
    );
    const found = clippedSegmentation(series, 6, clip);
    expect(segmentationCost(series, found, 6)).toBeLessThanOrEqual(leastCost(series, 6) + 1e-6);
  }
});

test("an outlier, however far, is not a segment", () => {
  expect(clippedSegmentation([0, 0, 0, 1e6, 0, 0, 0], 6, clip)).toEqual([]);
  expect(clippedSegmentation([0, 0, 0, 0, 5, 5, 5, 5], 6, clip)).toEqual([4]);
});

test("series of no or one value and constant series have no change", () => {
  expect(clippedSegmentation([], 6, clip)).toEqual([]);
  expect(clippedSegmentation([4], 6, clip)).toEqual([]);
  expect(clippedSegmentation(new Float64Array(50).fill(4), 6, clip)).toEqual([]);
});
