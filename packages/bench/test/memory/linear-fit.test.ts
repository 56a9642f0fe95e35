import fc from "fast-check";
import { expect, test } from "vitest";
import { fitLine, studentT } from "../../src/memory/linear-fit.ts";

// Oracle: R 4.2, sprintf("%.15g", qt(0.5 + confidence / 2, df)); SciPy 1.10 is right to nine digits only.
test.each([
  [1, 0.95, 12.7062047361747],
  [2, 0.99, 9.92484320091829],
  [5, 0.95, 2.57058183563631],
  [10, 0.99, 3.16927267261695],
  [38, 0.99, 2.71155760191308],
  [3.7, 0.95, 2.86752070719119],
  [200, 0.999, 3.33983540627571],
])("Student's t with %d degrees of freedom covers %d within ±%d", (degrees, confidence, expected) => {
  expect(Math.abs(studentT(degrees, confidence) / expected - 1)).toBeLessThan(1e-12);
});

test("agrees with scipy.stats.linregress", () => {
  const fit = fitLine([1, 2, 3, 5, 8], [2.1, 3.9, 6.2, 9.7, 16.4]);
  expect(fit?.slope).toBeCloseTo(2.034415584415584, 12);
  expect(fit?.intercept).toBeCloseTo(-0.07077922077921972, 12);
  expect(fit?.standardError).toBeCloseTo(0.05258671261149987, 12);
});

test("residuals add up to nothing, whatever the points", () => {
  const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: -1000, max: 1000 }), value), { minLength: 3 }), (points) => {
      const xs = points.map(([x]) => x);
      const fit = fitLine(
        xs,
        points.map(([, y]) => y),
      );
      const left = fit?.residuals.reduce((sum, residual) => sum + residual, 0);
      expect(fit === undefined).toBe(new Set(xs).size === 1);
      expect(Math.abs(left ?? 0)).toBeLessThan(1e-2);
    }),
  );
});

test("two points have no error of a slope", () => {
  expect(fitLine([1, 2], [1, 2])).toBeUndefined();
});
