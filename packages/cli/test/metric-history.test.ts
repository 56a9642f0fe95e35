import { Random } from "@mettle/core";
import { captureEnvironment, openHistory, type Run } from "@mettle/results";
import { expect, test } from "vitest";
import { entriesOf, metricHistory } from "../src/run/metric-history.ts";

const environment = captureEnvironment({ noiseProbe: false });
const runOf = (index: number, machine: string, value: number): Run => ({
  schema: "mettle.run/1",
  id: `run-${index}`,
  startedAt: new Date(Date.UTC(2026, 0, 1 + index)).toISOString(),
  durationMs: 1,
  name: "x",
  kind: "bench",
  profile: "ci",
  environment: { ...environment, fingerprint: machine },
  validity: { state: "valid", reasons: [] },
  measurements: [{ metric: "x.time", unit: "ns", direction: "lower", tags: {}, summary: { count: 9, p50: value } }],
});

/** The places of the changes found in a history of such runs, and how many points it shows. */
function changesOf(runs: readonly (readonly [machine: string, value: number])[]): { at: number[]; points: number } {
  using history = openHistory(":memory:");
  for (const [index, [machine, value]] of runs.entries()) history.append(runOf(index, machine, value));
  const [metric] = history.metrics();
  if (!metric) throw new Error("the history holds no metric");
  const { changePoints = [], points } = metricHistory(history, metric, {}, entriesOf(history));
  return { at: changePoints.map(({ index }) => index), points: points.length };
}

test("another machine is no change; a step on the same one is, at its place among all runs", () => {
  const random = new Random(1);
  const near = (level: number): number => level + random.normal();
  const old = Array.from({ length: 30 }, () => ["old", near(300)] as const);
  const since = Array.from({ length: 30 }, () => ["new", near(100)] as const);
  expect(changesOf([...old, ...since])).toEqual({ at: [], points: 60 });
  const turns = Array.from({ length: 120 }, (_, i) => {
    return i % 2 === 0 ? (["a", near(i < 60 ? 100 : 130)] as const) : (["b", near(300)] as const);
  });
  expect(changesOf([...turns, ["a", near(130)]])).toEqual({ at: [60], points: 121 });
});
