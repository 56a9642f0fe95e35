import type { Finding, Verdict } from "@mettle/judge";
import { omit } from "../src/omit.ts";
import type { Comparison, Environment, Measurement, Run } from "@mettle/results";

export const environment: Environment = {
  os: { platform: "linux", release: "6.1.0", arch: "x64" },
  cpu: { model: "AMD EPYC 7763", cores: 2, mhz: 2450 },
  memoryBytes: 4 * 1024 ** 3,
  node: { version: "v24.21.0", v8: "13.6", flags: [] },
  fingerprint: "f00dcafe",
};

export function measurement(metric: string, p50: number, more: Partial<Measurement> = {}): Measurement {
  const { summary, ...rest } = more;
  return {
    metric,
    unit: "ns",
    direction: "lower",
    tags: {},
    interval: { of: "median", low: p50 * 0.996, high: p50 * 1.004, confidence: 0.99, method: "t over process medians" },
    ...rest,
    summary: { count: 240, p50, p95: p50 * 1.12, p99: p50 * 1.25, max: p50 * 3, ...summary },
  };
}

export function comparison(metric: string, ratio: number, more: Partial<Comparison> = {}): Comparison {
  return {
    metric,
    unit: "ns",
    direction: "lower",
    tags: {},
    baseline: { label: "main@4f2c1e" },
    candidate: { label: "a1b2c3d" },
    ratio,
    interval: {
      of: "ratio",
      low: ratio - 0.009,
      high: ratio + 0.009,
      confidence: 0.99,
      method: "t over process medians",
    },
    margin: 0.01,
    pairs: 14,
    outcome: "same",
    selfCheck: { ratio: 1.001, low: 0.998, high: 1.004, detectable: 0.004 },
    logRatios: [],
    ...more,
  };
}

export function run(more: Partial<Run> = {}): Run {
  return {
    schema: "mettle.run/1",
    id: "0193a5b0-0000-7000-8000-000000000000",
    startedAt: "2026-11-21T08:07:00.000Z",
    durationMs: 48_210,
    name: "registry",
    kind: "bench",
    profile: "ci",
    revision: { commit: "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678", branch: "faster-lookup", dirty: true },
    environment,
    validity: { state: "valid", reasons: [] },
    measurements: [measurement("registry.lookup.time", 19.8)],
    ...more,
  };
}

export function finding(more: Partial<Finding> = {}): Finding {
  return {
    id: "threshold:registry.lookup.time:p(95) < 20ns",
    kind: "threshold",
    state: "failed",
    severity: "high",
    metric: "registry.lookup.time",
    rule: "p(95) < 20ns",
    message: "The 95th percentile is 22.2 ns, limit 20 ns.",
    actual: 22.2,
    limit: 20,
    unit: "ns",
    consumed: 1.11,
    evidence: [],
    ...more,
  };
}

export function verdict(findings: readonly Finding[], more: Partial<Verdict> = {}): Verdict {
  const count = (state: Finding["state"]): number => findings.filter((it) => it.state === state).length;
  const failed = count("failed") + count("no-data");
  return {
    schema: "mettle.verdict/1",
    runId: run().id,
    status: failed > 0 ? "failed" : "passed",
    exitCode: failed > 0 ? 3 : 0,
    title:
      failed > 0 ? `FAILED: ${failed} of ${findings.length} rules missed` : `PASSED: ${findings.length} rules hold`,
    findings,
    counts: {
      total: findings.length,
      passed: count("passed"),
      failed: count("failed"),
      warnings: count("warning"),
      noData: count("no-data"),
      undecided: count("undecided"),
      regressions: findings.filter((it) => it.kind === "regression" && it.state === "failed").length,
    },
    recommendations: [],
    ...more,
  };
}

/** A run as it comes from a real suite: several cases, memory, GC, a comparison each, notes. */
export function sampleRun(): Run {
  const bytes = (metric: string, p50: number): Measurement => {
    return omit(measurement(metric, p50, { unit: "bytes" }), "interval");
  };
  const gc = (metric: string, sum: number): Measurement => ({
    metric,
    unit: "count",
    direction: "lower",
    tags: {},
    summary: { count: 14, sum },
  });
  return run({
    measurements: [
      measurement("registry.lookup.time", 19.8, { summary: { count: 240, perSecond: 50.4e6 } }),
      bytes("registry.lookup.allocated", 0),
      gc("registry.lookup.gc-count", 0),
      measurement("registry.register.time", 1213, { summary: { count: 180, perSecond: 823_000 } }),
      bytes("registry.register.allocated", 312),
      gc("registry.register.gc-count", 14),
      measurement("registry.capability-match.time", 18_420, { summary: { count: 120, perSecond: 54_300 } }),
      bytes("registry.capability-match.allocated", 2048),
      gc("registry.capability-match.gc-count", 9),
      measurement("registry.snapshot.time", 2_140_000, {
        summary: { count: 40, perSecond: 466 },
        notes: ["the time series never became steady"],
      }),
      bytes("registry.snapshot.allocated", 1_048_320),
      gc("registry.snapshot.gc-count", 41),
      measurement("registry.noop.time", 0.31, { notes: ["the body may have been optimized away"] }),
    ],
    comparisons: [
      comparison("registry.lookup.time", 1.031, { outcome: "worse" }),
      comparison("registry.register.time", 0.912, { outcome: "better" }),
      comparison("registry.capability-match.time", 1.002),
      comparison("registry.snapshot.time", 1.013, {
        outcome: "undecided",
        interval: { of: "ratio", low: 0.981, high: 1.046, confidence: 0.99, method: "t over process medians" },
      }),
    ],
  });
}

export function sampleVerdict(): Verdict {
  return verdict(
    [
      finding({ change: { ratio: 1.031, low: 1.022, high: 1.04, outcome: "worse", against: "main@4f2c1e" } }),
      bare({
        id: "regression:registry.lookup.time",
        kind: "regression",
        rule: "no regression above 2 %",
        message: "3.1 % slower than main@4f2c1e, 99 % interval 2.2 to 4.0 %.",
        actual: 19.8,
        unit: "ns",
        change: { ratio: 1.031, low: 1.022, high: 1.04, outcome: "worse", against: "main@4f2c1e" },
        evidence: ["all 14 process pairs agree in sign", "p = 0.0001 (sign flip)"],
        recommendation: "Profile both revisions: mettle profile registry.bench.ts --against main.",
      }),
      bare({
        id: "no-data",
        state: "no-data",
        metric: "registry.evict.time",
        rule: "p(99) < 5us",
        message: "No measurement has this name.",
        recommendation: "Correct the name in mettle.config.ts or add the benchmark.",
      }),
      bare({
        id: "undecided",
        state: "undecided",
        metric: "registry.snapshot.time",
        rule: "no regression above 2 %",
        message: "The interval −1.9 to +4.6 % allows either answer.",
        actual: 2_140_000,
        unit: "ns",
        change: { ratio: 1.013, low: 0.981, high: 1.046, outcome: "undecided", against: "main@4f2c1e" },
      }),
      finding({ id: "p1", state: "passed", consumed: 0.6 }),
      finding({ id: "p2", state: "passed", consumed: 0.3 }),
    ],
    {
      title: "FAILED: 1 of 5 limits missed, 1 without data, 1 regression vs main@4f2c1e",
      comparisons: { made: 4, falseDiscoveryRate: 0.05 },
    },
  );
}

/** A finding without figures other than those given. */
export function bare(more: Partial<Finding>): Finding {
  return { ...omit(finding(), "actual", "limit", "unit", "consumed"), ...more };
}
