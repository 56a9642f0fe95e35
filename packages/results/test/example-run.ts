import { Histogram } from "@mettle/stats";
import { type Environment, type Measurement, type Run, runSchema } from "../src/run.ts";

export const exampleEnvironment: Environment = {
  os: { platform: "linux", release: "6.1.0", arch: "x64" },
  cpu: { model: "Example 3000", cores: 2, mhz: 3000 },
  memoryBytes: 4_000_000_000,
  node: { version: "v24.1.0", v8: "13.6", flags: [] },
  fingerprint: "0123456789ab",
};

const histogram = new Histogram();
for (const value of [90, 95, 100, 100, 105, 200]) histogram.record(value);

export const exampleMeasurement: Measurement = {
  metric: "registry.lookup.time",
  unit: "ns",
  direction: "lower",
  tags: { agents: "1000" },
  summary: { count: 6, mean: 115, stddev: 42, min: 90, p50: 100, max: 200 },
  interval: { of: "median", low: 95, high: 105, confidence: 0.99, method: "t over process medians" },
  histogram: histogram.encode(),
  series: { atMs: [0, 1000, 2000], values: { p50: [100, null, 101], p95: [190, 200, 195] } },
  requirement: ["S0-039"],
  outliers: { lowSevere: 0, lowMild: 0, highMild: 0, highSevere: 1 },
  errors: { count: 2, kinds: { timeout: 1 }, examples: [{ kind: "timeout", atMs: 900, label: "GET /slow → timeout" }] },
  slowest: [
    {
      atMs: 1500,
      value: 200,
      phases: [
        ["wait", 180],
        ["receive", 20],
      ],
      label: "GET /slow → 200",
    },
  ],
  raw: {
    encoding: "f32le/base64",
    processes: [
      [90, 95, 100],
      [100, 105, 200],
    ].map((values) => Buffer.from(Float32Array.from(values).buffer).toString("base64")),
  },
  controlRatio: 1.25,
  notes: ["the body may have been optimized away"],
};

/** A run that uses every part of the document. */
export const exampleRun: Run = {
  schema: runSchema,
  id: "0192f000-0000-7000-8000-000000000001",
  startedAt: "2026-11-21T08:07:00.000Z",
  durationMs: 2000,
  name: "registry",
  kind: "bench",
  profile: "ci",
  revision: { commit: "4f2c1e".padEnd(40, "0"), branch: "main", dirty: false },
  environment: exampleEnvironment,
  validity: { state: "degraded", reasons: ["the machine was busy"] },
  failures: [{ code: "BENCH_PROCESS_DIED", message: '"walk": its process ended.' }],
  measurements: [
    exampleMeasurement,
    {
      metric: "http_reqs",
      unit: "count",
      direction: "higher",
      tags: {},
      summary: { count: 50, sum: 50, perSecond: 25 },
    },
  ],
  comparisons: [
    {
      metric: "registry.lookup.time",
      unit: "ns",
      direction: "lower",
      tags: { agents: "1000" },
      baseline: { label: "main", revision: { commit: "abc", branch: "main", dirty: false } },
      candidate: { label: "work tree", revision: { commit: "abd", branch: "faster", dirty: true } },
      ratio: 1.02,
      interval: { of: "ratio", low: 1.01, high: 1.03, confidence: 0.99, method: "t over process medians" },
      pValue: 0.001,
      margin: 0.01,
      pairs: 2,
      outcome: "worse",
      selfCheck: { ratio: 1, low: 0.99, high: 1.01, detectable: 0.012 },
      logRatios: [0.019, 0.021],
      notes: [],
    },
  ],
};

/** A run of one measurement with a summary only, as small as a valid one gets. */
export function runWith(parts: Partial<Run> = {}, measurement: Partial<Measurement> = {}): Run {
  return {
    schema: runSchema,
    id: "run-1",
    startedAt: "2026-01-01T00:00:00Z",
    durationMs: 1000,
    name: "example",
    kind: "bench",
    environment: exampleEnvironment,
    validity: { state: "valid", reasons: [] },
    measurements: [
      {
        metric: "a.time",
        unit: "ns",
        direction: "lower",
        tags: {},
        summary: { count: 3, mean: 2, p50: 2, p95: 3 },
        ...measurement,
      },
    ],
    ...parts,
  };
}

/** A copy with one value, named by its path, replaced; a path may end in a new property. */
export function edited(run: Run, path: readonly (string | number)[], value: unknown): unknown {
  const copy = structuredClone(run) as unknown;
  let at = copy as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>;
  at[path.at(-1) ?? ""] = value;
  return copy;
}
