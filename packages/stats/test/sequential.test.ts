import { Random } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalQuantile, studentTQuantile } from "../src/distributions.ts";
import { gaussLegendre } from "../src/gauss-legendre.ts";
import { mean, variance } from "../src/samples.ts";
import { type AlphaSpending, crossingProbabilities, sequentialBoundaries } from "../src/sequential.ts";
import { codeOf, deviation, oracle } from "./oracle.ts";

const equalLooks = (count: number): number[] => Array.from({ length: count }, (_, i) => (i + 1) / count);
const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

describe("against published tables", () => {
  // Two-sided 0.05, spending functions of Lan and DeMets, to the four decimals usually printed (Reboussin, DeMets,
  // Kim & Lan, Controlled Clinical Trials 21 (2000); Proschan, Lan & Wittes, Statistical Monitoring (2006)).
  const published: [AlphaSpending, number[]][] = [
    ["obrien-fleming", [2.9626, 1.9686]],
    ["obrien-fleming", [4.8769, 3.357, 2.6803, 2.2898, 2.031]],
    ["pocock", [2.438, 2.4268, 2.4101, 2.3966, 2.3859]],
  ];
  it.each(published)("%s boundaries %j", (spending, expected) => {
    const { z } = sequentialBoundaries({ alpha: 0.05, fractions: equalLooks(expected.length), spending });
    expected.forEach((value, look) => expect(Math.abs(z[look]! - value)).toBeLessThan(0.000_11));
  });

  // Classical constants to three decimals: Jennison & Turnbull, Group Sequential Methods (1999), tables 2.1 and 2.3.
  const classical: [number, number, number][] = [
    [0.05, 2, 2.178],
    [0.05, 5, 2.413],
    [0.05, 10, 2.555],
    [0.01, 5, 2.986],
  ];
  it.each(classical)("Pocock's constant for alpha %d and %d looks is %d", (alpha, looks, constant) => {
    const error = (c: number): number => total(crossingProbabilities(Array<number>(looks).fill(c), equalLooks(looks)));
    expect(error(constant - 0.0006)).toBeGreaterThan(alpha);
    expect(error(constant + 0.0006)).toBeLessThan(alpha);
  });
  it("O'Brien and Fleming's constant for alpha 0.05 and 5 looks is 2.040", () => {
    const error = (c: number): number =>
      total(
        crossingProbabilities(
          equalLooks(5).map((fraction) => c / Math.sqrt(fraction)),
          equalLooks(5),
        ),
      );
    expect(error(2.0394)).toBeGreaterThan(0.05);
    expect(error(2.0406)).toBeLessThan(0.05);
  });
});

it("crossing probabilities are those of the multivariate normal distribution", () => {
  for (const [bounds, fractions, drift, crossed] of oracle.rectangles) {
    expect(
      deviation(total(crossingProbabilities(bounds, fractions, drift)), crossed, 0, 2e-7, bounds.join(", ")),
    ).toBeUndefined();
  }
});

