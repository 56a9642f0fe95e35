import { ns } from "@mettle/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { DurationHistogram, durationBounds } from "../../src/telemetry/duration-histogram.ts";

const read = (histogram: DurationHistogram, labels = ""): ReadonlyMap<string, number> =>
  new Map(
    histogram.lines("t", labels).map((line) => {
      const [name = "", value = ""] = line.split(" ");
      return [name, Number(value)];
    }),
  );

test("bounds rise, lie at most a third apart, and hold the limits that the service is judged by", () => {
  for (const [i, bound] of durationBounds.entries()) {
    if (i === 0) continue;
    const ratio = bound / (durationBounds[i - 1] as number);
    expect(ratio).toBeGreaterThan(1);
    expect(ratio).toBeLessThan(1.34);
  }
  for (const limit of [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.015, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1]) {
    expect(durationBounds).toContain(limit);
  }
});

test("each bucket counts what took at most its bound, as counting them one by one does", () => {
  const durations = fc.array(
    fc.oneof(
      fc.integer({ min: 0, max: 2e10 }),
      fc.constantFrom(...durationBounds.flatMap((bound) => [bound * 1e9, bound * 1e9 + 1])),
    ),
    { maxLength: 200 },
  );
  fc.assert(
    fc.property(durations, (values) => {
      const histogram = new DurationHistogram();
      for (const value of values) histogram.record(ns(Math.round(value)));
      const lines = read(histogram);
      for (const bound of durationBounds) {
        const atMost = values.filter((value) => Math.round(value) <= Math.round(bound * 1e9)).length;
        expect(lines.get(`t_bucket{le="${bound}"}`)).toBe(atMost);
      }
      expect(lines.get('t_bucket{le="+Inf"}')).toBe(values.length);
      expect(lines.get("t_count")).toBe(values.length);
      expect(lines.get("t_sum")).toBeCloseTo(values.reduce((sum, value) => sum + Math.round(value), 0) / 1e9, 9);
    }),
  );
});

test("labels stand on every line", () => {
  const histogram = new DurationHistogram();
  histogram.record(ns(1e6));
  for (const line of histogram.lines("t", 'cache="users"')) expect(line).toContain('cache="users"');
});
