import type { Comparison, Measurement, Run, Summary } from "@mettle/results";
import { runSchema } from "@mettle/results";

/** A run document with the least that the type demands. */
export function makeRun(measurements: readonly Measurement[], changes: Partial<Run> = {}): Run {
  return {
    schema: runSchema,
    id: "0197-run",
    startedAt: "2026-01-01T00:00:00Z",
    durationMs: 1000,
    name: "checkout",
    kind: "load",
    environment: {
      os: { platform: "linux", release: "6.1", arch: "x64" },
      cpu: { model: "Test CPU", cores: 4 },
      memoryBytes: 8e9,
      node: { version: "24.0.0", v8: "13", flags: [] },
      fingerprint: "machine-a",
    },
    validity: { state: "valid", reasons: [] },
    measurements,
    ...changes,
  };
}

/** 10 000 samples of a time in ms, as a trend keeps them. */
export const timesMs: Summary = {
  count: 10_000,
  mean: 100e6,
  stddev: 30e6,
  min: 20e6,
  p50: 90e6,
  p75: 110e6,
  p90: 150e6,
  p95: 200e6,
  p99: 300e6,
  p999: 400e6,
  max: 500e6,
};

export function makeMeasurement(metric: string, summary: Summary, changes: Partial<Measurement> = {}): Measurement {
  return { metric, unit: "ns", direction: "lower", tags: {}, summary, ...changes };
}

export function makeComparison(changes: Partial<Comparison> = {}): Comparison {
  return {
    metric: "lookup.time",
    unit: "ns",
    direction: "lower",
    tags: {},
    baseline: { label: "main@4f2c1e0" },
    candidate: { label: "work tree" },
    ratio: 1.3,
    interval: { of: "ratio", low: 1.25, high: 1.35, confidence: 0.99, method: "t over log ratios" },
    pValue: 0.0001,
    margin: 0.01,
    pairs: 20,
    outcome: "worse",
    logRatios: [],
    ...changes,
  };
}
