import { Random } from "@mettle/core";
import { Histogram } from "@mettle/stats";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judge } from "../../src/judge.ts";
import { policyDefaults } from "../../src/policy.ts";
import { unpairedEvidence } from "../../src/regressions/evidence.ts";
import { outcomeOf } from "../../src/regressions/outcome.ts";
import { detectRegressions } from "../../src/regressions/regression-result.ts";
import { judgeRegressions } from "../../src/regressions/regressions.ts";
import { severityOf } from "../../src/severity.ts";
import { makeComparison, makeMeasurement, makeRun } from "../documents.ts";

const bare = (p95: number, direction: "lower" | "higher" = "lower") =>
  makeMeasurement("m", { count: 100, p95 }, { direction });
const compare = (now: ReturnType<typeof bare>[], then: ReturnType<typeof bare>[], options = {}) =>
  judgeRegressions(makeRun(now), makeRun(then), policyDefaults, options).findings;

describe("outcomes", () => {
  const rule = { margin: 0.05, bareTolerance: 0.1, falseDiscoveryRate: 0.05 };
  it.each([
    ["lower", 1.2, 1.1, 1.3, 0.001, "worse"],
    ["higher", 1.2, 1.1, 1.3, 0.001, "better"],
    ["lower", 0.8, 0.7, 0.9, 0.001, "better"],
    ["higher", 0.8, 0.7, 0.9, 0.001, "worse"],
    ["lower", 1.2, 1.1, 1.3, 0.2, "undecided"],
    ["lower", 1.2, 0.9, 1.5, 0.2, "undecided"],
    ["lower", 1.02, 1.01, 1.03, 0.001, "same"],
    ["lower", 1.0, 0.96, 1.04, 0.9, "same"],
    ["lower", 1.0, 0.9, 1.1, 0.9, "undecided"],
    ["lower", 1.04, 1.01, 1.07, 0.001, "undecided"],
    ["lower", 0.96, 0.93, 0.99, 0.001, "undecided"],
    ["lower", 1.06, 1.01, 1.07, 0.001, "worse"],
    ["lower", 1.2, undefined, undefined, undefined, "worse"],
    ["lower", 1.1, undefined, undefined, undefined, "undecided"],
    ["higher", 0.85, undefined, undefined, undefined, "worse"],
    ["lower", 1.0, undefined, undefined, undefined, "undecided"],
  ] as const)("%s is better, %d in %s … %s, p %s: %s", (direction, ratio, low, high, pValue, outcome) => {
    const interval = low === undefined || high === undefined ? {} : { low, high, confidence: 0.99 };
    expect(outcomeOf({ source: "intervals", ratio, notes: [], ...interval }, direction, rule, pValue)).toBe(outcome);
  });

  it.each([
    [0.0999, "low"],
    [0.1, "medium"],
    [0.2499, "medium"],
    [0.25, "high"],
    [-0.4999, "high"],
    [0.5, "critical"],
    [-0.5, "critical"],
    [1.1 - 1, "medium"],
  ] as const)("a change of %d is %s (S4-122)", (change, severity) => expect(severityOf(change)).toBe(severity));
});

