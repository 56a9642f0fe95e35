import { Random } from "@mettle/core";
import { describe, expect, test } from "vitest";
import { Looks } from "../src/looks.ts";
import {
  decide,
  drawLogRatio,
  leastPairs,
  type PairedResult,
  processLogRatio,
  selfCheckOf,
  tooFastNs,
} from "../src/paired.ts";

describe("drawLogRatio", () => {
  test("is the median over blocks of log(candidate / baseline)", () => {
    expect(drawLogRatio({ baseline: [10, 10, 10], candidate: [11, 12, 90] })).toBeCloseTo(Math.log(1.2), 12);
  });

  test("takes the mean of both logs where the twin ran too", () => {
    expect(drawLogRatio({ baseline: [10], candidate: [20], twin: [40] })).toBeCloseTo(
      Math.log(20 / Math.sqrt(400)),
      12,
    );
  });

  test("leaves blocks with a missed deadline out", () => {
    const NaN_ = Number.NaN;
    expect(drawLogRatio({ baseline: [NaN_, 10, 10], candidate: [5, NaN_, 20] })).toBeCloseTo(Math.log(2), 12);
    expect(drawLogRatio({ baseline: [10], candidate: [10], twin: [NaN_] })).toBeUndefined();
    expect(drawLogRatio({ baseline: [], candidate: [] })).toBeUndefined();
  });

  test("has no ratio for times near zero", () => {
    for (const near of [tooFastNs, 0, -1]) {
      expect(drawLogRatio({ baseline: [near], candidate: [10] })).toBeUndefined();
      expect(drawLogRatio({ baseline: [10], candidate: [near] })).toBeUndefined();
      expect(drawLogRatio({ baseline: [10], candidate: [10], twin: [near] })).toBeUndefined();
    }
  });
});

test("processLogRatio is the median over draws that have one", () => {
  const draw = (ratio: number) => ({ baseline: [10], candidate: [10 * ratio] });
  const nothing = { baseline: [0], candidate: [10] };
  expect(processLogRatio([draw(1.1), nothing, draw(1.2), draw(9)])).toBeCloseTo(Math.log(1.2), 12);
  expect(processLogRatio([nothing])).toBeUndefined();
  expect(processLogRatio([])).toBeUndefined();
});

describe("decide", () => {
  const about = (percent: number, n = 12, spread = 0.001): number[] =>
    Array.from({ length: n }, (_, i) => Math.log1p(percent / 100) + spread * ((i % 3) - 1));
  const of = (logRatios: readonly number[], lowerIsBetter = true, margin = 0.01): PairedResult =>
    decide(logRatios, 0.01, margin, lowerIsBetter, new Random(1).uniform);

  test("words", () => {
    expect(of(about(5)).outcome).toBe("worse");
    expect(of(about(-5)).outcome).toBe("better");
    expect(of(about(5), false).outcome).toBe("better");
    expect(of(about(-5), false).outcome).toBe("worse");
    expect(of(about(0)).outcome).toBe("same");
    expect(of(about(0, 12, 0.05)).outcome).toBe("undecided");
    // A sure difference below the margin is the same; one that may be above it is undecided.
    expect(of(about(0.5)).outcome).toBe("same");
    expect(of(about(0.95)).outcome).toBe("undecided");
  });

  test("the ratio lies in its interval, and the p value tells the same", () => {
    const { ratio, low, high, pValue } = of(about(5));
    expect(ratio).toBeCloseTo(1.05, 6);
    expect(low).toBeLessThan(1.05);
    expect(high).toBeGreaterThan(1.05);
    expect(low).toBeGreaterThan(1);
    expect(pValue).toBeLessThan(0.001);
    expect(of(about(0)).pValue).toBeGreaterThan(0.5);
  });

  test("one process astray on either side does not decide", () => {
    expect(of([...about(0, 11), 0.5]).outcome).toBe("same");
    expect(of([...about(0, 11), -0.5]).outcome).toBe("same");
    const { outcome, pValue } = of([...about(5, 11), -2]);
    expect(outcome).toBe("worse");
    expect(pValue).toBeLessThan(0.01);
  });

  test("fewer pairs than can tell are refused", () => {
    expect(() => of(about(5, leastPairs - 1))).toThrow(
      expect.objectContaining({ code: "STATS_TOO_FEW_SAMPLES" }) as Error,
    );
  });
});

