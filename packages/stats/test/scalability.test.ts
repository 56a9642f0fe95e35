import { Random } from "@mettle/core";
import { describe, expect, test } from "vitest";
import { type Estimate, fitScalability, throughputAt } from "../src/scalability.ts";
import { oracle, relativeError } from "./oracle-trends.ts";

const loads = [1, 2, 4, 8, 16, 32, 64, 128];
const law = (lambda: number, sigma: number, kappa: number) => (n: number) =>
  (lambda * n) / (1 + sigma * (n - 1) + kappa * n * (n - 1));

describe.each(oracle.scalability)("$name: R's nls", ({ loads: n, throughputs, fit }) => {
  const own = fitScalability(n, throughputs);

  test.each(["lambda", "sigma", "kappa"] as const)("%s and its interval", (name) => {
    const [value, standardError] = fit[name];
    const estimate: Estimate = own[name];
    expect(relativeError(estimate.value, value)).toBeLessThan(1e-4);
    expect(relativeError(estimate.high, value + fit.t * standardError)).toBeLessThan(1e-3);
    expect(estimate.low).toBeCloseTo(Math.max(0, value - fit.t * standardError), 3);
  });

  test("spread about the curve", () => {
    expect(relativeError(own.residualDeviation, fit.deviation)).toBeLessThan(1e-6);
  });
});

test("SPEC SDM91: the published fit (Gunther; λ 90.0, σ 0.0277, κ 0.000104, peak at 96.5)", () => {
  const data = oracle.scalability.find(({ name }) => name === "SPEC SDM91");
  const own = fitScalability(data?.loads ?? [], data?.throughputs ?? []);
  expect(own.lambda.value).toBeCloseTo(89.995, 2);
  expect(own.sigma.value).toBeCloseTo(0.02773, 4);
  expect(own.kappa.value).toBeCloseTo(0.0001044, 6);
  expect(own.peak?.concurrency).toBeCloseTo(96.52, 1);
  expect(own.peak?.beyondData).toBe(false);
});

test("exact laws are recovered, those on the bounds too", () => {
  for (const [sigma, kappa] of [
    [0.05, 0.001],
    [0, 0.0005],
    [0.1, 0],
    [0, 0],
  ] as const) {
    const own = fitScalability(loads, loads.map(law(250, sigma, kappa)));
    expect(own.lambda.value).toBeCloseTo(250, 4);
    expect(own.sigma.value).toBeCloseTo(sigma, 7);
    expect(own.kappa.value).toBeCloseTo(kappa, 8);
    expect(throughputAt(own, 50)).toBeCloseTo(law(250, sigma, kappa)(50), 1);
  }
});

test("faster than linear is no negative contention: the estimate stays on its bound", () => {
  const own = fitScalability(
    loads,
    loads.map((n) => 100 * n ** 1.05),
  );
  expect(own.sigma.value).toBe(0);
  expect(own.kappa.value).toBe(0);
  expect(own.peak).toBeUndefined();
});

test("intervals cover the law about as often as promised", () => {
  const random = new Random(20);
  const runs = 300;
  const covered = { sigma: 0, kappa: 0, peak: 0 };
  const peak = Math.sqrt((1 - 0.03) / 5e-4);
  for (let i = 0; i < runs; i++) {
    const own = fitScalability(
      loads,
      loads.map((n) => law(100, 0.03, 5e-4)(n) + 4 * random.normal()),
    );
    if (own.sigma.low <= 0.03 && 0.03 <= own.sigma.high) covered.sigma += 1;
    if (own.kappa.low <= 5e-4 && 5e-4 <= own.kappa.high) covered.kappa += 1;
    if ((own.peak?.low ?? Infinity) <= peak && peak <= (own.peak?.high ?? 0)) covered.peak += 1;
  }
  // A linearized interval of a nonlinear fit: nominal 0.95.
  for (const count of Object.values(covered)) expect(count / runs).toBeGreaterThan(0.9);
});

test("nonsense is refused", () => {
  const refuses = (run: () => unknown, code: string): void => {
    expect(run).toThrow(expect.objectContaining({ code }));
  };
  refuses(() => fitScalability([1, 2, 3], [1, 2, 3]), "STATS_TOO_FEW_SAMPLES");
  refuses(() => fitScalability([1, 2, 3, 4], [1, 2, 3, Number.NaN]), "STATS_SAMPLE_INVALID");
  refuses(() => fitScalability([0, 2, 3, 4], [1, 2, 3, 4]), "STATS_ARGUMENT_INVALID");
  refuses(() => fitScalability([1, 1, 2, 2], [1, 1, 2, 2]), "STATS_ARGUMENT_INVALID");
  refuses(() => fitScalability([1, 2, 3, 4], [1, 2, 3]), "STATS_ARGUMENT_INVALID");
});
