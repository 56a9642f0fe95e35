import { Random } from "@mettle/core";
import { kolmogorovSmirnovTest } from "@mettle/stats";
import { describe, expect, test } from "vitest";
import {
  type ArrivalPattern,
  arrivals,
  exponential,
  traceArrivals,
  unitGamma,
  WorkerArrivals,
} from "../../src/engine/arrival-process.ts";
import { RateProfile } from "../../src/engine/rate-profile.ts";

const steady = (rate: number, durationMs: number): RateProfile =>
  new RateProfile([{ durationMs, from: rate, to: rate }]);

function all(process: { next(): number }): number[] {
  const times: number[] = [];
  for (let at = process.next(); at !== Number.POSITIVE_INFINITY; at = process.next()) times.push(at);
  return times;
}

const gapsOf = (times: readonly number[]): number[] => times.slice(1).map((at, i) => at - times[i]!);

function moments(values: readonly number[]): { mean: number; variation: number } {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, variation: Math.sqrt(variance) / mean };
}

describe("arrival processes", () => {
  test("a constant rate is k · gap to the last bit of a double, however long it runs", () => {
    const times = all(arrivals(steady(1000, 60_000), { kind: "even" }, 1));
    expect(times).toHaveLength(60_000);
    times.forEach((at, k) => expect(Math.abs(at - k)).toBeLessThan(1e-9 * (k + 1)));
  });

  test("Poisson gaps are exponential: Kolmogorov–Smirnov against draws of their own, and mean and variation", () => {
    const gaps = gapsOf(all(arrivals(steady(100, 200_000), { kind: "poisson" }, 7)));
    const random = new Random(99);
    const expected = Float64Array.from({ length: 20_000 }, () => exponential(random) * 10);
    expect(kolmogorovSmirnovTest(Float64Array.from(gaps), expected).pValue).toBeGreaterThan(0.001);
    const { mean, variation } = moments(gaps);
    // Standard errors: 10/√20000 = 0.07 of the mean, about 1/√20000 = 0.007 of the variation; four of them.
    expect(Math.abs(mean - 10)).toBeLessThan(0.28);
    expect(Math.abs(variation - 1)).toBeLessThan(0.03);
  });

  test.each([0.11, 0.5, 1, 2, 16])(
    "gamma gaps of shape %d have variation 1/√shape and the mean of the rate",
    (shape) => {
      const gaps = gapsOf(all(arrivals(steady(100, 400_000), { kind: "gamma", shape }, 3)));
      const { mean, variation } = moments(gaps);
      expect(Math.abs(mean / 10 - 1)).toBeLessThan(4 / Math.sqrt(shape * gaps.length));
      expect(Math.abs(variation * Math.sqrt(shape) - 1)).toBeLessThan(0.06);
    },
  );

  test("gamma of shape 1 is Poisson (Kolmogorov–Smirnov), and of shape 2 the sum of two exponentials", () => {
    const random = new Random(5);
    const one = unitGamma(new Random(6), 1);
    const two = unitGamma(new Random(8), 2);
    const sample = (draw: () => number): Float64Array => Float64Array.from({ length: 20_000 }, draw);
    expect(
      kolmogorovSmirnovTest(
        sample(one),
        sample(() => exponential(random)),
      ).pValue,
    ).toBeGreaterThan(0.001);
    const erlang = sample(() => (exponential(random) + exponential(random)) / 2);
    expect(kolmogorovSmirnovTest(sample(two), erlang).pValue).toBeGreaterThan(0.001);
  });

  test("a Poisson ramp has its stages' expected counts within four standard deviations", () => {
    const stages = [
      { durationMs: 60_000, from: 10, to: 100 },
      { durationMs: 60_000, from: 100, to: 0 },
    ];
    const times = all(arrivals(new RateProfile(stages), { kind: "poisson" }, 11));
    const first = times.filter((at) => at < 60_000).length;
    expect(Math.abs(first - 3300)).toBeLessThan(4 * Math.sqrt(3300));
    expect(Math.abs(times.length - first - 3000)).toBeLessThan(4 * Math.sqrt(3000));
  });

  const patterns: readonly ArrivalPattern[] = [{ kind: "even" }, { kind: "poisson" }, { kind: "gamma", shape: 0.3 }];
  test.each(patterns)("workers share the schedule of $kind: together they have each arrival once", (pattern) => {
    const make = () => arrivals(steady(50, 20_000), pattern, 21);
    const whole = all(make());
    for (const workers of [1, 2, 3, 7]) {
      const merged: [number, number][] = [];
      for (let worker = 0; worker < workers; worker++) {
        const own = new WorkerArrivals(make(), worker, workers);
        for (; own.dueMs !== Number.POSITIVE_INFINITY; own.advance()) {
          expect(own.number % workers).toBe(worker);
          merged.push([own.number, own.dueMs]);
        }
      }
      expect(merged.sort(([a], [b]) => a - b)).toEqual(whole.map((at, k) => [k, at]));
    }
  });

  test("the same seed gives the same arrivals, another seed others", () => {
    const times = (seed: number) => all(arrivals(steady(10, 5000), { kind: "poisson" }, seed));
    expect(times(4)).toEqual(times(4));
    expect(times(4)).not.toEqual(times(5));
  });

  test("a trace is replayed at its moments, or faster", () => {
    expect(all(traceArrivals([0, 5, 5, 20]))).toEqual([0, 5, 5, 20]);
    expect(all(traceArrivals([0, 5, 20], 2))).toEqual([0, 2.5, 10]);
  });
});
