import { describe, expect, test } from "vitest";
import {
  normalQuantile,
  normalTwoSided,
  normalSurvival,
  studentTCritical,
  studentTTwoSided,
} from "../src/distributions.ts";
import { oracle, relativeError } from "./oracle-trends.ts";

describe("distributions agree with SciPy", () => {
  test.each(oracle.normalUpperTail)("P(Z > %d)", (z, expected) => {
    expect(relativeError(normalSurvival(z), expected)).toBeLessThan(1e-12);
    expect(relativeError(normalTwoSided(z), 2 * Math.min(expected, 1 - expected))).toBeLessThan(1e-9);
  });

  test.each(oracle.normalQuantile)("normal quantile %d", (q, expected) => {
    expect(relativeError(normalQuantile(q), expected)).toBeLessThan(1e-11);
  });

  test.each(oracle.studentTwoSided)("P(|T| > %d), %d degrees", (t, degrees, expected) => {
    expect(relativeError(studentTTwoSided(t, degrees), expected)).toBeLessThan(1e-9);
  });

  test.each(oracle.studentCritical)("critical t at %d, %d degrees", (confidence, degrees, expected) => {
    expect(relativeError(studentTCritical(confidence, degrees), expected)).toBeLessThan(1e-9);
  });
});

// Fractional degrees come from autocorrelated residuals. R 4.2: sprintf("%.15g", qt(0.5 + confidence / 2, df)).
test.each([
  [1, 0.95, 12.7062047361747],
  [2, 0.99, 9.92484320091829],
  [3.7, 0.95, 2.86752070719119],
  [38, 0.99, 2.71155760191308],
  [200, 0.999, 3.33983540627571],
])("with %d degrees of freedom, %d lies within ± %d", (degrees, confidence, expected) => {
  expect(relativeError(studentTCritical(confidence, degrees), expected)).toBeLessThan(1e-12);
});
