import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  chiSquaredCdf,
  chiSquaredQuantile,
  chiSquaredSurvival,
  fCdf,
  fQuantile,
  fSurvival,
  normalCdf,
  normalDensity,
  normalQuantile,
  normalSurvival,
  studentTCdf,
  studentTQuantile,
  studentTSurvival,
} from "../src/distributions.ts";
import { logBeta, logGamma } from "../src/special-functions.ts";
import { codeOf, distributionRows, deviation } from "./oracle.ts";

/** Name of the oracle's rows → the functions under test in the order of the row's expected values. */
const table: [name: string, parameters: number, ...((...args: number[]) => number)[]][] = [
  ["logGamma", 1, (x) => logGamma(x)],
  ["logBeta", 2, (a, b) => logBeta(a, b)],
  ["normal", 1, (x) => normalCdf(x), (x) => normalSurvival(x), (x) => normalDensity(x)],
  ["normalQuantile", 1, (p) => normalQuantile(p)],
  ["studentT", 2, (t, df) => studentTCdf(t, df), (t, df) => studentTSurvival(t, df)],
  ["studentTQuantile", 2, (p, df) => studentTQuantile(p, df)],
  ["chiSquared", 2, (x, df) => chiSquaredCdf(x, df), (x, df) => chiSquaredSurvival(x, df)],
  ["chiSquaredQuantile", 2, (p, df) => chiSquaredQuantile(p, df)],
  ["f", 3, (x, a, b) => fCdf(x, a, b), (x, a, b) => fSurvival(x, a, b)],
  ["fQuantile", 3, (p, a, b) => fQuantile(p, a, b)],
];

describe("against SciPy and R, relative error 1e-10, tails included", () => {
  it.each(table)("%s", (name, parameters, ...functions) => {
    for (const row of distributionRows(name)) {
      const given = row.slice(0, parameters);
      functions.forEach((compute, i) => {
        // The floor is for ln Γ and ln B near their zeros, and for what the references themselves flush to 0.
        expect(
          deviation(compute(...given), row[parameters + i]!, 1e-10, 1e-14, `${name}(${given.join(", ")})[${i}]`),
        ).toBeUndefined();
      });
    }
  });
});

describe("far tails keep their digits", () => {
  it("of the normal distribution", () => {
    for (const [x, , survival] of distributionRows("normal").filter((row) => row[2]! > 0)) {
      expect(deviation(normalSurvival(x!), survival!, 1e-12, 0, `survival(${x})`)).toBeUndefined();
    }
  });
  it("of Student's", () => {
    for (const [t, df, , survival] of distributionRows("studentT").filter((row) => row[3]! > 1e-290)) {
      expect(deviation(studentTSurvival(t!, df!), survival!, 1e-9, 0, `survival(${t}, ${df})`)).toBeUndefined();
    }
  });
});

describe("laws", () => {
  const degrees = fc.double({ min: 0.2, max: 1e6, noNaN: true });
  const level = fc.double({ min: 1e-9, max: 1 - 1e-9, noNaN: true });

  it("a quantile is where the distribution function has that level", () => {
    fc.assert(
      fc.property(level, degrees, degrees, (p, a, b) => {
        expect(deviation(normalCdf(normalQuantile(p)), p, 1e-12, 0, "normal")).toBeUndefined();
        expect(deviation(studentTCdf(studentTQuantile(p, a), a), p, 1e-10, 0, "t")).toBeUndefined();
        const x = fQuantile(p, a, b);
        // Where the function is steep at the scale of one number's rounding, only the neighbours can be asked.
        expect(fCdf(x * (1 - 1e-9), a, b)).toBeLessThanOrEqual(p * (1 + 1e-9));
        expect(fCdf(x * (1 + 1e-9), a, b)).toBeGreaterThanOrEqual(p * (1 - 1e-9));
      }),
      { numRuns: 60 },
    );
  });

  it("t with 1 degree is Cauchy's, F with 1 is the square of t, and t with very many is normal", () => {
    fc.assert(
      fc.property(fc.double({ min: -50, max: 50, noNaN: true }), degrees, (t, df) => {
        expect(deviation(studentTCdf(t, 1), 0.5 + Math.atan(t) / Math.PI, 1e-11, 1e-15, "Cauchy")).toBeUndefined();
        expect(
          deviation(fSurvival(t * t, 1, df), 2 * studentTSurvival(Math.abs(t), df), 1e-9, 1e-14, "F(1)"),
        ).toBeUndefined();
        expect(deviation(studentTCdf(t, Number.POSITIVE_INFINITY), normalCdf(t), 0, 0, "t(∞)")).toBeUndefined();
        expect(deviation(studentTCdf(t, 9e10), normalCdf(t), 1e-6, 1e-11, "t(9e10)")).toBeUndefined();
      }),
    );
  });

  it("ends give infinities", () => {
    expect([normalQuantile(0), normalQuantile(1)]).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
    expect([studentTQuantile(0, 3), studentTQuantile(0.5, 3)]).toEqual([Number.NEGATIVE_INFINITY, 0]);
    expect([studentTCdf(Number.NEGATIVE_INFINITY, 3), studentTSurvival(Number.POSITIVE_INFINITY, 3)]).toEqual([0, 0]);
    expect([chiSquaredQuantile(0, 2), fQuantile(1, 2, 2)]).toEqual([0, Number.POSITIVE_INFINITY]);
  });

  it("refuses levels and degrees out of range", () => {
    const wrong = [
      () => normalQuantile(-0.1),
      () => normalQuantile(Number.NaN),
      () => studentTQuantile(1.1, 3),
      () => studentTCdf(1, 0),
      () => studentTCdf(1, Number.NaN),
      () => fCdf(1, -1, 2),
      () => chiSquaredCdf(1, Number.POSITIVE_INFINITY),
    ];
    for (const act of wrong) expect(codeOf(act)).toBe("STATS_ARGUMENT_INVALID");
  });
});

it("the normal distribution at ±∞ and NaN", () => {
  expect([normalCdf(Number.NEGATIVE_INFINITY), normalCdf(Number.POSITIVE_INFINITY)]).toEqual([0, 1]);
  expect([normalSurvival(Number.POSITIVE_INFINITY), normalCdf(Number.NaN)]).toEqual([0, Number.NaN]);
});