/** Looks as a run does: at each look decides on what there is, and stops at an answer. */
function sequentially(end: number, next: () => number, random: Random): PairedResult["outcome"] {
  const looks = new Looks({ confidence: 0.99, minProcesses: 8 });
  const ratios: number[] = [];
  for (;;) {
    ratios.push(next());
    const { length } = ratios;
    if (length < end && !looks.isDue(length, end)) continue;
    const { outcome } = decide(ratios, looks.take(length, end), 0.01, true, random.uniform);
    if (outcome !== "undecided" || length === end) return outcome;
  }
}

describe("over many seeded runs (S3-004)", () => {
  const runs = 800;

  test("identical code with heavy tails is called worse or better in at most 1 %", () => {
    const random = new Random(20_260_101);
    // One process in seven is ten times as far off.
    const next = (): number => random.normal() * (random.uniform() < 0.15 ? 0.1 : 0.01);
    let alarms = 0;
    for (let run = 0; run < runs; run++) {
      const outcome = sequentially(28, next, random);
      if (outcome === "worse" || outcome === "better") alarms++;
    }
    expect(alarms / runs).toBeLessThanOrEqual(0.01);
  });

  test("a true 2 % is found in at least 99 %, by 14 processes of sd 0.6 %", () => {
    const random = new Random(7);
    let found = 0;
    for (let run = 0; run < runs; run++) {
      if (sequentially(14, () => Math.log(1.02) + 0.006 * random.normal(), random) === "worse") found++;
    }
    expect(found / runs).toBeGreaterThanOrEqual(0.99);
  });

  test("the self-check's smallest effect is found in about 95 %", () => {
    const random = new Random(11);
    // A twin against its baseline has variance 2, a candidate against both 3/2 of one arm's.
    const arm = 0.01;
    const twin = Array.from({ length: 4000 }, () => arm * Math.SQRT2 * random.normal());
    const effects = Array.from(
      { length: 200 },
      (_, i) => selfCheckOf(twin.slice(i * 20, i * 20 + 20), 0.99, 0)?.detectable ?? 0,
    );
    const effect = effects.reduce((sum, value) => sum + value, 0) / effects.length;
    let found = 0;
    for (let run = 0; run < runs; run++) {
      const ratios = Array.from({ length: 20 }, () => Math.log1p(effect) + arm * Math.sqrt(1.5) * random.normal());
      if (decide(ratios, 0.01, 0, true, random.uniform).outcome === "worse") found++;
    }
    // 0.95 within four binomial standard errors.
    expect(Math.abs(found / runs - 0.95)).toBeLessThan(0.031);
  });
});

describe("selfCheckOf", () => {
  const noise = (sd: number): number[] => {
    const random = new Random(3);
    return Array.from({ length: 20 }, () => sd * random.normal());
  };

  test("is absent for fewer pairs than can tell", () => {
    expect(selfCheckOf(noise(0.01).slice(0, leastPairs - 1), 0.99, 0.01)).toBeUndefined();
    expect(selfCheckOf(noise(0.01).slice(0, leastPairs), 0.99, 0.01)).toBeDefined();
  });

  test("its interval holds 1 for identical code, and what it can find grows with noise and is never below the margin", () => {
    const [quiet, loud] = [selfCheckOf(noise(0.002), 0.99, 0.01), selfCheckOf(noise(0.05), 0.99, 0.01)];
    expect(quiet?.low).toBeLessThan(1);
    expect(quiet?.high).toBeGreaterThan(1);
    expect(quiet?.detectable).toBeGreaterThanOrEqual(0.01);
    expect(loud?.detectable).toBeGreaterThan(quiet?.detectable ?? Number.NaN);
  });
});
