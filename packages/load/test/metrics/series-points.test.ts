import fc from "fast-check";
import { expect, test } from "vitest";
import { SeriesPoints } from "../../src/metrics/series-points.ts";

const columns = [
  { name: "mean", joining: "mean" },
  { name: "min", joining: "least" },
  { name: "max", joining: "greatest" },
  { name: "last", joining: "last" },
  { name: "count", joining: "sum" },
] as const;

const step = fc.option(
  fc.record({ values: fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 1, maxLength: 5 }) }),
);

test("however long the run, points say of their stretch what its samples say", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const points = new SeriesPoints(columns, 8, 1000);
      steps.forEach((each, index) => {
        const { values = [] } = each ?? {};
        const nothing = values.length === 0;
        const mean = values.reduce((a, b) => a + b, 0) / values.length;
        points.push(
          index * 1000,
          nothing
            ? [Number.NaN, Number.NaN, Number.NaN, Number.NaN, 0]
            : [mean, Math.min(...values), Math.max(...values), values.at(-1)!, values.length],
        );
      });
      const series = points.series();
      if (steps.length === 0) {
        expect(series).toBeUndefined();
        return;
      }
      const { atMs, values } = series!;
      expect(atMs.length).toBeLessThanOrEqual(8);
      const width = points.stepMs / 1000;
      expect(Math.log2(width) % 1).toBe(0);
      expect(atMs.length).toBe(Math.ceil(steps.length / width));
      atMs.forEach((at, point) => {
        expect(at).toBe(point * width * 1000);
        const own = steps.slice(point * width, (point + 1) * width).flatMap((each) => each?.values ?? []);
        expect(values["count"]![point]).toBe(own.length);
        if (own.length === 0) {
          expect(values["min"]![point]).toBeNull();
          return;
        }
        expect(values["min"]![point]).toBe(Math.min(...own));
        expect(values["max"]![point]).toBe(Math.max(...own));
        expect(values["last"]![point]).toBe(own.at(-1));
        expect(values["mean"]![point]).toBeCloseTo(own.reduce((a, b) => a + b, 0) / own.length, 9);
      });
    }),
  );
});

test("the newest values of a column", () => {
  const points = new SeriesPoints([{ name: "v", joining: "last" }], 100, 1000);
  for (let i = 0; i < 10; i++) points.push(i, [i]);
  expect(points.latest("v", 3)).toEqual([7, 8, 9]);
  expect(points.latest("w", 3)).toEqual([]);
});