describe("evidence", () => {
  const interval = (low: number, high: number) => ({ of: "median", low, high, confidence: 0.99, method: "t" }) as const;
  it("combines two intervals on the logarithm", () => {
    const side = (p50: number) => makeMeasurement("m", { count: 9, p50 }, { interval: interval(p50 / 1.1, p50 * 1.1) });
    const evidence = unpairedEvidence(side(120), side(100), { kind: "median" }, { current: 120, baseline: 100 }, 0.99);
    // Two equal half-widths h combine to h √2.
    const reach = 1.1 ** Math.SQRT2;
    expect(evidence.low).toBeCloseTo(1.2 / reach, 9);
    expect(evidence.high).toBeCloseTo(1.2 * reach, 9);
    // z = log 1.2 · 2.5758293 / (log 1.1 · √2); 2 · scipy.stats.norm.sf(z)
    expect(evidence.pValue).toBeCloseTo(0.000_491_3, 5);
  });

  it("falls from intervals to histograms to moments to a bare ratio", () => {
    const encoded = (scale: number) => {
      const histogram = new Histogram();
      for (let i = 1; i <= 10_000; i++) histogram.record(scale * i);
      return histogram.encode();
    };
    const p95 = { kind: "percentile", percentile: 95 } as const;
    const values = { current: 2, baseline: 1 };
    const source = (
      make: (scale: number) => ReturnType<typeof bare>,
      statistic: Parameters<typeof unpairedEvidence>[2],
    ) => unpairedEvidence(make(2), make(1), statistic, values, 0.99).source;
    const summary = (mean: number) => ({ count: 10_000, mean, stddev: 0.1 });
    expect(
      source((s) => makeMeasurement("m", summary(s), { interval: interval(s * 0.9, s * 1.1) }), { kind: "median" }),
    ).toBe("intervals");
    expect(source((s) => makeMeasurement("m", summary(s), { histogram: encoded(s) }), p95)).toBe("histograms");
    expect(source((s) => makeMeasurement("m", summary(s)), { kind: "mean" })).toBe("moments");
    expect(source((s) => makeMeasurement("m", summary(s)), p95)).toBe("bare");
  });

  it("covers the true ratio of two quantiles as often as it says", () => {
    const random = new Random(7);
    const sample = () => {
      const histogram = new Histogram();
      for (let i = 0; i < 2000; i++) histogram.record(Math.round(1e6 * Math.exp(0.5 * random.normal())));
      return makeMeasurement(
        "m",
        { count: 2000, p95: histogram.quantile(0.95) ?? Number.NaN },
        { histogram: histogram.encode() },
      );
    };
    let covered = 0;
    for (let repeat = 0; repeat < 300; repeat++) {
      const [now, then] = [sample(), sample()];
      const values = { current: now.summary.p95 ?? 0, baseline: then.summary.p95 ?? 0 };
      const { low = 0, high = 0 } = unpairedEvidence(now, then, { kind: "percentile", percentile: 95 }, values, 0.9);
      if (low <= 1 && 1 <= high) covered += 1;
    }
    // 0.9 expected, three binomial standard errors are 0.05; a bucket's width only widens it.
    expect(covered / 300).toBeGreaterThan(0.85);
    expect(covered / 300).toBeLessThan(0.97);
  });
});

describe("bytes an operation allocates are counted, not sampled", () => {
  const counted = (bytes: number, spread = 0) =>
    makeMeasurement(
      "parse.allocated",
      { count: 1, mean: bytes },
      {
        unit: "bytes",
        interval: { of: "value", low: bytes - spread, high: bytes + spread, confidence: 63 / 64, method: "windows" },
      },
    );
  const change = (then: number, now: number, options = {}, spread = 0) =>
    judgeRegressions(
      makeRun([counted(now, spread)], { kind: "bench" }),
      makeRun([counted(then, spread)], { kind: "bench" }),
      policyDefaults,
      options,
    ).findings[0];

  it.each([
    [1000, 1030, "worse", "info", "low"],
    [1000, 970, "better", "info", "low"],
    [40, 56, "worse", "failed", "high"],
    [1000, 1120, "worse", "warning", "medium"],
    [1000, 1015, "undecided", "undecided", "low"],
    [1000, 1004, "same", "passed", "low"],
    [100, 100, "same", "passed", "low"],
  ] as const)("%d → %d bytes: %s", (then, now, outcome, state, severity) => {
    expect(change(then, now)).toMatchObject({ state, severity, change: { outcome } });
  });

  it("takes the stated precision on each side: half a percent and a fiftieth of a byte", () => {
    const { low, high, confidence } = change(1000, 1030)?.change ?? {};
    expect(low).toBeCloseTo((1030 - 5.17) / (1000 + 5.02), 9);
    expect(high).toBeCloseTo((1030 + 5.17) / (1000 - 5.02), 9);
    expect(confidence).toBeUndefined();
  });

  it("takes the windows where they spread more, and the policy's own size of what matters", () => {
    expect(change(1000, 1030, {}, 40)).toMatchObject({ state: "undecided" });
    expect(change(1000, 1030, { minimumCountedEffect: 0.05 })).toMatchObject({ change: { outcome: "same" } });
  });

  it("judges what is less than its precision by the difference", () => {
    expect(change(0, 0.00002)?.state).toBe("passed");
    expect(change(0.000006, 0.02)?.state).toBe("passed");
    expect(change(0.01, 0.06)?.state).toBe("passed");
    expect(change(2, 2.4)?.state).toBe("passed");
    expect(change(16, 16)?.state).toBe("passed");
    expect(change(0.06, 16)).toMatchObject({ state: "failed", severity: "high" });
    expect(change(0, 16)).toMatchObject({ state: "failed", severity: "high" });
    expect(change(0.000006, 16)).toMatchObject({ state: "failed", severity: "high" });
  });
});

