import { Random } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { changePoints } from "../src/change-points.ts";
import { noiseFamilies, seriesWithStep } from "./noise-families.ts";
import { oracle } from "./oracle-trends.ts";

const [normal] = noiseFamilies;
if (!normal) throw new Error("no noise family");

/** 300 series a cell: at a true rate of 1 %, more than 9 flagged (3 %) has a chance below 1 in 1000. */
const seriesPerCell = 300;
const n = 200;

describe.each(noiseFamilies.map((family, i) => ({ family, seed: 40 + i })))(
  "$family.name noise",
  ({ family, seed }) => {
    test("at most 2 % of series without a change show one", () => {
      const random = new Random(seed);
      let flagged = 0;
      for (let i = 0; i < seriesPerCell; i++) {
        if (changePoints(seriesWithStep(family, n, n, 0, random)).points.length > 0) flagged += 1;
      }
      expect(flagged / seriesPerCell).toBeLessThanOrEqual(0.02);
    });

    test("steps of 2.5 deviations are found within 5 values", () => {
      const random = new Random(1000 + seed);
      let found = 0;
      for (let i = 0; i < seriesPerCell; i++) {
        const at = 30 + random.below(141);
        const { points } = changePoints(seriesWithStep(family, n, at, 2.5, random));
        if (points.some((point) => Math.abs(point.index - at) <= 5)) found += 1;
      }
      expect(found / seriesPerCell).toBeGreaterThanOrEqual(family.name.startsWith("AR") ? 0.8 : 0.95);
    });
  },
);

test("the interval of the shift covers the true one as often as promised", () => {
  const random = new Random(11);
  let covered = 0;
  const runs = 300;
  for (let i = 0; i < runs; i++) {
    const { points } = changePoints(seriesWithStep(normal, n, 100, 4, random), { confidence: 0.95 });
    const [point] = points;
    if (point && point.low <= 4 && 4 <= point.high) covered += 1;
  }
  // 0.95 less three binomial standard errors; above it because the correlation is taken one standard error high.
  expect(covered / runs).toBeGreaterThan(0.912);
  expect(covered / runs).toBeLessThan(1);
});

test("several steps up and down are all found, in order, with their sizes", () => {
  const random = new Random(5);
  const levels = [100, 106, 103, 110, 100];
  const values = Float64Array.from({ length: 300 }, (_, i) => (levels[Math.floor(i / 60)] ?? 0) + random.normal());
  const { points, segments } = changePoints(values);
  expect(points.map((point) => Math.round(point.index / 60))).toEqual([1, 2, 3, 4]);
  points.forEach((point, i) => {
    expect(Math.abs(point.index - 60 * (i + 1))).toBeLessThanOrEqual(2);
    const truth = (levels[i + 1] ?? 0) - (levels[i] ?? 0);
    // Four standard errors; how often the interval covers is a test of its own.
    expect(Math.abs(point.shift - truth)).toBeLessThan(0.75);
    expect(point.shift).toBeGreaterThanOrEqual(point.low);
    expect(point.shift).toBeLessThanOrEqual(point.high);
    expect(point.pValue).toBeLessThan(0.01);
  });
  expect(segments.map((segment) => segment.from)).toEqual([0, ...points.map((point) => point.index)]);
  expect(segments.map((segment) => segment.to)).toEqual([...points.map((point) => point.index), 300]);
  for (const segment of segments) expect(Math.abs(segment.spread - 1)).toBeLessThan(0.5);
});

test("the flow of the Nile fell after 1898, and only then", () => {
  const nile = oracle.segmentations.find(({ name }) => name === "Nile")?.values ?? [];
  expect(changePoints(nile).points.map((point) => 1871 + point.index)).toEqual([1899]);
});

test("outliers are no change and do not hide one", () => {
  const random = new Random(2);
  const values = Float64Array.from({ length: 100 }, (_, i) => (i < 50 ? 10 : 14) + random.normal());
  for (const at of [10, 30, 31, 70, 99]) values[at] = 1e6;
  expect(changePoints(values).points.map((point) => point.index)).toEqual([50]);
});

