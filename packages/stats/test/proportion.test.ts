import { expect, test } from "vitest";
import { wilsonInterval } from "../src/proportion.ts";

// Oracle: statsmodels 0.13, proportion_confint(count, nobs, alpha, method="wilson").
test.each([
  [0, 30, 0.0, 0.1135133931739688],
  [3, 300, 0.0034066184377152826, 0.028983493362339838],
  [17, 30, 0.39197307000813597, 0.7262251442353348],
  [30, 30, 0.8864866068260311, 1.0],
] as const)("Wilson's interval of %i in %i", (count, trials, low, high) => {
  const interval = wilsonInterval(count, trials);
  expect(interval.low).toBeCloseTo(low, 12);
  expect(interval.high).toBeCloseTo(high, 12);
});

test("a wider confidence holds the narrower one, and the share itself", () => {
  const narrow = wilsonInterval(3, 40, 0.8);
  const wide = wilsonInterval(3, 40, 0.99);
  expect(wide.low).toBeLessThan(narrow.low);
  expect(narrow.low).toBeLessThan(3 / 40);
  expect(narrow.high).toBeGreaterThan(3 / 40);
  expect(wide.high).toBeGreaterThan(narrow.high);
});

test.each([
  [1, 0],
  [-1, 3],
  [4, 3],
  [1.5, 3],
  [Number.NaN, 3],
  [1, Number.POSITIVE_INFINITY],
])("no share is %d of %d", (successes, trials) => {
  expect(() => wilsonInterval(successes, trials)).toThrowError(
    expect.objectContaining({ code: "STATS_ARGUMENT_INVALID" }),
  );
});
