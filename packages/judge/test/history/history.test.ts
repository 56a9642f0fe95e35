import { Random } from "@mettle/core";
import { describe, expect, it } from "vitest";
import { assessHistory } from "../../src/history/assessment.ts";
import { type HistorySeries, judgeHistory } from "../../src/history/history-judgement.ts";
import { policyDefaults } from "../../src/policy.ts";

const series = (level: (index: number) => number, count: number, seed = 1): HistorySeries => {
  const random = new Random(seed);
  return {
    metric: "lookup.time",
    tags: {},
    unit: "ns",
    direction: "lower",
    points: Array.from({ length: count }, (_, index) => ({
      value: level(index) * (1 + 0.01 * random.normal()),
      runId: `run-${index}`,
      commit: `${index}`.padStart(7, "c"),
      at: `2026-01-${String(index + 1).padStart(2, "0")}`,
    })),
  };
};
const states = (each: HistorySeries) =>
  judgeHistory([each], policyDefaults).map(({ state, severity }) => `${state} ${severity}`);

describe("a series of runs", () => {
  it("below ten points is insufficient, never a pass (S0-155)", () => {
    expect(assessHistory(series(() => 100, 9).points, "lower")).toEqual({
      insufficientHistory: true,
      points: 9,
      minimumPoints: 10,
    });
    expect(judgeHistory([series(() => 100, 9)], policyDefaults)).toMatchObject([{ state: "no-data", required: false }]);
    expect(judgeHistory([series(() => 100, 9)], policyDefaults, { required: true })[0]?.required).toBeUndefined();
    // Asking for fewer does not make them enough.
    expect(assessHistory(series(() => 100, 9).points, "lower", { minimumPoints: 3 }).insufficientHistory).toBe(true);
  });

  it("says once how many metrics have too few runs", () => {
    const named = (metric: string, count: number) => ({ ...series(() => 100, count), metric });
    const found = judgeHistory([named("a", 3), named("b", 4), named("c", 40)], policyDefaults);
    expect(found.filter(({ state }) => state === "no-data")).toMatchObject([
      {
        message: "Insufficient history: 2 of 3 metrics have 3 to 4 runs, and a judgement needs 10.",
        recommendation: expect.stringContaining("7 more times") as string,
        required: false,
      },
    ]);
    expect(found).toHaveLength(2);
    expect(
      judgeHistory([named("a", 3), named("b", 3)], policyDefaults, { required: true })[0]?.required,
    ).toBeUndefined();
  });

  it("that stays is well", () => expect(states(series(() => 100, 40))).toEqual(["passed low"]));

  it("names the commit of a new step (S0-156, S0-159)", () => {
    const findings = judgeHistory([series((index) => (index < 65 ? 100 : 130), 80)], policyDefaults);
    const step = findings.find(({ state }) => state === "failed");
    expect(step?.severity).toBe("high");
    expect(step?.message).toMatch(/since commit ccccc65: \+(29|30|31)\.\d %, worse/);
    expect(step?.recommendation).toContain("between commit ccccc64 and commit ccccc65");
  });

  it("tells an old step and an improvement without failing", () => {
    const old = judgeHistory([series((index) => (index < 30 ? 100 : 130), 80)], policyDefaults);
    expect(old.map(({ state }) => state)).toEqual(["info", "passed"]);
    const better = judgeHistory([series((index) => (index < 65 ? 100 : 70), 80)], policyDefaults);
    expect(better.some(({ change }) => change?.outcome === "better")).toBe(true);
    expect(better.every(({ state }) => state === "info" || state === "passed")).toBe(true);
  });

  it("sees a drift that no step explains (S0-157)", () => {
    // Slow enough against its noise that the segmentation finds no step.
    const random = new Random(3);
    const drifting: HistorySeries = {
      ...series(() => 0, 30),
      points: series(() => 0, 30).points.map((point, index) => ({
        ...point,
        value: 100 + 0.5 * index + 4 * random.normal(),
      })),
    };
    const assessment = assessHistory(drifting.points, "lower");
    if (assessment.insufficientHistory) throw new Error("thirty points are a history");
    expect(assessment.statistical).toEqual([]);
    expect(assessment.trend?.worse).toBe(true);
    expect(assessment.trend?.change).toBeGreaterThan(0.07);
    expect(assessment.trend?.change).toBeLessThan(0.23);
    expect(assessment.trend?.pValue).toBeLessThan(0.01);
    expect(judgeHistory([drifting], policyDefaults).some(({ rule }) => rule === "no trend in history")).toBe(true);
  });

  it("projects a trend half as far ahead as it goes back, with an interval for one run (S0-196)", () => {
    // 300 series on one line: how often is the run to come where it was said to be?
    let inside = 0;
    const tries = 300;
    for (let seed = 1; seed <= tries; seed++) {
      const random = new Random(seed);
      const value = (run: number): number => 100 + 0.5 * run + random.normal();
      const points = Array.from({ length: 20 }, (_, run) => ({ value: value(run), runId: `${run}`, at: "2026-01-01" }));
      const assessment = assessHistory(points, "lower");
      if (assessment.insufficientHistory || !assessment.trend) throw new Error("a trend was expected");
      const { projection } = assessment.trend;
      // A step found in a drift leaves a shorter trend.
      expect(projection.runsAhead).toBe(Math.floor(assessment.trend.points / 2));
      const coming = value(points.length - 1 + projection.runsAhead);
      if (projection.low <= coming && coming <= projection.high) inside += 1;
    }
    // 95 % are promised; 3 standard errors of 300 tries are 3.8 %.
    expect(inside / tries).toBeGreaterThan(0.912);
    const [finding] = judgeHistory([series((run) => 100 + run, 20)], policyDefaults).filter(
      ({ rule }) => rule === "no trend in history",
    );
    expect(finding?.projection?.value).toBeCloseTo(129, -1);
    expect(finding?.evidence.join("\n")).toContain("if it goes on, ");
  });

  it("holds the last value against the level and its scatter (S0-158)", () => {
    const off = judgeHistory([series((index) => (index < 39 ? 100 : 160), 40)], policyDefaults);
    expect(off).toMatchObject([{ state: "failed", severity: "critical", limit: expect.closeTo(100, 0) as number }]);
    const random = new Random(9);
    const noisy = series(() => 100, 40).points.map((point) => ({ ...point, value: 100 + 20 * random.normal() }));
    const last = noisy.slice(39).map((point) => ({ ...point, value: 130 }));
    const within = judgeHistory(
      [{ ...series(() => 100, 40), points: [...noisy.slice(0, 39), ...last] }],
      policyDefaults,
    );
    expect(within.find(({ rule }) => rule.startsWith("last value"))).toMatchObject({
      state: "undecided",
      required: false,
    });
  });

  it("sees a rise from zero", () => {
    const errors: HistorySeries = { ...series(() => 1, 40), unit: "1" };
    const points = errors.points.map((point, index) => ({ ...point, value: index < 32 ? 0 : 0.05 + index / 1e5 }));
    const findings = judgeHistory([{ ...errors, points }], policyDefaults);
    expect(findings.some(({ state }) => state === "failed")).toBe(true);
  });
});
