import { describe, expect, test } from "vitest";
import { Random } from "@mettle/core";
import { crossingProbabilities, sequentialBoundaries } from "@mettle/stats";
import { Looks } from "../src/looks.ts";

/** The counts looked at where `likely(count)` processes are expected at each count, and `end` is where the time is over. */
function counts(minProcesses: number, end: number, likely: (count: number) => number = () => end): number[] {
  const looks = new Looks({ confidence: 0.99, minProcesses });
  const at: number[] = [];
  for (let count = 1; count < end; count++) {
    if (!looks.isDue(count, likely(count))) continue;
    looks.take(count, likely(count));
    at.push(count);
  }
  looks.take(end, end);
  expect(looks.taken).toBe(at.length + 1);
  return [...at, end];
}

describe("Looks", () => {
  test.each([
    [8, 28, [8, 18, 28]],
    [4, 8, [4, 6, 8]],
    [2, 3, [3]],
    [5, 5, [5]],
    [2, 4, [2, 4]],
    [8, 9, [9]],
  ])("from %i to %i processes come at %j", (minProcesses, maxProcesses, at) => {
    expect(counts(minProcesses, maxProcesses)).toEqual(at);
  });

  test("follow an end that moves", () => {
    // Slow at first: nothing seems to be left, then there is.
    expect(counts(8, 20, (count) => (count < 12 ? 9 : 20))).toEqual([12, 14, 20]);
    // The time is over sooner than it seemed.
    expect(counts(8, 11, () => 28)).toEqual([8, 11]);
  });

  test("spend as the boundaries planned from the beginning do, where the end stays", () => {
    const looks = new Looks({ confidence: 0.99, minProcesses: 8 });
    const { nominalAlpha } = sequentialBoundaries({
      alpha: 0.01,
      fractions: [8 / 28, 18 / 28, 1],
      spending: (fraction, alpha) => alpha * fraction ** 2,
    });
    for (const [look, count] of [8, 18, 28].entries()) {
      expect(looks.take(count, 28)).toBeCloseTo(nominalAlpha[look] ?? Number.NaN, 12);
    }
    expect(looks.nominalAlpha).toBeCloseTo(nominalAlpha[2] ?? Number.NaN, 12);
  });

  test("a single look spends everything, and one at data seen before nothing more", () => {
    expect(new Looks({ confidence: 0.99, minProcesses: 5 }).take(5, 5)).toBeCloseTo(0.01, 9);
    const looks = new Looks({ confidence: 0.99, minProcesses: 8 });
    const first = looks.take(8, 20);
    expect(looks.take(8, 8)).toBe(first);
    expect(looks.taken).toBe(1);
  });

  test("spend one error in all, wherever the end comes to lie", () => {
    const random = new Random(5);
    for (let trial = 0; trial < 50; trial++) {
      const looks = new Looks({ confidence: 0.99, minProcesses: 8 });
      const end = 9 + random.below(40);
      const taken: [count: number, nominal: number][] = [];
      for (let count = 1; count < end; count++) {
        const likely = Math.max(count, end + random.below(21) - 10);
        if (looks.isDue(count, likely)) taken.push([count, looks.take(count, likely)]);
      }
      taken.push([end, looks.take(end, end)]);
      const z = taken.map(([, nominal]) => boundaryOf(nominal));
      const crossed = crossingProbabilities(
        z,
        taken.map(([count]) => count / end),
      );
      expect(crossed.reduce((sum, share) => sum + share, 0)).toBeCloseTo(0.01, 6);
    }
  });
});

/** z of a two-sided nominal error: a single look's boundary. */
function boundaryOf(nominal: number): number {
  return sequentialBoundaries({ alpha: nominal, fractions: [1], spending: (_, alpha) => alpha }).z[0] ?? Number.NaN;
}
