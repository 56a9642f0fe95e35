import { resolvePolicy } from "@mettle/judge";
import { requestMetrics, taskMetrics } from "@mettle/load";
import { describe, expect, test } from "vitest";
import { emptyHistogram, Tally } from "../../../load/src/metrics/cell.ts";
import { MetricBoard } from "../../../load/src/metrics/metric-board.ts";
import type { MetricDefinition } from "../../../load/src/metrics/recorder.ts";
import { liveAgentsOf } from "../../src/load/live-agents.ts";
import { SpendingMeter } from "../../src/load/live-budgets.ts";
import type { LiveThreshold } from "../../src/load/thresholds.ts";

const board = (): MetricBoard => new MetricBoard([], { points: 100, stepMs: 1000 });

/** A second's values of a metric, in the unit of the run document. */
function second(
  on: MetricBoard,
  definition: MetricDefinition,
  values: readonly number[],
  tags: Readonly<Record<string, string>> = {},
): void {
  const half = definition.kind === "trend" ? emptyHistogram(definition) : new Tally();
  for (const value of values) {
    if (half instanceof Tally) half.add(value, 0);
    else half.record(value);
  }
  on.row(definition, tags).absorb(half);
}

const duration: MetricDefinition = { name: "http_req_duration", kind: "trend", contains: "time" };
const failed: MetricDefinition = { name: "http_req_failed", kind: "rate", contains: "default" };
const checks: MetricDefinition = { name: "checks", kind: "rate", contains: "default" };

/** As the command judges, with only what the meter reads of a finding. */
const judged = (metric: string, threshold: string, limit: number | undefined): LiveThreshold => {
  const [rule] = resolvePolicy({ thresholds: { [metric]: threshold } }).thresholds;
  if (!rule) throw new Error("no rule");
  return { rule, missed: false, finding: limit === undefined ? undefined : ({ limit } as never) };
};

describe("what a rule that allows a share spends in a second", () => {
  test("is counted from what came since the second before", () => {
    const on = board();
    const meter = new SpendingMeter();
    const rules = [
      judged("http_req_failed", "rate < 0.01", 0.01),
      judged("checks", "rate > 0.99", 0.99),
      judged("http_req_duration", "p(95) < 200ms", 200e6),
    ];
    second(on, failed, [1, 0, 0, 0]);
    second(on, checks, [1, 1, 0]);
    second(on, duration, [100e6, 150e6, 900e6]);
    const first = meter.read(on, rules);
    expect(first.map(({ rule, bad, total }) => [rule, bad, total])).toEqual([
      [0, 1, 4],
      [1, 1, 3],
      [2, 1, 3],
    ]);
    expect(first.map(({ allowed }) => Number(allowed.toPrecision(6)))).toEqual([0.01, 0.01, 0.05]);
    second(on, duration, [100e6, 950e6, 990e6, 120e6]);
    expect(meter.read(on, rules).map(({ bad, total }) => [bad, total])).toEqual([
      [0, 0],
      [0, 0],
      [2, 4],
    ]);
  });

  test("is counted for each of two rules that are written alike", () => {
    const on = board();
    const meter = new SpendingMeter();
    const rules = [
      judged("http_req_duration", "p(95) < 200ms", 200e6),
      judged("http_req_duration", "p(95) < 200ms", 200e6),
    ];
    second(on, duration, [100e6, 900e6]);
    for (let seen = 0; seen < 2; seen++) {
      const [bad, total] = seen === 0 ? [1, 2] : [0, 0];
      expect(meter.read(on, rules).map((each) => [each.rule, each.bad, each.total])).toEqual([
        [0, bad, total],
        [1, bad, total],
      ]);
    }
  });

  test("is not known for rules that allow no share, that are not judged yet, or that allow nothing", () => {
    const on = board();
    second(on, duration, [100e6]);
    second(on, failed, [1]);
    const rules = [
      judged("http_req_duration", "avg < 200ms", 200e6),
      judged("http_req_duration", "max < 200ms", 200e6),
      judged("http_req_duration", "p(95) > 200ms", 200e6),
      judged("http_req_duration", "p(95) < 200ms", undefined),
      judged("http_req_duration", "p(95) < 200ms && p(99) < 1s", 200e6),
      judged("http_req_failed", "rate <= 0", 0),
      judged("unheard_of", "rate < 0.1", 0.1),
    ];
    expect(new SpendingMeter().read(on, rules)).toEqual([]);
  });
});

describe("how agents stand", () => {
  test("is absent where a run measures none", () => {
    const on = board();
    second(on, duration, [1e6]);
    expect(liveAgentsOf(on)).toBeUndefined();
  });

  test("shares are of the whole run, paces of the last second; what is not measured is absent", () => {
    const on = board();
    second(on, requestMetrics.requests, [1, 1]);
    second(on, requestMetrics.outputTokens, [300, 200]);
    second(on, requestMetrics.cost, [0.25, 0.5]);
    second(on, taskMetrics.passed, [1, 1, 1, 0]);
    second(on, taskMetrics.steps, [2, 4]);
    second(on, taskMetrics.toolDuration, [1e9], { tool: "clock" });
    second(on, taskMetrics.toolDuration, [2e9, 2e9], { tool: "search" });
    second(on, taskMetrics.toolFailed, [1, 0], { tool: "search" });
    on.closePoints(1000, 1);
    const agents = liveAgentsOf(on);
    expect(agents).toMatchObject({ passedShare: 0.75, stepsPerTask: 3, outputTokensPerSecond: 500 });
    expect(agents?.costPerSecond).toBeCloseTo(0.75, 9);
    expect(agents?.tools.map(({ name, failedShare }) => [name, failedShare])).toEqual([
      ["search", 0.5],
      ["clock", undefined],
    ]);
    expect(agents).not.toHaveProperty("goodShare");
    expect(agents).not.toHaveProperty("timeToFirstTokenP95");
    on.closePoints(2000, 1);
    expect(liveAgentsOf(on)).toMatchObject({ costPerSecond: 0, passedShare: 0.75 });
  });
});
