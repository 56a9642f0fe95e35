import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { arrivals } from "../../src/engine/arrival-process.ts";
import { RateProfile, type RateStage } from "../../src/engine/rate-profile.ts";

const stage = fc.record({
  durationMs: fc.integer({ min: 1, max: 60_000 }),
  from: fc.oneof(fc.constant(0), fc.double({ min: 0.01, max: 500, noNaN: true })),
  to: fc.oneof(fc.constant(0), fc.double({ min: 0.01, max: 500, noNaN: true })),
});

/** The expected count up to a moment, by adding up trapezoids. */
function countAt(stages: readonly RateStage[], atMs: number): number {
  let startMs = 0;
  let count = 0;
  for (const { durationMs, from, to } of stages) {
    const within = Math.min(Math.max(0, atMs - startMs), durationMs);
    const reached = from + ((to - from) * within) / durationMs;
    count += (((from + reached) / 2) * within) / 1000;
    startMs += durationMs;
  }
  return count;
}

describe("the rate profile", () => {
  test("its time of n arrivals is where the area under the rate is n", () => {
    fc.assert(
      fc.property(
        fc.array(stage, { minLength: 1, maxLength: 5 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (stages, share) => {
          const profile = new RateProfile(stages);
          const count = share * profile.arrivals;
          const at = profile.timeOf(count);
          if (profile.arrivals < 1e-6) return;
          expect(at).toBeLessThan(profile.durationMs);
          expect(Math.abs(countAt(stages, at) - count)).toBeLessThan(1e-6 * (1 + profile.arrivals));
        },
      ),
    );
  });

  test("a time never comes before the time of a lesser count, and asking again gives the same", () => {
    fc.assert(
      fc.property(fc.array(stage, { minLength: 1, maxLength: 5 }), (stages) => {
        const profile = new RateProfile(stages);
        const counts = Array.from({ length: 50 }, (_, i) => (i / 49) * profile.arrivals);
        const times = counts.map((count) => profile.timeOf(count));
        times.forEach((time, i) => expect(time).toBeGreaterThanOrEqual((times[i - 1] ?? 0) - 1e-9));
        expect(counts.toReversed().map((count) => profile.timeOf(count))).toEqual(times.toReversed());
      }),
    );
  });

  test("a pause at the start, or between stages, is waited out", () => {
    const profile = new RateProfile([
      { durationMs: 1000, from: 0, to: 0 },
      { durationMs: 1000, from: 10, to: 10 },
      { durationMs: 5000, from: 0, to: 0 },
      { durationMs: 1000, from: 1, to: 1 },
    ]);
    expect(profile.timeOf(0)).toBe(1000);
    expect(profile.timeOf(9)).toBeCloseTo(1900, 9);
    expect(profile.timeOf(10)).toBe(7000);
    expect(profile.timeOf(11)).toBe(Number.POSITIVE_INFINITY);
    expect(profile.rateAt(500)).toBe(0);
    expect(profile.rateAt(1500)).toBe(10);
    expect(profile.rateAt(9000)).toBe(0);
  });

  test("even arrivals: each stage holds as many as its area, one more or less at its ends", () => {
    fc.assert(
      fc.property(fc.array(stage, { minLength: 1, maxLength: 4 }), (stages) => {
        const profile = new RateProfile(stages);
        const process = arrivals(profile, { kind: "even" }, 1);
        const times: number[] = [];
        for (let at = process.next(); at !== Number.POSITIVE_INFINITY; at = process.next()) times.push(at);
        expect(Math.abs(times.length - profile.arrivals)).toBeLessThanOrEqual(1);
        let startMs = 0;
        for (const { durationMs, from, to } of stages) {
          const inside = times.filter((at) => at >= startMs && at < startMs + durationMs).length;
          expect(Math.abs(inside - ((from + to) / 2) * (durationMs / 1000))).toBeLessThanOrEqual(1 + 1e-6);
          startMs += durationMs;
        }
      }),
      { numRuns: 50 },
    );
  });
});
