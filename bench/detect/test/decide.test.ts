import { expect, test } from "vitest";
import { decisionOf, mannWhitney, welch } from "../decide.ts";

/** Exponential tails by a linear congruential generator, rounded to `step` for ties: the same in Python below. */
function sample(seed: number, count: number, shift: number, scale: number, step: number): number[] {
  let state = BigInt(seed);
  return Array.from({ length: count }, () => {
    state = (state * 1664525n + 1013904223n) % 2n ** 32n;
    const value = shift - scale * Math.log((Number(state) + 0.5) / 2 ** 32);
    return step > 0 ? Math.round(value / step) * step : value;
  });
}

// Oracle: SciPy 1.10, b against a, with a = sample(1, n, 18, 1, step) and b = sample(2, m, 18 + shift, 1.1, step):
// stats.ttest_ind(b, a, equal_var=False) and
// stats.mannwhitneyu(b, a, alternative="two-sided", method="asymptotic", use_continuity=True).
test.each([
  { n: 10, m: 12, shift: 0.5, step: 0, welchP: 0.4390496505467538, rankP: 0.17646171380243192 },
  { n: 200, m: 300, shift: 0.05, step: 0, welchP: 0.4016603995962176, rankP: 0.19819551735147 },
  { n: 40000, m: 50000, shift: 0.02, step: 0, welchP: 7.054901001651849e-60, rankP: 1.9211724472349394e-60 },
  { n: 500, m: 400, shift: 0.2, step: 0.25, welchP: 0.00018208168317323864, rankP: 3.817812451164814e-8 },
  { n: 30, m: 30, shift: 3, step: 0, welchP: 5.334367409150678e-18, rankP: 1.77690788708274e-10 },
  { n: 1000, m: 1000, shift: 0, step: 0.5, welchP: 0.11293243113142816, rankP: 0.3738351316226449 },
])("$n against $m samples: p as SciPy has it", ({ n, m, shift, step, welchP, rankP }) => {
  const base = sample(1, n, 18, 1, step);
  const candidate = sample(2, m, 18 + shift, 1.1, step);
  expect(welch(base, candidate).p / welchP).toBeCloseTo(1, 8);
  expect(mannWhitney(base, candidate).p / rankP).toBeCloseTo(1, 8);
});

test("a slower candidate has a ratio above 1", () => {
  expect(welch([1, 2, 3], [2, 4, 6]).ratio).toBe(2);
  expect(mannWhitney([1, 2, 30], [3, 4, 5]).ratio).toBe(2);
});

test("identical constants are no difference, different ones are", () => {
  expect(welch([5, 5, 5], [5, 5, 5]).p).toBe(1);
  expect(welch([5, 5, 5], [6, 6, 6]).p).toBe(0);
  expect(mannWhitney([5, 5, 5], [5, 5, 5]).p).toBe(1);
});

test("one sample cannot be tested", () => {
  expect(() => welch([1], [1, 2])).toThrow(RangeError);
  expect(() => mannWhitney([1, 2], [])).toThrow(RangeError);
});

test("flagged needs p below 1 %, and beyond the margin also more than 1 % of difference, either way", () => {
  expect(decisionOf("welch", { ratio: 1.5, p: 0.01 })).toMatchObject({ flagged: false, flaggedBeyondMargin: false });
  expect(decisionOf("welch", { ratio: 1.009, p: 0.001 })).toMatchObject({ flagged: true, flaggedBeyondMargin: false });
  expect(decisionOf("welch", { ratio: 0.98, p: 0.001 })).toMatchObject({ flagged: true, flaggedBeyondMargin: true });
});