it("a comparison whose interval is none of its ratio is no answer, and never NaN", () => {
  for (const [low, high] of [
    [0, 1.35],
    [-1, 1.35],
    [1.35, 1.4],
    [1.35, 1.25],
    [Number.NaN, 1.35],
  ] as const) {
    const interval = { of: "ratio", low, high, confidence: 0.99, method: "t" } as const;
    const run = makeRun([], { comparisons: [makeComparison({ interval, logRatios: [0.1, 0.2, 0.3, 0.4] })] });
    const { findings, comparisons } = judgeRegressions(run, undefined, policyDefaults);
    expect(findings).toMatchObject([{ state: "no-data", message: expect.stringContaining("contradicts") as string }]);
    expect(comparisons).toBeUndefined();
  }
});

it("a paired comparison that could find nothing is no pass", () => {
  const paired = (detectable: number, high: number) =>
    judge(
      makeRun([], {
        comparisons: [
          makeComparison({
            ratio: 1.02,
            interval: { of: "ratio", low: 0.9, high, confidence: 0.99, method: "t" },
            outcome: "undecided",
            selfCheck: { ratio: 1, low: 0.5, high: 2, detectable },
          }),
        ],
      }),
    );
  expect(paired(10, 11)).toMatchObject({
    status: "failed",
    exitCode: 5,
    title: expect.stringMatching(/^INCONCLUSIVE/) as string,
  });
  expect(paired(0.03, 1.1)).toMatchObject({ status: "passed", exitCode: 0 });
});

it("where the self-check failed, only what lies beyond it is an answer", () => {
  const judged = (ratio: number, selfCheck: readonly [number, number], outcome: "worse" | "better" | "same") => {
    const interval = { of: "ratio", low: ratio / 1.005, high: ratio * 1.005, confidence: 0.99, method: "t" } as const;
    const [low, high] = selfCheck;
    const check = { ratio: Math.sqrt(low * high), low, high, detectable: 0.02 };
    const run = makeRun([], { comparisons: [makeComparison({ ratio, interval, outcome, selfCheck: check })] });
    const [finding] = judgeRegressions(run, undefined, policyDefaults).findings;
    return { outcome: finding?.change?.outcome, required: finding?.required, evidence: finding?.evidence.join() };
  };
  // Identical code may have differed by 6 %, in either direction: which of the two was the lucky one is not known.
  expect(judged(1.3, [1.03, 1.06], "worse").outcome).toBe("worse");
  expect(judged(1.05, [1.03, 1.06], "worse").outcome).toBe("undecided");
  expect(judged(1.05, [1.03, 1.06], "worse").evidence).toContain("identical code may have differed by +6.0 %");
  expect(judged(1.05, [1 / 1.06, 1 / 1.03], "worse").outcome).toBe("undecided");
  expect(judged(1 / 1.05, [1.03, 1.06], "better").outcome).toBe("undecided");
  expect(judged(1 / 1.3, [1.03, 1.06], "better").outcome).toBe("better");
  expect(judged(1, [1.03, 1.06], "same").outcome).toBe("undecided");
  expect(judged(1, [1.001, 1.005], "same").outcome).toBe("same");
  // One that holds takes nothing away.
  expect(judged(1.05, [0.99, 1.06], "worse").outcome).toBe("worse");
  // Blind to what fails the run: no answer, and the run does not pass.
  expect(judged(1.2, [1.1, 1.4], "worse")).toMatchObject({ outcome: "undecided", required: undefined });
  expect(judged(1.05, [1.03, 1.06], "worse").required).toBe(false);
});

it("one figure of a benchmark without an interval accuses nobody: a time, or a rise from zero", () => {
  const single = (unit: "ns" | "count", mean: number) =>
    makeRun([makeMeasurement("m.gc", { count: 1, mean }, { unit })], { kind: "bench" });
  const state = (unit: "ns" | "count", then: number, now: number) =>
    judgeRegressions(single(unit, now), single(unit, then), policyDefaults).findings.map((each) => each.state);
  expect(state("ns", 0, 40)).toEqual(["undecided"]);
  expect(state("ns", 1000, 3000)).toEqual(["undecided"]);
  expect(state("count", 0, 0.004)).toEqual(["undecided"]);
  expect(state("count", 0.002, 0.004)).toEqual(["failed"]);
  expect(state("count", 0, 0)).toEqual(["passed"]);
});

