import { describe, expect, test } from "vitest";
import {
  normalQuantile,
  normalTwoSided,
  normalUpperTail,
  studentCritical,
  studentTwoSided,
} from "../src/internal-distributions.ts";
import { oracle, relativeError } from "./oracle-trends.ts";

describe("distributions agree with SciPy", () => {
  test.each(oracle.normalUpperTail)("P(Z > %d)", (z, expected) => {
    expect(relativeError(normalUpperTail(z), expected)).toBeLessThan(1e-12);
    expect(relativeError(normalTwoSided(z), 2 * Math.min(expected, 1 - expected))).toBeLessThan(1e-9);
  });

  test.each(oracle.normalQuantile)("normal quantile %d", (q, expected) => {
    expect(relativeError(normalQuantile(q), expected)).toBeLessThan(1e-11);
  });

  test.each(oracle.studentTwoSided)("P(|T| > %d), %d degrees", (t, degrees, expected) => {
    expect(relativeError(studentTwoSided(t, degrees), expected)).toBeLessThan(1e-9);
  });

  test.each(oracle.studentCritical)("critical t at %d, %d degrees", (confidence, degrees, expected) => {
    expect(relativeError(studentCritical(confidence, degrees), expected)).toBeLessThan(1e-9);
  });
});
