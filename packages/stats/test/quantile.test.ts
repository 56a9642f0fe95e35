import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { labelOutliers } from "../src/outliers.ts";
import { median, medianAbsoluteDeviation, nearestRank, quantile } from "../src/quantile.ts";
import { summarize } from "../src/summary.ts";
import { codeOf, deviation, oracle, sample } from "./oracle.ts";

const finite = fc.double({ min: -1e9, max: 1e9, noNaN: true });
const values = fc.array(finite, { minLength: 1, maxLength: 50 });

describe("against NumPy (type 7) and the definition of nearest rank in exact fractions", () => {
  it("quantiles", () => {
    for (const [name, q, linear, nearest] of oracle.quantiles) {
      expect(deviation(quantile(sample(name), q!), linear!, 1e-14, 0, `${name} ${q} linear`)).toBeUndefined();
      expect(quantile(sample(name), q!, "nearest-rank"), `${name} ${q}`).toBe(nearest);
    }
  });

  it("mean, standard deviation, median and median absolute deviation", () => {
    for (const [name, mean, stddev, middle, spread] of oracle.moments) {
      const summary = summarize(sample(name));
      expect(deviation(summary.mean!, mean!, 1e-15, 0, `${name} mean`)).toBeUndefined();
      expect(deviation(summary.stddev!, stddev!, 1e-12, 0, `${name} stddev`)).toBeUndefined();
      expect(deviation(median(sample(name)), middle!, 1e-15, 0, `${name} median`)).toBeUndefined();
      expect(deviation(medianAbsoluteDeviation(sample(name)), spread!, 1e-13, 0, `${name} deviation`)).toBeUndefined();
    }
  });
});

describe("laws", () => {
  it("a quantile never decreases with q, stays within the samples, and nearest-rank is one of them", () => {
    fc.assert(
      fc.property(
        values,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (x, a, b) => {
          const [low, high] = [Math.min(a, b), Math.max(a, b)];
          expect(quantile(x, low)).toBeLessThanOrEqual(quantile(x, high));
          expect(quantile(x, 0) + 0).toBe(Math.min(...x) + 0);
          expect(quantile(x, 1) + 0).toBe(Math.max(...x) + 0);
          expect(x.map((v) => v + 0)).toContain(quantile(x, a, "nearest-rank") + 0);
        },
      ),
    );
  });

  it("values may lie further apart than the largest number", () => {
    expect(quantile([-1.7e308, 1.7e308], 0.75)).toBeCloseTo(0.85e308, -295);
  });

  it("scaling the samples scales every statistic", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 2, maxLength: 50 }), (x) => {
        const [once, twice] = [summarize(x), summarize(x.map((v) => 8 * v))];
        for (const key of ["mean", "stddev", "min", "p50", "max"] as const) {
          expect(deviation(twice[key]!, 8 * once[key]!, 1e-13, 0, key)).toBeUndefined();
        }
        expect(medianAbsoluteDeviation(x.map((v) => v * -4))).toBe(4 * medianAbsoluteDeviation(x));
      }),
    );
  });

  it("nearestRank is the least rank with at least q of the samples at or below it", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 0, max: 10_000 }), (count, q) => {
        // In whole numbers: the least k ≥ 1 with k · 10000 ≥ q · count.
        expect(nearestRank(q / 10_000, count)).toBe(Math.max(1, Math.ceil((q * count) / 10_000)));
      }),
    );
  });

  it("the input is not modified", () => {
    const x = Object.freeze([3, 1, 2]);
    expect(summarize(x).p50).toBe(2);
    expect(labelOutliers(x).labels).toEqual(["inside", "inside", "inside"]);
    expect(x).toEqual([3, 1, 2]);
  });
});

describe("summarize", () => {
  it("reports a percentile from the count on at which one sample lies beyond it", () => {
    const keys = (count: number): string[] => Object.keys(summarize(new Float64Array(count).fill(1)));
    expect(keys(1)).toEqual(["count", "mean", "min", "p50", "max"]);
    const from = { stddev: 2, p75: 4, p90: 10, p95: 20, p99: 100, p999: 1000 };
    for (const [key, count] of Object.entries(from)) {
      expect(keys(count - 1)).not.toContain(key);
      expect(keys(count)).toContain(key);
    }
  });

  it("a spread far below the mean keeps its digits", () => {
    const summary = summarize([1e15 + 1, 1e15 + 2, 1e15 + 3]);
    expect([summary.mean, summary.stddev]).toEqual([1e15 + 2, 1]);
  });
});

describe("labelOutliers", () => {
  it("labels by Tukey's fences and drops nothing", () => {
    // By hand: Q1 = 4 and Q3 = 10, so a range of 6.
    const x = [4, 4, 4, 4, 10, 10, 10, 10, -5, -5.1, -14.1, 19, 19.1, 28.1];
    const sorted = x.toSorted((a, b) => a - b);
    const [q1, q3] = [quantile(sorted, 0.25), quantile(sorted, 0.75)];
    expect([q1, q3]).toEqual([4, 10]);
    const { counts, labels, fences } = labelOutliers(x);
    expect(fences).toEqual({ lowSevere: -14, lowMild: -5, highMild: 19, highSevere: 28 });
    expect(counts).toEqual({ lowSevere: 1, lowMild: 1, highMild: 1, highSevere: 1 });
    expect(labels.slice(8)).toEqual(["inside", "lowMild", "lowSevere", "inside", "highMild", "highSevere"]);
  });

  it("gives the same labels after a shift and a change of unit", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 40 }), (x) => {
        expect(labelOutliers(x.map((v) => 4 * v - 64)).labels).toEqual(labelOutliers(x).labels);
        expect(labelOutliers(x.map((v) => -v)).counts.lowMild).toBe(labelOutliers(x).counts.highMild);
      }),
    );
  });
});

it("refuses NaN, infinities, nothing, and levels out of range", () => {
  for (const compute of [median, medianAbsoluteDeviation, summarize, labelOutliers]) {
    expect(codeOf(() => compute([1, Number.NaN]))).toBe("STATS_SAMPLE_INVALID");
    expect(codeOf(() => compute([Number.POSITIVE_INFINITY]))).toBe("STATS_SAMPLE_INVALID");
    expect(codeOf(() => compute([]))).toBe("STATS_TOO_FEW_SAMPLES");
  }
  expect(codeOf(() => quantile([1], 1.01))).toBe("STATS_ARGUMENT_INVALID");
  expect(codeOf(() => quantile([1], Number.NaN))).toBe("STATS_ARGUMENT_INVALID");
});
