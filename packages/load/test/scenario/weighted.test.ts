import fc from "fast-check";
import { expect, test } from "vitest";
import { choose } from "../../src/scenario/weighted.ts";

test("each name takes up its share of the way from 0 to 1, in order", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 1, maxLength: 6 }),
      fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      (weights, position) => {
        const total = weights.reduce((a, b) => a + b, 0);
        if (total <= 1e-9) return;
        const named = Object.fromEntries(weights.map((weight, i) => [`n${i}`, weight]));
        const chosen = Number(choose(named, position).slice(1));
        expect(weights[chosen]).toBeGreaterThan(0);
        const before = weights.slice(0, chosen).reduce((a, b) => a + b, 0) / total;
        expect(position).toBeGreaterThanOrEqual(before - 1e-9);
        expect(position).toBeLessThanOrEqual(before + weights[chosen]! / total + 1e-9);
      },
    ),
  );
});

test("weights that cannot be shares are refused", () => {
  for (const weights of [{}, { a: 0 }, { a: -1, b: 2 }, { a: Number.NaN }]) {
    expect(() => choose(weights as Record<string, number>, 0.5)).toThrow(/weights must/);
  }
});
