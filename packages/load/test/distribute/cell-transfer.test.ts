import { ManualClock } from "@mettle/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CellReader, CellWriting, type RemoteFlush } from "../../src/distribute/cell-transfer.ts";
import { decodeMessage, encodeMessage } from "../../src/distribute/wire-codec.ts";
import type { Flush } from "../../src/engine/protocol.ts";
import { MetricBoard } from "../../src/metrics/metric-board.ts";
import type { MetricDefinition } from "../../src/metrics/recorder.ts";
import { WorkerRecorder } from "../../src/metrics/worker-recorder.ts";

const definitions: readonly MetricDefinition[] = [
  { name: "waited", kind: "trend", contains: "time" },
  { name: "rated", kind: "trend", contains: "default" },
  { name: "sold", kind: "counter", contains: "default" },
  { name: "level", kind: "gauge", contains: "data" },
  { name: "good", kind: "rate", contains: "default" },
];
const layout = { points: 10, stepMs: 1000 };
const rest = { counts: {}, health: {} as Flush["health"], errors: [], samples: [], overflowed: 0 };

interface Sample {
  readonly thread: number;
  readonly metric: number;
  readonly value: number;
  readonly check: string;
}
const sample: fc.Arbitrary<Sample> = fc.record({
  thread: fc.integer({ min: 0, max: 2 }),
  metric: fc.integer({ min: 0, max: definitions.length - 1 }),
  value: fc.oneof(
    fc.double({ min: 0, max: 1e6, noNaN: true }),
    fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1),
  ),
  check: fc.constantFrom("a", "b"),
});

/** Records samples in the order given on three threads, and lets each go what it has at "flush". */
function recorded(script: readonly (Sample | "flush")[], take: (thread: number, flush: Flush) => void): void {
  const clock = new ManualClock(1e12);
  const options = {
    splitBy: { waited: ["check"], sold: ["check"] },
    submetrics: [{ metric: "good", tags: { check: "a" } }],
  };
  const recorders = [0, 1, 2].map(() => new WorkerRecorder(clock, options));
  const flush = (): void => {
    recorders.forEach((recorder, thread) => {
      take(thread, { ...recorder.flip(), ...rest });
    });
  };
  for (const step of script) {
    if (step === "flush") flush();
    else {
      const recorder = recorders[step.thread]!;
      recorder.metric(definitions[step.metric]!).add(step.value, recorder.tagSet({ check: step.check }));
    }
  }
  flush();
}

const board = (): MetricBoard => new MetricBoard([{ metric: "good", tags: { check: "a" } }], layout);

test("what comes over the network is, number for number, what threads of this machine give", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 10, arbitrary: sample }, { weight: 1, arbitrary: fc.constant("flush" as const) }), {
        maxLength: 120,
      }),
      (script) => {
        const here = board();
        recorded(script, (thread, { fresh, half }) => {
          here.announce(thread, fresh);
          here.absorb(thread, half);
        });
        const afar = board();
        const readers = [0, 1, 2].map(() => new CellReader());
        const memory = new Map();
        const writers = [0, 1, 2].map(() => new CellWriting(memory));
        recorded(script, (thread, flush) => {
          const sent = decodeMessage(encodeMessage(readers[thread]!.read(flush))) as RemoteFlush;
          const { fresh, half } = writers[thread]!.write(sent);
          afar.announce(thread, fresh);
          afar.absorb(thread, half);
        });
        const sums = (metrics: MetricBoard): unknown =>
          metrics.measurements(10).map(({ summary: { sum, mean, ...summary }, histogram, ...other }) => ({
            ...other,
            summary,
            buckets: histogram?.buckets,
            // Kahan's compensation is folded in on the way: the last digit may differ.
            sum: sum?.toPrecision(12),
            mean: mean?.toPrecision(12),
          }));
        expect(sums(afar)).toEqual(sums(here));
      },
    ),
  );
});

test("cells without samples take no room", () => {
  const reader = new CellReader();
  const sizes: number[] = [];
  recorded([{ thread: 0, metric: 0, value: 3, check: "a" }, "flush", "flush"], (thread, flush) => {
    if (thread === 0) sizes.push(reader.read(flush).cells.length);
  });
  expect(sizes).toEqual([1, 0, 0]);
});

test("cells that were never announced, or hold something else, are refused", () => {
  const flush = (cells: RemoteFlush["cells"]): RemoteFlush => ({
    ...rest,
    fresh: [{ id: 0, definition: definitions[0]!, submetrics: [] }],
    cells,
  });
  const write = (cells: RemoteFlush["cells"]): unknown => new CellWriting(new Map()).write(flush(cells));
  expect(() => write([[1, new Float64Array(7)]])).toThrow("no cell 1");
  expect(() => write([[0, new Float64Array(7)]])).toThrow("no cell 0 of this kind");
  const counter = (words: Float64Array): unknown =>
    new CellWriting(new Map()).write({
      ...rest,
      fresh: [{ id: 0, definition: definitions[2]!, submetrics: [] }],
      cells: [[0, words]],
    });
  expect(() => counter(new Float64Array(3))).toThrow("not the words of a tally");
  expect(() => counter(new Float64Array(7).fill(Number.NaN))).toThrow("not the words of a tally");
});

test("a gauge's last value is the last by one clock, and moments are on it, however machines' clocks stand", () => {
  const gauges: readonly MetricDefinition[] = [
    { name: "level", kind: "gauge", contains: "default" },
    { name: "llm_active_at", kind: "gauge", contains: "default" },
  ];
  const merged = new MetricBoard([], layout);
  const memory = new Map();
  // The second machine's clock is a minute fast; what it says comes first.
  for (const [thread, offsetMs, atMs] of [
    [0, 60_000, 1000],
    [1, 0, 3000],
  ] as const) {
    const clock = new ManualClock(1e12 + atMs + offsetMs);
    const recorder = new WorkerRecorder(clock);
    recorder.metric(gauges[0]!).add(thread, recorder.tagSet({}));
    recorder.metric(gauges[1]!).add(clock.wallTime(), recorder.tagSet({}));
    const remote = new CellReader().read({ ...recorder.flip(), ...rest });
    const { fresh, half } = new CellWriting(memory, () => offsetMs).write(remote);
    merged.announce(thread, fresh);
    merged.absorb(thread, half);
  }
  const summary = (metric: string) => merged.find(metric)!.measurement(1).summary;
  expect(summary("level").last).toBe(1);
  const moments = { min: 1e12 + 1000, max: 1e12 + 3000, last: 1e12 + 3000, mean: 1e12 + 2000 };
  expect(summary("llm_active_at")).toMatchObject(moments);
});
