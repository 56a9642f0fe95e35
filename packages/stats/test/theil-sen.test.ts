import { Random } from "@mettle/core";
import { describe, expect, test } from "vitest";
import { theilSen } from "../src/theil-sen.ts";
import { oracle, relativeError } from "./oracle-trends.ts";

describe.each(Object.entries(oracle.series))("%s: SciPy's theilslopes", (_, { x, y, theilSen: expected }) => {
  test.each(expected)("at $confidence", ({ confidence, ...line }) => {
    const own = theilSen(x, y, { confidence });
    expect(relativeError(own.slope, line.slope)).toBeLessThan(1e-9);
    expect(relativeError(own.intercept, line.intercept)).toBeLessThan(1e-9);
    expect(relativeError(own.low, line.low)).toBeLessThan(1e-9);
    expect(relativeError(own.high, line.high)).toBeLessThan(1e-9);
  });
});

/** All slopes, formed and sorted: what long series are spared. */
function directMedian(x: Float64Array, y: Float64Array): number {
  const slopes: number[] = [];
  x.forEach((xi, i) => {
    x.forEach((xj, j) => {
      if (xj > xi) slopes.push(((y.at(j) ?? 0) - (y.at(i) ?? 0)) / (xj - xi));
    });
  });
  const sorted = Float64Array.from(slopes).sort();
  const middle = (sorted.length - 1) / 2;
  return ((sorted.at(Math.floor(middle)) ?? Number.NaN) + (sorted.at(Math.ceil(middle)) ?? Number.NaN)) / 2;
}

test("counting on long series gives the slope that forming all gives, ties and order regardless", () => {
  const random = new Random(14);
  for (const ties of [false, true]) {
    const x = Float64Array.from({ length: 700 }, () => (ties ? random.below(90) : random.uniform() * 90));
    const y = x.map((value) => 3 + 0.2 * value + 4 * random.normal());
    expect(relativeError(theilSen(x, y).slope, directMedian(x, y))).toBeLessThan(1e-9);
  }
  const flat = Float64Array.from({ length: 700 }, (_, i) => (i % 9 === 0 ? 1 : 0));
  expect(theilSen(flat.keys().toArray(), flat).slope).toBeCloseTo(0, 12);
});

test("a quarter of wild values does not move the line", () => {
  const random = new Random(15);
  const x = Float64Array.from({ length: 1000 }, (_, i) => i);
  const y = x.map(
    (value) => 7 + 0.5 * value + random.normal() + (random.uniform() < 0.25 ? 1e6 * random.uniform() : 0),
  );
  expect(Math.abs(theilSen(x, y).slope - 0.5)).toBeLessThan(0.01);
});

test("the interval covers as often as promised", () => {
  const random = new Random(16);
  const x = Array.from({ length: 40 }, (_, i) => i);
  const runs = 1000;
  let covered = 0;
  for (let i = 0; i < runs; i++) {
    const { low, high } = theilSen(
      x,
      x.map((value) => 0.3 * value + random.normal() ** 3),
    );
    if (low <= 0.3 && 0.3 <= high) covered += 1;
  }
  expect(Math.abs(covered / runs - 0.95)).toBeLessThan(0.021);
});

test("nonsense is refused", () => {
  expect(() => theilSen([1, 2], [1, 2])).toThrow(expect.objectContaining({ code: "STATS_TOO_FEW_SAMPLES" }));
  expect(() => theilSen([1, 2, 3], [1, Number.NaN, 2])).toThrow(
    expect.objectContaining({ code: "STATS_SAMPLE_INVALID" }),
  );
  expect(() => theilSen([1, 1, 1], [1, 2, 3])).toThrow(expect.objectContaining({ code: "STATS_ARGUMENT_INVALID" }));
  expect(() => theilSen([1, 2, 3], [1, 2])).toThrow(expect.objectContaining({ code: "STATS_ARGUMENT_INVALID" }));
});
