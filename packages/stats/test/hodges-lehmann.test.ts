import { Random } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hodgesLehmann, hodgesLehmannShift } from "../src/hodges-lehmann.ts";
import { median } from "../src/quantile.ts";
import { codeOf, deviation, oracle, sample } from "./oracle.ts";

describe("against R", () => {
  it("centre and its interval", () => {
    for (const [name, confidence, estimate, low, high] of oracle.rankTests.hodgesLehmann) {
      const found = hodgesLehmann(sample(name), confidence!);
      expect(deviation(found.estimate, estimate!, 1e-14, 0, `${name} estimate`)).toBeUndefined();
      expect(deviation(found.low, low!, 1e-14, 0, `${name} low`)).toBeUndefined();
      expect(deviation(found.high, high!, 1e-14, 0, `${name} high`)).toBeUndefined();
    }
  });

  it("shift and its interval", () => {
    for (const [a, b, confidence, estimate, low, high] of oracle.rankTests.hodgesLehmannShift) {
      const found = hodgesLehmannShift(sample(a), sample(b), confidence!);
      expect(deviation(found.estimate, estimate!, 1e-14, 0, `${a} ${b} estimate`)).toBeUndefined();
      expect(deviation(found.low, low!, 1e-14, 0, `${a} ${b} low`)).toBeUndefined();
      expect(deviation(found.high, high!, 1e-14, 0, `${a} ${b} high`)).toBeUndefined();
    }
  });
});

const values = fc.array(fc.oneof(fc.integer({ min: -20, max: 20 }), fc.double({ min: -1e6, max: 1e6, noNaN: true })), {
  minLength: 2,
  maxLength: 60,
});

describe("against listing every pair", () => {
  it("the centre is the median of pairwise means", () => {
    fc.assert(
      fc.property(values, (x) => {
        const means = x.flatMap((a, i) => x.slice(i).map((b) => a / 2 + b / 2));
        expect(deviation(hodgesLehmann(x, 0.9).estimate, median(means), 1e-14, 1e-300, "centre")).toBeUndefined();
      }),
    );
  });

  it("the shift is the median of differences", () => {
    fc.assert(
      fc.property(values, values, (x, y) => {
        const differences = x.flatMap((a) => y.map((b) => a - b));
        expect(
          deviation(hodgesLehmannShift(x, y, 0.9).estimate, median(differences), 1e-14, 1e-300, "shift"),
        ).toBeUndefined();
      }),
    );
  });

  it("the least numbers there are do not stall it", () => {
    const least = Number.MIN_VALUE;
    expect(hodgesLehmannShift([0, least, 2 * least], [0], 0.5).estimate).toBe(least);
    expect(hodgesLehmann([least, 2 * least, 4 * least, -least], 0.5).low).toBeLessThanOrEqual(2 * least);
    expect(hodgesLehmann([0, 0, 0], 0.9)).toMatchObject({ estimate: 0, low: 0, high: 0 });
  });
});

describe("laws", () => {
  it("the interval holds the estimate, widens with confidence and follows shift and scale", () => {
    const whole = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 2, maxLength: 70 });
    fc.assert(
      fc.property(whole, whole, (x, y) => {
        for (const at of [(c: number) => hodgesLehmann(x, c), (c: number) => hodgesLehmannShift(x, y, c)]) {
          const [narrow, wide] = [at(0.5), at(0.99)];
          expect([wide.low, narrow.low, narrow.estimate, narrow.high, wide.high]).toEqual(
            [wide.low, narrow.low, narrow.estimate, narrow.high, wide.high].toSorted((a, b) => a - b),
          );
        }
        const moved = hodgesLehmann(
          x.map((v) => 8 * v + 1024),
          0.9,
        );
        const { low, high } = hodgesLehmann(x, 0.9);
        expect([moved.low, moved.high]).toEqual([8 * low + 1024, 8 * high + 1024]);
        const mirrored = hodgesLehmannShift(y, x, 0.9);
        expect(mirrored.low).toBeCloseTo(-hodgesLehmannShift(x, y, 0.9).high, 12);
      }),
      { numRuns: 60 },
    );
  });

  it("says what an interval of too few samples really covers", () => {
    const found = hodgesLehmann([1, 2, 3, 4], 0.99);
    expect(found).toMatchObject({ low: 1, high: 4, confidence: 0.99, achievedConfidence: 0.875 });
    expect(hodgesLehmann(sample("normal12"), 0.95).achievedConfidence).toBeGreaterThanOrEqual(0.95);
  });

  it("covers the true centre as often as it says, exact and normal", () => {
    const random = new Random(9);
    for (const [n, runs] of [
      [12, 2000],
      [80, 1500],
    ] as const) {
      let hits = 0;
      let nominal = 0;
      for (let run = 0; run < runs; run++) {
        // Laplace: symmetric with long tails.
        const x = Array.from({ length: n }, () => 5 + Math.log(1 - random.uniform()) - Math.log(1 - random.uniform()));
        const { low, high, achievedConfidence } = hodgesLehmann(x, 0.9);
        nominal = achievedConfidence;
        hits += low <= 5 && 5 <= high ? 1 : 0;
      }
      // Four binomial standard errors.
      expect(Math.abs(hits / runs - nominal)).toBeLessThan(4 * Math.sqrt((0.9 * 0.1) / runs));
    }
  });

  it("twenty thousand samples take no list of their 200 million means", () => {
    const random = new Random(2);
    const x = Float64Array.from({ length: 20_000 }, () => random.normal());
    const { low, estimate, high } = hodgesLehmann(x, 0.95);
    expect(low).toBeLessThan(estimate);
    expect(high - low).toBeCloseTo((2 * 1.96 * Math.sqrt(Math.PI / 3)) / Math.sqrt(20_000), 3);
  });

  it("refuses what it cannot use", () => {
    expect(codeOf(() => hodgesLehmann([1], 0.9))).toBe("STATS_TOO_FEW_SAMPLES");
    expect(codeOf(() => hodgesLehmannShift([1], [Number.NaN], 0.9))).toBe("STATS_SAMPLE_INVALID");
    expect(codeOf(() => hodgesLehmann([1, 2], 0))).toBe("STATS_ARGUMENT_INVALID");
  });
});
