import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addDurations,
  type DurationCounts,
  durationsSince,
  MetricsSnapshot,
  summaryOfDurations,
} from "../../../src/service/validate/open-metrics.ts";

const bounds = [0.001, 0.002, 0.005, 0.01, 0.1];

/** The text of a histogram, as a service writes it, of these seconds. */
const textOf = (seconds: readonly number[], labels = ""): string => {
  const lines = [...bounds, Number.POSITIVE_INFINITY].map((bound) => {
    const le = Number.isFinite(bound) ? String(bound) : "+Inf";
    return `t_bucket{${labels}${labels && ","}le="${le}"} ${seconds.filter((value) => value <= bound).length}`;
  });
  const own = labels ? `{${labels}}` : "";
  const sum = seconds.reduce((total, value) => total + value, 0);
  return [...lines, `t_count${own} ${seconds.length}`, `t_sum${own} ${sum}`].join("\n");
};
const countsOf = (seconds: readonly number[]): DurationCounts =>
  new MetricsSnapshot(textOf(seconds)).durations("t") ?? expect.fail("no histogram");

describe("reading", () => {
  test("samples with and without labels, escapes, comments, times after the value, and lines that are none", () => {
    const read = new MetricsSnapshot(
      [
        "# TYPE one gauge",
        "one 5",
        'many_total{of="a\\"b\\\\c",state="}"} 2 1700000000',
        'many_total{of="d",state="e"} 3 # {trace="x"} 1',
        "broken",
        "also broken x",
        "# EOF",
      ].join("\n"),
    );
    expect(read.value("one")).toBe(5);
    expect(read.value("many_total")).toBe(5);
    expect(read.value("many_total", { of: 'a"b\\c' })).toBe(2);
    expect(read.value("many_total", { of: "d", state: "e" })).toBe(3);
    expect(read.value("many_total", { of: "nothing" })).toBeUndefined();
    expect(read.value("broken")).toBeUndefined();
    expect(read.durations("one")).toBeUndefined();
  });

  test("histograms that differ in other labels are added up, or told apart", () => {
    const read = new MetricsSnapshot(`${textOf([0.001], 'cache="a"')}\n${textOf([0.004, 5], 'cache="b"')}`);
    expect(read.durations("t")).toMatchObject({ counts: [1, 0, 1, 0, 0], count: 3 });
    expect(read.durations("t", { cache: "b" })).toEqual({ bounds, counts: [0, 0, 1, 0, 0], count: 2, sum: 5.004 });
  });
});

const seconds = fc.array(fc.double({ min: 0, max: 0.2, noNaN: true }), { maxLength: 150 });

describe("what happened in between", () => {
  test("is what was added, however much there was before", () => {
    fc.assert(
      fc.property(seconds, seconds, (first, then) => {
        const since = durationsSince(countsOf(first), countsOf([...first, ...then]));
        const { counts, count } = countsOf(then);
        expect(since).toMatchObject({ counts, count });
        expect(addDurations(countsOf(first), countsOf(then)).counts).toEqual(countsOf([...first, ...then]).counts);
      }),
    );
  });

  test("is not known where the service was started again, or has other buckets", () => {
    expect(durationsSince(countsOf([0.001, 0.001]), countsOf([0.001]))).toBeUndefined();
    expect(durationsSince({ bounds: [1], counts: [0], count: 0, sum: 0 }, countsOf([0.001]))).toBeUndefined();
    expect(durationsSince(undefined, countsOf([0.001]))).toEqual(countsOf([0.001]));
  });
});

describe("the summary", () => {
  test("each percentile is the least bound that so many lie at or below: never under the true one", () => {
    fc.assert(
      fc.property(seconds, (values) => {
        const summary = summaryOfDurations(countsOf(values));
        const sorted = values.toSorted((a, b) => a - b);
        for (const [name, q, least] of [
          ["p50", 0.5, 1],
          ["p95", 0.95, 20],
          ["p99", 0.99, 100],
        ] as const) {
          const exact = sorted[Math.ceil(q * sorted.length) - 1];
          const bound = exact === undefined ? undefined : bounds.find((each) => exact <= each);
          const expected = bound === undefined || values.length < least ? undefined : bound * 1e9;
          expect(summary[name]).toBe(expected);
        }
        expect(summary.count).toBe(values.length);
      }),
    );
  });

  test("what lies above all buckets has no figure, rather than a wrong one", () => {
    const { p50, mean } = summaryOfDurations(countsOf([5, 7]));
    expect(p50).toBeUndefined();
    expect(mean).toBe(6e9);
  });
});