describe("laws", () => {
  const design = fc.record({
    alpha: fc.double({ min: 0.0005, max: 0.2, noNaN: true }),
    fractions: fc
      .uniqueArray(fc.integer({ min: 1, max: 999 }), { minLength: 0, maxLength: 6 })
      .map((cuts) => [...cuts.toSorted((a, b) => a - b).map((cut) => cut / 1000), 1]),
    spending: fc.constantFrom<AlphaSpending>("obrien-fleming", "pocock", (fraction, alpha) => alpha * fraction ** 2),
  });

  it("each look spends exactly its share, and all of them alpha", () => {
    fc.assert(
      fc.property(design, ({ alpha, fractions, spending }) => {
        const { z, nominalAlpha, spent } = sequentialBoundaries({ alpha, fractions, spending });
        expect(deviation(spent.at(-1)!, alpha, 1e-12, 0, "all spent")).toBeUndefined();
        const crossed = crossingProbabilities(z, fractions);
        let sum = 0;
        crossed.forEach((value, look) => {
          sum += value;
          expect(deviation(sum, spent[look]!, 1e-9, 1e-13, `look ${look}`)).toBeUndefined();
          expect(nominalAlpha[look]).toBeLessThanOrEqual(alpha * (1 + 1e-12));
          expect(z[look]).toBeGreaterThanOrEqual(-normalQuantile(alpha / 2) * (1 - 1e-12));
        });
      }),
      { numRuns: 40 },
    );
  });

  it("a boundary depends on no later look", () => {
    const six = sequentialBoundaries({ alpha: 0.01, fractions: equalLooks(6) }).z;
    const four = sequentialBoundaries({ alpha: 0.01, fractions: equalLooks(6).slice(0, 4) }).z;
    expect(four).toEqual(six.slice(0, 4));
  });

  it("one look is an ordinary test, and drift gives its power", () => {
    const { z, nominalAlpha } = sequentialBoundaries({ alpha: 0.05, fractions: [1] });
    expect(deviation(z[0]!, 1.959963984540054, 1e-13, 0, "z")).toBeUndefined();
    expect(deviation(nominalAlpha[0]!, 0.05, 1e-13, 0, "alpha")).toBeUndefined();
    // Power 0.9 one-sided needs a drift of z(0.975) + z(0.9); the far side adds less than 1e-6.
    expect(
      deviation(crossingProbabilities([1.959963984540054], [1], 3.24151555)[0]!, 0.9, 0, 1e-5, "power"),
    ).toBeUndefined();
  });

  it("spends nothing where nothing may be spent", () => {
    const { z, nominalAlpha, spent } = sequentialBoundaries({ alpha: 0.01, fractions: [0.001, 1] });
    expect([z[0], nominalAlpha[0]]).toEqual([Number.POSITIVE_INFINITY, 0]);
    expect(spent[1]).toBe(0.01);
    expect(deviation(z[1]!, -normalQuantile(0.005), 1e-10, 0, "the last look has all of alpha")).toBeUndefined();
    const late: AlphaSpending = (fraction, alpha) => (fraction < 1 ? 0 : alpha);
    expect(
      deviation(
        sequentialBoundaries({ alpha: 0.05, fractions: equalLooks(4), spending: late }).z[3]!,
        1.95996398454,
        1e-9,
        0,
        "late",
      ),
    ).toBeUndefined();
  });

  it("refuses bad designs", () => {
    const wrong = [
      () => sequentialBoundaries({ alpha: 0, fractions: [1] }),
      () => sequentialBoundaries({ alpha: 0.05, fractions: [] }),
      () => sequentialBoundaries({ alpha: 0.05, fractions: [0.5, 0.5] }),
      () => sequentialBoundaries({ alpha: 0.05, fractions: [0.5, 1.1] }),
      () => sequentialBoundaries({ alpha: 0.05, fractions: [0.5, 1], spending: (t, a) => a * (1 - t) }),
      () => sequentialBoundaries({ alpha: 0.05, fractions: [1], spending: () => 0.06 }),
      () => sequentialBoundaries({ alpha: 0.05, fractions: [1], spending: () => Number.NaN }),
      () => crossingProbabilities([2], [0.5, 1]),
      () => crossingProbabilities([-1], [1]),
    ];
    for (const act of wrong) expect(codeOf(act)).toBe("STATS_ARGUMENT_INVALID");
  });
});

it("simulated trials cross as often as computed, without an effect and with one", () => {
  const random = new Random(123);
  const fractions = [0.3, 0.5, 0.8, 1];
  const { z } = sequentialBoundaries({ alpha: 0.05, fractions, spending: "pocock" });
  const runs = 40_000;
  for (const drift of [0, 2]) {
    const crossed = fractions.map(() => 0);
    for (let run = 0; run < runs; run++) {
      let position = 0;
      for (let look = 0; look < fractions.length; look++) {
        const step = fractions[look]! - (fractions[look - 1] ?? 0);
        position += drift * step + Math.sqrt(step) * random.normal();
        if (Math.abs(position) > z[look]! * Math.sqrt(fractions[look]!)) {
          crossed[look]! += 1;
          break;
        }
      }
    }
    crossingProbabilities(z, fractions, drift).forEach((p, look) => {
      expect(Math.abs(crossed[look]! / runs - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / runs));
    });
  }
});

it("with t quantiles at the nominal levels the paired comparison's false alarms stay near alpha", () => {
  const random = new Random(8);
  const counts = [10, 14, 18, 22, 28];
  const { nominalAlpha } = sequentialBoundaries({ alpha: 0.05, fractions: counts.map((count) => count / 28) });
  const critical = counts.map((count, look) => -studentTQuantile(nominalAlpha[look]! / 2, count - 1));
  const runs = 8000;
  let alarms = 0;
  for (let run = 0; run < runs; run++) {
    const x = Float64Array.from({ length: 28 }, () => random.normal());
    const crossed = counts.some((count, look) => {
      const part = x.subarray(0, count);
      return Math.abs(mean(part)) > critical[look]! * Math.sqrt(variance(part) / count);
    });
    alarms += crossed ? 1 : 0;
  }
  // The t statistic is not quite Brownian motion; four standard errors are 0.0097.
  expect(Math.abs(alarms / runs - 0.05)).toBeLessThan(0.0097);
});

it("the quadrature is exact for polynomials up to degree 23", () => {
  const { nodes, weights } = gaussLegendre(12);
  for (let degree = 0; degree <= 23; degree++) {
    const sum = total(Array.from(nodes, (node, i) => weights[i]! * node ** degree));
    expect(deviation(sum, degree % 2 === 0 ? 2 / (degree + 1) : 0, 1e-13, 1e-15, `degree ${degree}`)).toBeUndefined();
  }
});