test("autocorrelation is estimated in spite of steps", () => {
  const family = noiseFamilies.find(({ name }) => name.startsWith("AR"));
  const values = family?.make(2000, new Random(8)).map((value, i) => value + (i >= 1000 ? 6 : 0)) ?? [];
  const { autocorrelation, points } = changePoints(values);
  // The standard error of r at n = 2000 is 0.02.
  expect(Math.abs(autocorrelation - 0.5)).toBeLessThan(0.06);
  expect(points).toHaveLength(1);
});

test("changes smaller than the margin are not reported, larger ones are", () => {
  const values = seriesWithStep(normal, n, 100, 5, new Random(4));
  expect(changePoints(values, { minimumEffect: 0.03 }).points).toHaveLength(1);
  expect(changePoints(values, { minimumEffect: 0.08 }).points).toHaveLength(0);
});

test("coarse and noiseless values", () => {
  const step = Float64Array.from({ length: 40 }, (_, i) => (i < 20 ? 3 : 4));
  expect(changePoints(step).points).toMatchObject([{ index: 20, before: 3, after: 4, shift: 1, low: 1, high: 1 }]);
  const constant = changePoints(new Float64Array(40).fill(7));
  expect(constant).toEqual({ points: [], segments: [{ from: 0, to: 40, median: 7, spread: 0 }], autocorrelation: 0 });
  const random = new Random(6);
  const coarse = Float64Array.from({ length: 200 }, (_, i) => Math.round(random.normal() * 0.6) + (i < 100 ? 0 : 1));
  expect(changePoints(coarse).points).toHaveLength(1);
});

test("the result follows a change of unit and origin", () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.constantFrom(1e-9, 0.25, 8, 2 ** 40),
      fc.constantFrom(0, -512, 4096),
      (seed, factor, origin) => {
        const values = seriesWithStep(normal, 80, 40, 3, new Random(seed));
        const plain = changePoints(values);
        const moved = changePoints(values.map((value) => (value + origin) * factor));
        expect(moved.points.map((point) => point.index)).toEqual(plain.points.map((point) => point.index));
        moved.points.forEach((point, i) => {
          expect(point.shift / factor).toBeCloseTo(plain.points[i]?.shift ?? Number.NaN, 6);
        });
      },
    ),
    { numRuns: 50 },
  );
});

test("any series: segments cover it, none is shorter than asked, changes lie between", () => {
  const series = fc.array(fc.oneof(fc.integer({ min: 0, max: 5 }), fc.double({ min: -1e12, max: 1e12, noNaN: true })), {
    minLength: 6,
    maxLength: 120,
  });
  fc.assert(
    fc.property(series, (values) => {
      const { points, segments, autocorrelation } = changePoints(values, { minimumSegment: 3 });
      expect(segments.length).toBe(points.length + 1);
      expect(segments[0]?.from).toBe(0);
      expect(segments.at(-1)?.to).toBe(values.length);
      for (const { from, to } of segments) expect(to - from).toBeGreaterThanOrEqual(3);
      expect(Math.abs(autocorrelation)).toBeLessThanOrEqual(1);
    }),
    // Values of the most different sizes: what squares overflow or vanish on was found here.
    { numRuns: 1000 },
  );
});

test("what cannot be judged is refused", () => {
  expect(() => changePoints([1, 2, 3])).toThrow(expect.objectContaining({ code: "STATS_TOO_FEW_SAMPLES" }));
  expect(() => changePoints([...Array(20).keys(), Number.NaN])).toThrow(
    expect.objectContaining({ code: "STATS_SAMPLE_INVALID" }),
  );
  expect(() => changePoints([...Array(20).keys(), Number.POSITIVE_INFINITY])).toThrow(
    expect.objectContaining({ code: "STATS_SAMPLE_INVALID" }),
  );
  for (const options of [{ confidence: 1 }, { minimumEffect: -1 }, { minimumSegment: 1 }, { minimumSegment: 2.5 }]) {
    expect(() => changePoints([...Array(20).keys()], options)).toThrow(
      expect.objectContaining({ code: "STATS_ARGUMENT_INVALID" }),
    );
  }
});
