import { readFileSync } from "node:fs";
import { Random } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tInterval } from "../src/t-interval.ts";
import { trimmedInterval } from "../src/trimmed-interval.ts";
import { codeOf, deviation, sample } from "./oracle.ts";

type Row = readonly [string, trim: number, confidence: number, estimate: number, low: number, high: number];
const fixture = new URL("fixtures/oracle-trimmed.json", import.meta.url);
const rows = JSON.parse(readFileSync(fixture, "utf8")) as readonly Row[];

it.each(rows)("SciPy's trimmed_mean_ci of %s, %d cut, %d", (name, trim, confidence, estimate, low, high) => {
  const found = trimmedInterval(sample(name), trim, confidence);
  expect(deviation(found.estimate, estimate, 1e-12, 1e-12, "estimate")).toBeUndefined();
  // SciPy's t quantile is right to nine digits.
  expect(deviation(found.low, low, 1e-8, 1e-8, "low")).toBeUndefined();
  expect(deviation(found.high, high, 1e-8, 1e-8, "high")).toBeUndefined();
});

describe("laws", () => {
  const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 4, maxLength: 40 });

  it("without a cut it is the t interval", () => {
    fc.assert(
      fc.property(values, (x) => {
        const [trimmed, plain] = [trimmedInterval(x, 0, 0.95), tInterval(x, 0.95)];
        expect(deviation(trimmed.low, plain.low, 1e-9, 1e-9, "low")).toBeUndefined();
        expect(deviation(trimmed.high, plain.high, 1e-9, 1e-9, "high")).toBeUndefined();
      }),
    );
  });

  it("a share between two whole cuts is the lower one", () => {
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 0.4, noNaN: true }), (x, trim) => {
        const cut = Math.floor(trim * x.length);
        const whole = (cut + 1e-9) / x.length;
        expect(trimmedInterval(x, trim, 0.9)).toEqual(trimmedInterval(x, Math.min(whole, 0.4), 0.9));
      }),
    );
  });

  it("values within the cut share may lie anywhere beyond the rest", () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 2000, max: 1_000_000_000 }), (x, far) => {
        const n = x.length + 1;
        const trim = 1 / n + 1e-9;
        const [near, farther] = [trimmedInterval([...x, 2000], trim, 0.9), trimmedInterval([...x, far], trim, 0.9)];
        expect(farther).toEqual(near);
      }),
    );
  });

  it("covers the centre of a symmetric distribution with far outliers as often as it says", () => {
    const random = new Random(7);
    const draw = (): number => random.normal() * (random.uniform() < 0.1 ? 10 : 1);
    const runs = 2000;
    let covered = 0;
    for (let run = 0; run < runs; run++) {
      const { low, high } = trimmedInterval(Float64Array.from({ length: 20 }, draw), 0.2, 0.95);
      if (low <= 0 && high >= 0) covered++;
    }
    // Three binomial standard errors are 0.015; Tukey and McLaughlin's interval is a little wide with such noise.
    expect(covered / runs).toBeGreaterThan(0.935);
    expect(covered / runs).toBeLessThan(0.98);
  });
});

it("refuses what it cannot use", () => {
  expect(codeOf(() => trimmedInterval([1, 2, 3], 0.1, 0.95))).toBe("STATS_TOO_FEW_SAMPLES");
  expect(codeOf(() => trimmedInterval([1, 2, 3, Number.NaN], 0.1, 0.95))).toBe("STATS_SAMPLE_INVALID");
  expect(codeOf(() => trimmedInterval([1, 2, 3, 4], 0.41, 0.95))).toBe("STATS_ARGUMENT_INVALID");
  expect(codeOf(() => trimmedInterval([1, 2, 3, 4], 0.1, 1))).toBe("STATS_ARGUMENT_INVALID");
});