it("a median that nothing can be is compared with nothing", () => {
  const time = (p50: number) =>
    makeMeasurement(
      "m.time",
      { count: 9, p50, mean: 3 },
      { outliers: { lowSevere: 0, lowMild: 0, highMild: 0, highSevere: 0 } },
    );
  const found = judgeRegressions(
    makeRun([time(-0.02)], { kind: "bench" }),
    makeRun([time(20)], { kind: "bench" }),
    policyDefaults,
  ).findings;
  expect(found).toMatchObject([{ state: "no-data" }]);
});

describe("a run against its baseline (S0-005, S1-003, S1-037, S2-141)", () => {
  it("fails what is high, warns of what is medium, tells what is better (S1-034)", () => {
    expect(compare([bare(126)], [bare(100)])[0]).toMatchObject({ state: "failed", severity: "high" });
    expect(compare([bare(115)], [bare(100)])[0]).toMatchObject({ state: "warning", severity: "medium" });
    expect(compare([bare(50)], [bare(100)])[0]).toMatchObject({ state: "info", change: { outcome: "better" } });
    expect(compare([bare(49, "higher")], [bare(100, "higher")])[0]).toMatchObject({
      state: "failed",
      severity: "critical",
    });
    expect(compare([bare(105)], [bare(100)])[0]).toMatchObject({ state: "undecided", required: false });
    expect(compare([bare(105)], [bare(100)], { undecided: "fail" })[0]?.required).toBeUndefined();
  });

  it("names metric, value and baseline value (S1-039)", () => {
    expect(compare([bare(2e6)], [bare(1e6)])[0]?.message).toMatch(
      /^m: worse: \+100 % against .*p\(95\) 1.00 ms → 2.00 ms/,
    );
  });

  it("judges a baseline of zero by the difference (T-23)", () => {
    const errors = (rate: number) => makeMeasurement("errors", { count: 1000, rate }, { unit: "1" });
    expect(compare([errors(0.0009)], [errors(0)])[0]?.state).toBe("passed");
    expect(compare([errors(0.0011)], [errors(0)])[0]).toMatchObject({ state: "failed", severity: "high" });
    expect(compare([errors(0.0002)], [errors(0.0001)])[0]?.state).toBe("passed");
    const leak = (mean: number) => makeMeasurement("leak", { count: 9, mean }, { unit: "bytes/h" });
    expect(compare([leak(5)], [leak(-3)])[0]?.state).toBe("failed");
  });

  it("compares what both hold and reports what is missing on either side (S4-118)", () => {
    const other = makeMeasurement("other", { count: 1, p95: 1 });
    const [lost] = compare([], [other]);
    expect(lost).toMatchObject({ kind: "coverage", state: "no-data", metric: "other" });
    expect(lost?.required).toBeUndefined();
    expect(compare([], [other], { missing: "report" })[0]?.required).toBe(false);
    expect(compare([other], [])[0]).toMatchObject({ kind: "coverage", state: "info" });
  });

  it("warns of another machine, distrusts an invalid baseline, demands one", () => {
    const environment = { ...makeRun([]).environment, fingerprint: "machine-b", cpu: { model: "Other CPU", cores: 4 } };
    const foreign = judgeRegressions(makeRun([]), makeRun([], { environment }), policyDefaults).findings;
    expect(foreign).toMatchObject([
      { kind: "validity", state: "warning", evidence: ["cpu Test CPU against Other CPU"] },
    ]);
    const invalid = makeRun([], { validity: { state: "invalid", reasons: ["throttled"] } });
    expect(judgeRegressions(makeRun([]), invalid, policyDefaults).findings).toMatchObject([{ state: "no-data" }]);
    expect(judgeRegressions(makeRun([]), undefined, policyDefaults).findings).toMatchObject([{ state: "no-data" }]);
  });

  it("on another machine compares by the control workload", () => {
    const environment = { ...makeRun([]).environment, fingerprint: "machine-b" };
    const now = { ...bare(200), controlRatio: 1.01 };
    const then = { ...bare(100), controlRatio: 1 };
    const { findings } = judgeRegressions(makeRun([now]), makeRun([then], { environment }), policyDefaults);
    expect(findings.find(({ metric }) => metric === "m")).toMatchObject({
      state: "undecided",
      change: { ratio: 1.01 },
    });
  });

  it("uses the median for benchmarks, p95 then mean then value for the rest (S4-119)", () => {
    const of = (p50: number, p95: number) => makeMeasurement("m", { count: 9, p50, p95, mean: 1 });
    const ratio = (kind: "bench" | "load") =>
      judgeRegressions(makeRun([of(2, 8)], { kind }), makeRun([of(1, 1)], { kind }), policyDefaults).findings[0]?.change
        ?.ratio;
    expect([ratio("bench"), ratio("load")]).toEqual([2, 8]);
  });
});

