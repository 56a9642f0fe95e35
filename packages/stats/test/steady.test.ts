import { Random } from "@mettle/core";
import { expect, test } from "vitest";
import { steadyFrom } from "../src/steady.ts";

const series = (length: number, level: (i: number) => number, random: Random): Float64Array =>
  Float64Array.from({ length }, (_, i) => level(i) * (1 + 0.01 * random.normal()));

function count(runs: number, holds: (random: Random) => boolean): number {
  const random = new Random(77);
  return Array.from({ length: runs }, () => holds(random)).filter(Boolean).length;
}

test("a warm-up in two tiers is steady from the last", () => {
  const near = count(100, (random) => {
    const values = series(300, (i) => (i < 20 ? 5 : i < 80 ? 1.5 : 1), random);
    const steady = steadyFrom(values);
    return "from" in steady && Math.abs(steady.from - 80) <= 2;
  });
  expect(near).toBeGreaterThanOrEqual(97);
});

test("an exponential warm-up is steady when what is left of it is below the noise", () => {
  const late = count(100, (random) => {
    const steady = steadyFrom(series(300, (i) => 1 + 4 * Math.exp(-i / 15), random));
    return "from" in steady && steady.from >= 40 && steady.from <= 130;
  });
  expect(late).toBeGreaterThanOrEqual(95);
});

test("a steady series is steady from the start, outliers or not", () => {
  const fromStart = count(100, (random) => {
    const values = series(200, () => 1, random).map((value) => (random.uniform() < 0.03 ? value * 3 : value));
    const steady = steadyFrom(values);
    return "from" in steady && steady.from === 0;
  });
  expect(fromStart).toBeGreaterThanOrEqual(97);
});

test("a series that drifts to its end, or steps just before it, is never steady", () => {
  const drifting = count(50, (random) => "never" in steadyFrom(series(300, (i) => 1 + i / 300, random)));
  expect(drifting).toBeGreaterThanOrEqual(48);
  const stepping = count(50, (random) => "never" in steadyFrom(series(300, (i) => (i < 270 ? 1 : 0.8), random)));
  expect(stepping).toBeGreaterThanOrEqual(48);
});

test("a step smaller than the tolerance does not count", () => {
  const values = series(300, (i) => (i < 150 ? 1 : 0.96), new Random(3));
  expect(steadyFrom(values, { tolerance: 0.1 })).toEqual({ from: 0 });
  const strict = steadyFrom(values, { tolerance: 0.02 });
  expect("from" in strict && Math.abs(strict.from - 150) <= 2).toBe(true);
});

test("nonsense is refused", () => {
  expect(() => steadyFrom([1, 2, 3])).toThrow(expect.objectContaining({ code: "STATS_TOO_FEW_SAMPLES" }));
  expect(() => steadyFrom([...Array(20).keys(), Number.NaN])).toThrow(
    expect.objectContaining({ code: "STATS_SAMPLE_INVALID" }),
  );
  for (const options of [{ tolerance: -1 }, { minimumShare: 0 }, { minimumShare: 2 }, { minimumSegment: 0 }]) {
    expect(() => steadyFrom([...Array(20).keys()], options)).toThrow(
      expect.objectContaining({ code: "STATS_ARGUMENT_INVALID" }),
    );
  }
});
