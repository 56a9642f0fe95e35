import { resolvePolicy } from "@mettle/judge";
import type { LoadSnapshot } from "@mettle/load";
import { describe, expect, test } from "vitest";
import { emptyHistogram } from "../../../load/src/metrics/cell.ts";
import { MetricBoard } from "../../../load/src/metrics/metric-board.ts";
import type { MetricDefinition } from "../../../load/src/metrics/recorder.ts";
import { progressOf } from "../../src/load/progress.ts";
import type { LiveThreshold } from "../../src/load/thresholds.ts";

const duration: MetricDefinition = { name: "http_req_duration", kind: "trend", contains: "time" };

/** A snapshot after one second of requests with these tags, so many of each. */
function snapshotOf(rows: readonly (readonly [tags: Readonly<Record<string, string>>, count: number])[]): LoadSnapshot {
  const board = new MetricBoard([], { points: 100, stepMs: 1000 });
  for (const [tags, count] of [[{}, 1] as const, ...rows]) {
    const half = emptyHistogram(duration);
    for (let i = 0; i < count; i++) half.record(1e6);
    board.row(duration, tags).absorb(half);
  }
  board.closePoints(1000, 1);
  return {
    elapsedMs: 1000,
    plannedMs: 10_000,
    startedPerSecond: 1,
    running: 0,
    waiting: 0,
    users: 0,
    scenarios: [],
    validity: { state: "valid", reasons: [] },
    errors: [],
    board,
    measurements: () => [],
  };
}

const namesOf = (snapshot: LoadSnapshot, judged: readonly LiveThreshold[] = []): string[] =>
  progressOf(snapshot, { name: "shop", target: "shop.js" }, judged).operations.map(({ name }) => name);

describe("the operations of a run that goes on", () => {
  test("are told apart by name: one that two scenarios have is said with its scenario", () => {
    const snapshot = snapshotOf([
      [{ scenario: "browse", name: "list" }, 9],
      [{ scenario: "buy", name: "list" }, 5],
      [{ scenario: "buy", name: "pay" }, 2],
    ]);
    expect(namesOf(snapshot)).toEqual(["browse list", "buy list", "pay"]);
  });

  test("are not the parts that rules ask for", () => {
    const snapshot = snapshotOf([
      [{ scenario: "buy", name: "pay" }, 9],
      [{ scenario: "buy", status: "200" }, 8],
      [{ name: "pay" }, 9],
    ]);
    expect(namesOf(snapshot)).toEqual(["pay"]);
  });

  test("over their limit come first, however seldom they are asked for", () => {
    const [rule] = resolvePolicy({ thresholds: { "http_req_duration{name:pay}": "p(95) < 1ms" } }).thresholds;
    if (!rule) throw new Error("no rule");
    const snapshot = snapshotOf([
      [{ scenario: "buy", name: "list" }, 9],
      [{ scenario: "buy", name: "pay" }, 1],
    ]);
    expect(namesOf(snapshot)).toEqual(["list", "pay"]);
    expect(namesOf(snapshot, [{ rule, missed: true, finding: undefined }])).toEqual(["pay", "list"]);
  });
});
