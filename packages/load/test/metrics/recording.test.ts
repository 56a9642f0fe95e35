import { ManualClock, Random } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MetricBoard } from "../../src/metrics/metric-board.ts";
import type { MetricDefinition, Tags } from "../../src/metrics/recorder.ts";
import { WorkerRecorder } from "../../src/metrics/worker-recorder.ts";

const layout = { points: 100, stepMs: 1000 };
const latency: MetricDefinition = { name: "http_req_duration", kind: "trend", contains: "time" };

/** What `mettle load` does once a second, with any number of workers. */
function gather(board: MetricBoard, workers: readonly WorkerRecorder[]): void {
  workers.forEach((recorder, worker) => {
    const { half, fresh } = recorder.flip();
    board.announce(worker, fresh);
    board.absorb(worker, half);
  });
}

const nearestRank = (sorted: readonly number[], q: number): number =>
  sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;

describe("recording", () => {
  test("totals, parts and submetrics are what sorting all samples gives, for any split over workers and seconds", () => {
    const sample = fc.record({
      worker: fc.nat(2),
      value: fc.double({ min: 0, max: 5000, noNaN: true }),
      status: fc.constantFrom("200", "500"),
      name: fc.constantFrom("a", "b", "c"),
      flip: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 300 }), (samples) => {
        const submetrics = [{ metric: latency.name, tags: { status: "200" } }];
        const workers = [0, 1, 2].map(() => new WorkerRecorder(new ManualClock(), { submetrics }));
        const board = new MetricBoard(submetrics, layout);
        for (const { worker, value, status, name, flip } of samples) {
          const recorder = workers[worker]!;
          recorder.metric(latency).add(value, recorder.tagSet({ scenario: "s", status, name }));
          if (flip) gather(board, workers);
        }
        gather(board, workers);
        const check = (tags: Tags, own: readonly number[]): void => {
          const row = board.find(latency.name, tags);
          expect(row?.count ?? 0).toBe(own.length);
          if (!row || own.length === 0) return;
          const sorted = own.map((value) => value * 1e6).sort((a, b) => a - b);
          const { summary } = row.measurement(1);
          expect(summary.min).toBe(sorted[0]);
          expect(summary.max).toBe(sorted.at(-1));
          expect(summary.mean! - sorted.reduce((a, b) => a + b, 0) / sorted.length).toBeLessThan(1);
          for (const [name, q] of [
            ["p50", 0.5],
            ["p90", 0.9],
            ["p99", 0.99],
          ] as const) {
            const exact = nearestRank(sorted, q);
            // The histogram's stated bound at 7 bits and a resolution of 1 ns.
            const bound = Math.max(0.5, (exact + 0.5) * 2 ** -8);
            if (summary[name] !== undefined) expect(Math.abs(summary[name] - exact)).toBeLessThanOrEqual(bound);
          }
        };
        check(
          {},
          samples.map(({ value }) => value),
        );
        check(
          { status: "200" },
          samples.filter(({ status }) => status === "200").map(({ value }) => value),
        );
        for (const part of ["a", "b", "c"]) {
          check(
            { scenario: "s", name: part },
            samples.filter(({ name }) => name === part).map(({ value }) => value),
          );
        }
      }),
      { numRuns: 60 },
    );
  });

  test("counters, rates and gauges add up over workers", () => {
    const workers = [0, 1].map(() => new WorkerRecorder(new ManualClock(1000)));
    const board = new MetricBoard([], layout);
    for (const [index, recorder] of workers.entries()) {
      const tags = recorder.tagSet({});
      const counter = recorder.metric({ name: "bytes", kind: "counter", contains: "data" });
      const rate = recorder.metric({ name: "ok", kind: "rate", contains: "default" });
      const gauge = recorder.metric({ name: "level", kind: "gauge", contains: "default" });
      counter.add(100 + index, tags);
      counter.add(5, tags);
      rate.add(1, tags);
      rate.add(index, tags);
      gauge.add(-3 * (index + 1), tags);
      gauge.add(7 + index, tags);
    }
    gather(board, workers);
    expect(board.find("bytes")?.measurement(2).summary).toEqual({ count: 4, sum: 211, perSecond: 105.5 });
    expect(board.find("bytes")?.measurement(2).unit).toBe("bytes");
    expect(board.find("ok")?.measurement(2).summary).toEqual({ count: 4, rate: 0.75 });
    expect(board.find("level")?.measurement(2).summary).toEqual({ count: 4, mean: 1.5, min: -6, max: 8, last: 8 });
  });

  test("what is no value is counted, touches nothing, and is said", () => {
    const recorder = new WorkerRecorder(new ManualClock());
    const board = new MetricBoard([], layout);
    const tags = recorder.tagSet({});
    const trend = recorder.metric(latency);
    const counter = recorder.metric({ name: "c", kind: "counter", contains: "default" });
    for (const value of [1, Number.NaN, -1, Number.POSITIVE_INFINITY]) trend.add(value, tags);
    for (const value of [2, Number.NaN, -1]) counter.add(value, tags);
    gather(board, [recorder]);
    board.closePoints(0, 1);
    expect(board.find(latency.name)?.measurement(1).summary.count).toBe(1);
    expect(board.find(latency.name)?.measurement(1).notes?.[0]).toMatch(/^3 values were no values of a trend/);
    expect(board.find("c")?.measurement(1).summary.sum).toBe(2);
    expect(board.find("c")?.measurement(1).notes?.[0]).toMatch(/^2 values/);
  });

  test("parts beyond the cap are one part named other; submetrics stay exact", () => {
    const submetrics = [{ metric: latency.name, tags: { name: "n499" } }];
    const recorder = new WorkerRecorder(new ManualClock(), { submetrics, maxSeries: 10, maxTagSets: 50 });
    const board = new MetricBoard(submetrics, layout);
    const trend = recorder.metric(latency);
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 500; i++) trend.add(i, recorder.tagSet({ scenario: "s", name: `n${i}`, id: String(i) }));
    }
    gather(board, [recorder]);
    expect(board.find(latency.name)?.count).toBe(1000);
    expect(board.find(latency.name, { name: "n499" })?.count).toBe(2);
    expect(board.find(latency.name, { scenario: "s", name: "n3" })?.count).toBe(2);
    const parts = board.rows.filter(({ tags }) => Object.keys(tags).length === 2);
    expect(parts).toHaveLength(11);
    expect(recorder.overflowed).toBeGreaterThan(0);
    // Nothing is lost: the parts hold all but what fell out of the remembered tag sets altogether.
    const told = parts.reduce((sum, { count }) => sum + count, 0);
    expect(told).toBeLessThanOrEqual(1000);
    expect(told).toBeGreaterThan(100);
  });

  test("the same name with another kind is refused; the same again is the same metric", () => {
    const recorder = new WorkerRecorder(new ManualClock());
    expect(recorder.metric(latency)).toBe(recorder.metric({ ...latency }));
    expect(() => recorder.metric({ ...latency, kind: "rate" })).toThrow(
      expect.objectContaining({ code: "LOAD_METRIC_CONFLICT" }),
    );
  });

  test("memory is the same after a million samples as after a thousand", () => {
    const recorder = new WorkerRecorder(new ManualClock());
    const board = new MetricBoard([], layout);
    const trend = recorder.metric(latency);
    const random = new Random(1);
    const tags = Array.from({ length: 5 }, (_, i) => recorder.tagSet({ name: `n${i}` }));
    const fresh: number[] = [];
    for (let second = 0; second < 100; second++) {
      for (let i = 0; i < 10_000; i++) trend.add(random.uniform() * 100, tags[i % 5]!);
      const flipped = recorder.flip();
      fresh.push(flipped.fresh.length);
      board.announce(0, flipped.fresh);
      board.absorb(0, flipped.half);
      board.closePoints(second * 1000, 1);
    }
    expect(fresh.slice(1).every((count) => count === 0)).toBe(true);
    expect(board.find(latency.name)?.count).toBe(1_000_000);
  });
});
