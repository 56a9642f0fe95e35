import { Random } from "@mettle/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { eDivisive, energySplit } from "../src/e-divisive.ts";

const meanDistance = (left: readonly number[], right: readonly number[]): number =>
  left.reduce((sum, a) => sum + right.reduce((inner, b) => inner + Math.abs(a - b), 0), 0) /
  (left.length * right.length);

const within = (part: readonly number[]): number =>
  part.length > 1 ? (meanDistance(part, part) * part.length) / (part.length - 1) : 0;

test("the split maximizes the energy distance as its definition gives it", () => {
  const series = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 6, maxLength: 30 });
  fc.assert(
    fc.property(series, (values) => {
      const statistics = values.map((_, at) => {
        if (at < 3 || values.length - at < 3) return Number.NEGATIVE_INFINITY;
        const [left, right] = [values.slice(0, at), values.slice(at)];
        const energy = 2 * meanDistance(left, right) - within(left) - within(right);
        return ((left.length * right.length) / values.length) * energy;
      });
      const split = energySplit(Float64Array.from(values), 3);
      const best = Math.max(...statistics);
      expect(split?.statistic).toBeCloseTo(best, 8);
      expect(statistics[split?.index ?? -1]).toBeCloseTo(best, 8);
    }),
  );
});

test("changes of level and of spread are found, the same with the same seed", () => {
  const random = new Random(4);
  const level = Float64Array.from({ length: 90 }, (_, i) => random.normal() + (i >= 30 && i < 60 ? 5 : 0));
  const changes = eDivisive(level, { seed: 9 });
  expect(changes.map(({ index }) => Math.round(index / 10))).toEqual([3, 6]);
  for (const { pValue } of changes) expect(pValue).toBeLessThanOrEqual(0.05);
  expect(eDivisive(level, { seed: 9 })).toEqual(changes);
  const spread = Float64Array.from({ length: 120 }, (_, i) => random.normal() * (i < 60 ? 1 : 8));
  expect(eDivisive(spread).some(({ index }) => Math.abs(index - 60) <= 8)).toBe(true);
});

test("the permutation test keeps its level on independent values", () => {
  const random = new Random(12);
  const runs = 200;
  let flagged = 0;
  for (let i = 0; i < runs; i++) {
    const values = Float64Array.from({ length: 30 }, () => Math.exp(random.normal()));
    if (eDivisive(values, { permutations: 39, seed: i }).length > 0) flagged += 1;
  }
  // 0.05 and three binomial standard errors either way.
  expect(flagged / runs).toBeLessThan(0.097);
  expect(flagged / runs).toBeGreaterThan(0.004);
});

test("nonsense is refused", () => {
  expect(() => eDivisive([1, 2, 3])).toThrow(expect.objectContaining({ code: "STATS_TOO_FEW_SAMPLES" }));
  expect(() => eDivisive([...Array(10).keys(), Number.NaN])).toThrow(
    expect.objectContaining({ code: "STATS_SAMPLE_INVALID" }),
  );
  for (const options of [{ significance: 0 }, { permutations: 10 }, { minimumSegment: 1 }]) {
    expect(() => eDivisive([...Array(20).keys()], options)).toThrow(
      expect.objectContaining({ code: "STATS_ARGUMENT_INVALID" }),
    );
  }
});
