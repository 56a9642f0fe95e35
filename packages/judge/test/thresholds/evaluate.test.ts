import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluateThreshold } from "../../src/thresholds/evaluate.ts";
import { type Operator, operators } from "../../src/thresholds/expression.ts";
import { parseThreshold } from "../../src/thresholds/parser.ts";
import { makeMeasurement, timesMs } from "../documents.ts";

const times = makeMeasurement("http.duration", timesMs);
const states = (text: string, measurement = times, baseline?: typeof times) =>
  evaluateThreshold(parseThreshold(text), measurement, baseline).map(({ state }) => state);

describe("k6's aggregations on k6's kinds of metric", () => {
  const counter = makeMeasurement("requests", { count: 250, sum: 250, perSecond: 25 }, { unit: "count" });
  const data = makeMeasurement("data", { count: 10, sum: 5000, perSecond: 500 }, { unit: "bytes" });
  const rate = makeMeasurement("failed", { count: 1000, rate: 0.004 }, { unit: "1" });
  const gauge = makeMeasurement("users", { count: 30, last: 12, min: 1, max: 20 }, { unit: "count" });
  // Value in the unit that k6 writes: times in ms.
  const rows: readonly (readonly [string, typeof times, number])[] = [
    ["avg", times, 100],
    ["min", times, 20],
    ["max", times, 500],
    ["med", times, 90],
    ["p(95)", times, 200],
    ["p(99)", times, 300],
    ["p(99.9)", times, 400],
    ["p(0)", times, 20],
    ["p(100)", times, 500],
    ["count", counter, 250],
    ["rate", counter, 25],
    ["count", data, 5000],
    ["rate", data, 500],
    ["rate", rate, 0.004],
    ["value", gauge, 12],
  ];
  const oracle: Record<Operator, (below: boolean, equal: boolean) => boolean> = {
    "<": (below) => below,
    "<=": (below, equal) => below || equal,
    ">": (below, equal) => !below && !equal,
    ">=": (below) => !below,
    "==": (_, equal) => equal,
    "===": (_, equal) => equal,
    "!=": (_, equal) => !equal,
  };
  for (const [aggregation, measurement, value] of rows) {
    for (const operator of operators) {
      it(`${aggregation} ${operator} on ${measurement.metric}`, () => {
        for (const [limit, below, equal] of [
          [value / 2, false, false],
          [value, false, true],
          [value * 2, true, false],
        ] as const) {
          expect(states(`${aggregation}${operator}${limit}`, measurement)).toEqual([
            oracle[operator](below, equal) ? "passed" : "failed",
          ]);
        }
      });
    }
  }
});

describe("no answer, never a pass", () => {
  it.each([
    ["a statistic that was not measured", "p(97.5) < 1h", times],
    ["no samples", "count < 5", makeMeasurement("x", { count: 0, sum: 0 }, { unit: "count" })],
    ["a unit of another kind", "p(95) < 5MB", times],
    ["percent of a time", "p(95) < 50%", times],
    ["fewer samples than asked", "p(95) < 1h with >= 10001 samples", times],
    ["no baseline", "p(95) < baseline * 100", times],
    ["no series for a window", "p(95) < 1h within 10s", times],
    ["goodput without counted failures", "goodput >= 0%", times],
    ["NaN", "avg < 1h", makeMeasurement("x", { count: 5, mean: Number.NaN })],
  ])("%s", (_, text, measurement) => expect(states(text, measurement)).toEqual(["no-data"]));
});