describe("paired comparisons", () => {
  it("take the place of the baseline run", () => {
    const now = makeMeasurement("lookup.time", { count: 9, p50: 100 });
    const run = makeRun([now], { kind: "bench", comparisons: [makeComparison()] });
    const { findings, comparisons } = judgeRegressions(run, makeRun([now], { kind: "bench" }), policyDefaults);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({
      state: "failed",
      severity: "high",
      change: { against: "main@4f2c1e0", outcome: "worse" },
    });
    expect(comparisons).toEqual({ made: 1, falseDiscoveryRate: 0.05 });
  });

  it("of few pairs still confirm a large change among many", () => {
    // Eight pairs: the sign-flip p is at least 2/256, which times 40 confirms nothing.
    const logRatios = [0.68, 0.7, 0.69, 0.71, 0.67, 0.7, 0.69, 0.7];
    const changed = makeComparison({
      ratio: 2,
      logRatios,
      pairs: 8,
      pValue: 2 / 256,
      interval: { of: "ratio", low: 1.96, high: 2.03, confidence: 0.99, method: "t" },
    });
    const unchanged = Array.from({ length: 39 }, (_, index) =>
      makeComparison({ metric: `m${index}`, pValue: 0.5, outcome: "undecided" }),
    );
    const { findings } = judgeRegressions(
      makeRun([], { comparisons: [changed, ...unchanged] }),
      undefined,
      policyDefaults,
    );
    expect(findings.filter(({ state }) => state === "failed").map(({ metric }) => metric)).toEqual(["lookup.time"]);
  });

  it("are never said to be surer than whoever measured them said", () => {
    for (const outcome of ["undecided", "same", "better"] as const) {
      const { findings } = judgeRegressions(
        makeRun([], { comparisons: [makeComparison({ outcome })] }),
        undefined,
        policyDefaults,
      );
      expect(findings[0]?.change?.outcome).toBe("undecided");
    }
  });

  it("share one false discovery rate", () => {
    const comparisons = Array.from({ length: 40 }, (_, index) =>
      makeComparison({ metric: `m${index}`, ratio: 1.3, pValue: index === 0 ? 0.0004 : index === 1 ? 0.009 : 0.6 }),
    );
    const { findings } = judgeRegressions(makeRun([], { comparisons }), undefined, policyDefaults);
    // 0.0004 · 40 = 0.016 confirms; 0.009 · 40 / 2 = 0.18 does not.
    expect(findings.filter(({ state }) => state === "failed").map(({ metric }) => metric)).toEqual(["m0"]);
    expect(findings.find(({ metric }) => metric === "m1")?.evidence.join()).toContain("0.18 after 40 comparisons");
  });
});

it("a worse value never improves the state, whichever way its metric points (S4-120)", () => {
  const rank = { info: 0, passed: 1, undecided: 2, warning: 3, failed: 4, "no-data": 4 };
  const value = fc.integer({ min: 1, max: 1000 });
  fc.assert(
    fc.property(value, value, value, fc.constantFrom("lower", "higher" as const), (a, b, base, direction) => {
      const [small, large] = [Math.min(a, b), Math.max(a, b)];
      const [better, worse] = direction === "lower" ? [small, large] : [large, small];
      const state = (now: number) => compare([bare(now, direction)], [bare(base, direction)])[0]?.state ?? "info";
      expect(rank[state(worse)]).toBeGreaterThanOrEqual(rank[state(better)]);
    }),
    { seed: 5, numRuns: 500 },
  );
});

it("point values alone give the plain list, from 10 % up (S2-031, S4-121, S4-123)", () => {
  const results = detectRegressions(
    makeRun([bare(111), { ...bare(90), metric: "n" }]),
    makeRun([bare(100), { ...bare(100), metric: "n" }]),
  );
  expect(results).toEqual([
    {
      metricName: "m",
      baselineValue: 100,
      currentValue: 111,
      changePercentage: 11,
      isRegression: true,
      severity: "medium",
    },
    {
      metricName: "n",
      baselineValue: 100,
      currentValue: 90,
      changePercentage: -10,
      isRegression: false,
      severity: "medium",
    },
  ]);
  expect(detectRegressions(makeRun([bare(110)]), makeRun([bare(100)]))[0]?.isRegression).toBe(false);
});