describe("limits", () => {
  it("a bare number on a time is milliseconds, with a unit it is what it says", () => {
    expect(states("p(95) <= 200 && p(95) <= 200ms && p(95) < 0.3s && p(95) > 199999us")).toEqual(
      Array(4).fill("passed"),
    );
  });

  it("follows the baseline's same statistic", () => {
    const before = makeMeasurement("http.duration", { ...timesMs, p95: 190e6 });
    expect(
      states("p(95) < baseline * 1.10 && p(95) < baseline + 5ms && p(95) < baseline + 15ms", times, before),
    ).toEqual(["passed", "failed", "passed"]);
  });

  it("counts failures into goodput", () => {
    const some = makeMeasurement("x", { count: 95 }, { errors: { count: 5, kinds: { timeout: 5 } } });
    expect(states("goodput >= 95%", some)).toEqual(["passed"]);
    expect(states("goodput > 95%", some)).toEqual(["failed"]);
  });

  it("says how much of the allowance is used, and that the interval reaches over the limit", () => {
    const measured = {
      ...times,
      interval: { of: "mean", low: 95e6, high: 105e6, confidence: 0.99, method: "t" } as const,
    };
    const [check] = evaluateThreshold(parseThreshold("avg < 101"), measured);
    expect(check?.consumed).toBeCloseTo(100 / 101, 12);
    expect(check?.evidence.join()).toContain("the limit lies inside it");
  });

  it.each([
    // 1 % may go wrong.
    ["rate > 0.99", 0.99, 1],
    ["rate >= 0.99", 0.9862, 1.38],
    ["rate > 0.99", 1, 0],
    ["rate < 0.01", 0.0138, 1.38],
    ["rate >= 1", 0.9, undefined],
  ])("of %s at %f used %s of what may go wrong", (text, rate, used) => {
    const [check] = evaluateThreshold(
      parseThreshold(text),
      makeMeasurement("checks", { count: 10_000, rate }, { unit: "1" }),
    );
    expect(check?.consumed?.toFixed(9)).toBe(used?.toFixed(9));
  });

  it("of an amount a second is the limit's share of it", () => {
    const sent = makeMeasurement("requests", { count: 10, sum: 10, perSecond: 4 }, { unit: "count" });
    expect(evaluateThreshold(parseThreshold("rate > 2"), sent)[0]).toMatchObject({ unit: "1/s", consumed: 0.5 });
    expect(evaluateThreshold(parseThreshold("rate > 0.5"), sent)[0]).toMatchObject({ consumed: 0.125 });
  });

  it("prints fractions with their percentage (T-01)", () => {
    const rate = makeMeasurement("failed", { count: 1000, rate: 0.004 }, { unit: "1" });
    expect(evaluateThreshold(parseThreshold("rate<0.1"), rate)[0]?.message).toContain("(10 %)");
  });
});

describe("windows", () => {
  const series = (values: Record<string, (number | null)[]>, stepMs = 10_000) => ({
    ...times,
    series: { atMs: Object.values(values)[0]?.map((_, index) => index * stepMs) ?? [], values },
  });
  it.each([
    ["each point a window", "p(95) < 200 within 10s", { p95: [100e6, 150e6] }, "passed"],
    ["one window over", "p(95) < 200 within 10s", { p95: [100e6, 250e6] }, "failed"],
    ["points on both sides of the limit in one window", "p(95) < 200 within 20s", { p95: [100e6, 250e6] }, "undecided"],
    ["extremes combine exactly", "max < 200 within 20s", { max: [100e6, 250e6] }, "failed"],
    ["means by their counts", "avg < 200 within 20s", { mean: [100e6, 290e6], count: [9, 1] }, "passed"],
    ["means without counts", "avg < 200 within 20s", { mean: [100e6, 290e6] }, "undecided"],
    ["a window without a point", "p(95) < 200 within 10s", { p95: [100e6, null, 100e6] }, "no-data"],
    ["points too far apart", "p(95) < 200 within 5s", { p95: [100e6, 100e6] }, "no-data"],
    ["a statistic that the series lacks", "p(99) < 200 within 10s", { p95: [100e6, 100e6] }, "no-data"],
    ["equality between the ends", "p(95) != 150 within 20s", { p95: [100e6, 250e6] }, "undecided"],
  ] as const)("%s", (_, text, values, expected) => {
    const mutable = Object.fromEntries(Object.entries(values).map(([name, each]) => [name, [...each]]));
    expect(states(text, series(mutable))).toEqual([expected]);
  });
});

it("a worse value never improves the state", () => {
  const rank = { passed: 0, undecided: 1, "no-data": 2, failed: 3 };
  const value = fc.double({ min: 0, max: 1e12, noNaN: true });
  fc.assert(
    fc.property(value, value, fc.double({ min: 0, max: 1e6, noNaN: true }), (a, b, limit) => {
      const [better, worse] = [Math.min(a, b), Math.max(a, b)];
      const state = (p95: number) =>
        evaluateThreshold(parseThreshold(`p(95) < ${limit.toFixed(6)}`), makeMeasurement("x", { count: 9, p95 }))[0]
          ?.state;
      expect(rank[state(worse) ?? "failed"]).toBeGreaterThanOrEqual(rank[state(better) ?? "failed"]);
    }),
    { seed: 3 },
  );
});
