import type { Comparison, Measurement } from "@mettle/results";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judge } from "../src/judge.ts";
import { type JudgePolicy, resolvePolicy } from "../src/policy.ts";
import { makeComparison, makeMeasurement, makeRun, timesMs } from "./documents.ts";

const times = makeMeasurement("http.duration", timesMs);
const held: JudgePolicy = { thresholds: { "http.duration": "p(95) <= 200ms" } };
const missed: JudgePolicy = { thresholds: { "http.duration": "p(95) < 200ms" } };
const regressed = makeRun([times], { comparisons: [makeComparison()] });

describe("verdicts and exit codes (S3-031, S4-124)", () => {
  it.each([
    ["held", makeRun([times]), held, "passed", 0],
    ["missed", makeRun([times]), missed, "failed", 3],
    ["a regression alone", regressed, held, "failed", 4],
    ["a limit missed beside a regression", regressed, missed, "failed", 3],
    ["an unknown metric alone", makeRun([times]), { thresholds: { "http.durations": "p(95)<1" } }, "failed", 5],
    [
      "an unknown metric beside a miss",
      makeRun([times]),
      { thresholds: { ...missed.thresholds, nope: "avg<1" } },
      "failed",
      3,
    ],
    ["an unknown metric beside a regression", regressed, { thresholds: { nope: "avg<1" } }, "failed", 4],
    ["nothing measured", makeRun([]), {}, "failed", 5],
    ["nothing judged", makeRun([times]), {}, "warning", 0],
    ["a baseline demanded and not given", makeRun([times]), { ...held, regressions: {} }, "failed", 5],
    ["history demanded and not given", makeRun([times]), { ...held, history: { required: true } }, "failed", 5],
  ] as const)("%s", (_, run, policy, status, exitCode) => {
    expect(judge(run, { policy })).toMatchObject({ status, exitCode });
  });

  it("an invalid run never passes, whatever it holds", () => {
    const validity = { state: "invalid", reasons: ["the generator could not keep the rate"] } as const;
    const verdict = judge(makeRun([times], { validity }), { policy: held });
    expect(verdict).toMatchObject({ status: "invalid", exitCode: 5 });
    expect(verdict.title).toBe("INVALID: The measurement is invalid: the generator could not keep the rate.");
    expect(judge(makeRun([times], { validity }), { policy: missed }).exitCode).toBe(5);
  });

  it("more than five warnings make a warning (S0-178)", () => {
    const warn = (count: number): JudgePolicy => ({
      thresholds: {
        "http.duration": Array.from({ length: count }, (_, n) => ({
          threshold: `p(95) < ${n + 1}`,
          severity: "medium" as const,
        })),
      },
    });
    expect(judge(makeRun([times]), { policy: warn(5) }).status).toBe("passed");
    expect(judge(makeRun([times]), { policy: warn(6) })).toMatchObject({ status: "warning", exitCode: 0 });
  });

  it("says it in one sentence, worst first", () => {
    const policy = { thresholds: { "http.duration": ["p(95) < 100ms", "avg < 1s", "max < 2s"], nope: "avg<1" } };
    const verdict = judge(regressed, { policy });
    expect(verdict.title).toBe("FAILED: 1 of 4 limits missed, 1 regression vs main@4f2c1e0, 1 without an answer");
    expect(verdict.findings.map(({ state }) => state)).toEqual(["failed", "failed", "no-data", "passed", "passed"]);
    expect(verdict.counts).toEqual({
      total: 5,
      passed: 2,
      failed: 2,
      warnings: 0,
      noData: 1,
      undecided: 0,
      regressions: 1,
    });
    expect(verdict.comparisons).toEqual({ made: 1, falseDiscoveryRate: 0.05 });
    expect(judge(makeRun([times]), { policy: { thresholds: { nope: "avg<1" } } }).title).toMatch(/^INCONCLUSIVE: /);
    expect(JSON.parse(JSON.stringify(verdict))).toEqual(verdict);
  });

  it("is the same when computed again", () => {
    const run = JSON.parse(JSON.stringify(regressed)) as typeof regressed;
    expect(judge(run, { policy: missed })).toEqual(judge(regressed, { policy: missed }));
  });
});

describe("recommendations come from the run's data", () => {
  const advice = (measurements: readonly Measurement[]) =>
    judge(makeRun(measurements), { policy: missed }).recommendations;
  it("none where it shows no cause", () => expect(advice([times])).toEqual([]));
  it("failures", () =>
    expect(advice([{ ...times, errors: { count: 5000, kinds: { timeout: 4000, reset: 1000 } } }])[0]).toMatch(
      /33.3 % .* timeout/,
    ));
  it("garbage collection", () => {
    const pause = (mean: number) => makeMeasurement("http.gc-pause", { count: 10, mean });
    expect(advice([times, pause(25e6)])[0]).toContain("garbage collection takes 25 %");
    // Counted in other processes than the time: a share of more than all says only that.
    expect(advice([times, pause(134e6)])[0]).toMatch(/took longer than the operation does/);
    expect(advice([times, pause(5e6)])).toEqual([]);
  });
  it("one part of the whole", () => {
    const part = (endpoint: string, mean: number) =>
      makeMeasurement("http.duration", { count: 100, mean }, { tags: { endpoint } });
    expect(advice([times, part("/a", 80e6), part("/b", 20e6)])[0]).toBe(
      "Look at http.duration{endpoint:/a} first: it holds 80 % of the total time.",
    );
    expect(advice([times, part("/a", 50e6), part("/b", 50e6)])).toEqual([]);
  });
  it("a tail", () =>
    expect(advice([{ ...times, summary: { ...timesMs, p50: 10e6 } }])[0]).toContain("30.0 times the median"));
  it("a machine that was interrupted, unless pairs cancelled it and decided", () => {
    const noise = { samples: 1000, medianNs: 1000, spread: 0.01, interruptedShare: 0.2 };
    const environment = { ...makeRun([]).environment, noise };
    const lookup = makeMeasurement("lookup.time", { count: 80, p50: 90, p99: 2000 });
    const said = (changes: Partial<Comparison>) =>
      judge(makeRun([lookup], { kind: "bench", environment, comparisons: [makeComparison(changes)] })).recommendations;
    expect(said({})).toEqual(["Profile both builds with `mettle profile FILE` and compare where the time goes."]);
    const wide = { of: "ratio", low: 0.9, high: 1.9, confidence: 0.99, method: "t" } as const;
    expect(said({ outcome: "undecided", interval: wide, ratio: 1.01 })).toEqual([
      "Measure again on a quieter machine: the machine was interrupted in 20 % of the probe's samples.",
    ]);
  });
  it("no tail where a figure is missing or a median is meant", () => {
    const tailed = { ...times, summary: { ...timesMs, p50: 10e6 } };
    const advised = (rule: string) => judge(makeRun([tailed]), { policy: { thresholds: { "http.duration": rule } } });
    expect(advised("p50 < 5ms").recommendations).toEqual([]);
    expect(advised("med < 5ms").recommendations).toEqual([]);
    expect(advised("p(99) < 5ms").recommendations[0]).toContain("tail");
    expect(advised("p50 < 5MB").recommendations).toEqual(["Write the limit in a unit of the statistic."]);
    expect(advised("p50 < baseline * 1.1").recommendations[0]).toContain("--compare NAME");
    expect(advised("p50 < 5ms with >= 20000 samples").recommendations[0]).toContain("Take more samples");
  });
  it("a misspelt metric", () => {
    const { recommendations } = judge(makeRun([times]), { policy: { thresholds: { "http.durations": "avg<1" } } });
    expect(recommendations[0]).toContain("did you mean http.duration?");
  });
});

describe("the policy", () => {
  it("tells every problem together", () => {
    const wrong = {
      thresholds: { m: ["avg << 3", "p(95) < 1"], "{}": "avg < 1", n: [] },
      budgets: [
        { name: "a", metric: "m", kind: "latency", limits: { p99: 10 } },
        { name: "a", metric: "m", kind: "size", limits: { max: "10ms", p0x: "1MB" } },
      ],
      targets: [{ operation: "o", metric: "m", requirement: [], phases: {} }],
      objectives: [{ name: "o", metric: "m", target: 99.9, atMost: "5MB" }],
      phase: 4,
      failOn: ["terrible"],
      regressions: { confidence: 95, minimumEfect: 1 },
      history: { minimumPoints: 3 },
      treshold: {},
    } as unknown as JudgePolicy;
    const error = thrownBy(() => resolvePolicy(wrong));
    expect(error).toMatchObject({ code: "POLICY_INVALID", exitCode: 2 });
    expect((error["details"] as { problems: { path: string }[] }).problems.map(({ path }) => path).sort()).toEqual(
      [
        "budgets[0]",
        "budgets[1]",
        "budgets[1]",
        "budgets[1].name",
        "failOn",
        "history.minimumPoints",
        "objectives[0].atMost",
        "objectives[0].target",
        "phase",
        "regressions.confidence",
        "regressions.minimumEfect",
        "targets[0]",
        'thresholds["m"][0]',
        'thresholds["n"]',
        'thresholds["{}"][0]',
        "treshold",
      ].sort(),
    );
  });
  it("accepts k6's object form", () => {
    const [rule] = resolvePolicy({
      thresholds: { m: [{ threshold: "p(95)<1", abortOnFail: true, delayAbortEval: "10s" }] },
    }).thresholds;
    expect(rule).toMatchObject({ abortOnFail: true, delayAbortEval: "10s", severity: "high" });
  });
});

describe("figures that nothing can be", () => {
  const outliers = { lowSevere: 0, lowMild: 0, highMild: 0, highSevere: 0 };
  const zeros = { count: 100, mean: 0, min: 0, p50: 0, p95: 0, max: 0 };
  const negatives = { count: 100, mean: -5, min: -9, p50: -5, p95: -2, max: -1 };
  it.each([
    ["a negative time", makeMeasurement("m", negatives), "p50 < 1ms", 5],
    ["a negative time's mean", makeMeasurement("m", negatives), "avg < 1ms", 5],
    ["a benchmark's time of zero", makeMeasurement("m", zeros, { outliers }), "p50 < 1ms", 5],
    ["a time of zero elsewhere, such as connecting", makeMeasurement("m", zeros), "p95 < 1ms", 0],
    ["a negative count", makeMeasurement("m", { count: 9, sum: -3 }, { unit: "count" }), "count < 10", 5],
    ["a negative rate", makeMeasurement("m", { count: 9, perSecond: -3 }, { unit: "count" }), "rate < 10", 5],
    ["memory that shrinks", makeMeasurement("m", { count: 9, mean: -3 }, { unit: "bytes/h" }), "avg < 10", 0],
  ] as const)("%s", (_, measurement, rule, exitCode) => {
    const run = makeRun([measurement]);
    expect(judge(run, { policy: { thresholds: { m: rule } } }).exitCode).toBe(exitCode);
  });
});

describe("allocations that were not counted", () => {
  const policy = {
    budgets: [{ name: "b", metric: "parse.allocated", kind: "size", limits: { mean: "1kB" } }],
  } as const;
  const said = (profile: "smoke" | "ci", more: readonly Measurement[] = []) =>
    judge(makeRun([makeMeasurement("parse.time", { count: 9, p50: 5 }), ...more], { kind: "bench", profile }), {
      policy,
    });
  it("the smoke profile says so, and does not suggest a time", () => {
    expect(said("smoke").findings[0]).toMatchObject({
      state: "no-data",
      message: "parse.allocated: allocations are not counted in the smoke profile.",
      recommendation: expect.stringContaining("--profile ci") as string,
    });
    expect(said("ci").recommendations[0]).toContain("--no-memory");
  });
  it("a misspelt name is one, where others were counted", () => {
    const other = makeMeasurement("walk.allocated", { count: 1, mean: 3 }, { unit: "bytes" });
    expect(said("ci", [other]).findings.map(({ message }) => message)).toContain(
      "b: the run holds no metric parse.allocated.",
    );
  });
});

describe("what was asked for and failed", () => {
  const failures = [{ code: "BENCH_PROCESS_DIED", message: '"walk": its process ended.' }];
  const reasons = ['BENCH_PROCESS_DIED: "walk": its process ended.'];
  const run = makeRun([times], { failures, validity: { state: "degraded", reasons } });
  it("fails a run whose other limits hold, exit 5, and says what", () => {
    const verdict = judge(run, { policy: held });
    expect(verdict).toMatchObject({ status: "failed", exitCode: 5 });
    expect(verdict.title).toBe("INCONCLUSIVE: 1 of 1 limit held, 1 without an answer");
    // Once, not again as a reason for doubt.
    expect(verdict.findings.filter(({ message }) => message.includes("walk"))).toHaveLength(1);
  });
  it("does not hide a limit that was missed, nor another doubt", () => {
    expect(judge(run, { policy: missed }).exitCode).toBe(3);
    const busy = { ...run, validity: { state: "degraded", reasons: [...reasons, "a busy machine"] } } as const;
    expect(judge(busy, { policy: held }).findings.map(({ message }) => message)).toContain(
      "The measurement is degraded: a busy machine.",
    );
  });
});

describe("nothing missing ever passes", () => {
  const name = fc.constantFrom("a", "b", "c");
  const value = fc.double({ min: 0, max: 1e9, noNaN: true });
  const summary = fc.record({ count: fc.integer({ min: 1, max: 3 }), mean: value, p50: value, p95: value, p99: value });
  const measurements = fc
    .tuple(summary, summary, summary)
    .map((all) => all.map((each, index) => makeMeasurement("abc".charAt(index), each)));
  const statistic = fc.constantFrom("mean", "p50", "p95", "p99");
  const limit = fc.constantFrom("0ms", "1ms", "500ms", "10s");
  const policy = fc.record({
    thresholds: fc.dictionary(
      name,
      fc.tuple(statistic, fc.constantFrom("<", ">="), limit).map((parts) => parts.join(" ")),
      { minKeys: 1 },
    ),
    budgets: fc.array(fc.tuple(name, statistic, limit), { maxLength: 2 }).map((all) =>
      all.map(([metric, each, most], index) => ({
        name: `b${index}`,
        metric,
        kind: "latency" as const,
        limits: { [each]: most },
      })),
    ),
    targets: fc.array(fc.tuple(name, statistic), { maxLength: 2 }).map((all) =>
      all.map(([metric, each]) => ({
        operation: metric,
        metric,
        statistic: each,
        requirement: [],
        phases: { 1: { high: "10s" } },
      })),
    ),
  });

  it("a rule on a metric that is deleted", () => {
    let passedBefore = 0;
    fc.assert(
      fc.property(measurements, policy, (all, rules) => {
        const before = judge(makeRun(all), { policy: rules });
        if (before.status === "passed") passedBefore += 1;
        const [ruled = ""] = Object.keys(rules.thresholds);
        const after = judge(makeRun(all.filter(({ metric }) => metric !== ruled)), { policy: rules });
        expect(after.status).toBe("failed");
        expect(after.findings.some((each) => each.metric === ruled && each.state === "no-data")).toBe(true);
        expect(after.findings.filter((each) => each.metric === ruled && each.state === "passed")).toEqual([]);
      }),
      { seed: 6, numRuns: 500 },
    );
    // Were every run failing anyway the property would say nothing.
    expect(passedBefore).toBeGreaterThan(10);
  });

  it("a statistic that is deleted, samples that are none", () => {
    fc.assert(
      fc.property(statistic, limit, fc.boolean(), (each, most, empty) => {
        const { [each]: _, ...rest } = { count: 5, mean: 0, p50: 0, p95: 0, p99: 0 };
        const gone = makeMeasurement("a", empty ? { count: 0, mean: 0, p50: 0, p95: 0, p99: 0 } : rest);
        for (const rules of [
          { thresholds: { a: `${each} <= ${most}` } },
          { budgets: [{ name: "b", metric: "a", kind: "latency" as const, limits: { [each]: most } }] },
          {
            targets: [{ operation: "o", metric: "a", statistic: each, requirement: [], phases: { 1: { high: most } } }],
          },
        ]) {
          expect(judge(makeRun([gone]), { policy: rules })).toMatchObject({ status: "failed", exitCode: 5 });
        }
      }),
      { seed: 7 },
    );
  });

  it("a metric of the baseline that the run lacks", () => {
    fc.assert(
      fc.property(fc.nat(2), (index) => {
        const all = ["a", "b", "c"].map((metric) => makeMeasurement(metric, timesMs));
        const run = makeRun(all.filter((_, each) => each !== index));
        expect(judge(run, { baseline: makeRun(all) })).toMatchObject({ status: "failed", exitCode: 5 });
      }),
    );
  });
});

function thrownBy(body: () => unknown): Record<string, unknown> {
  try {
    body();
  } catch (thrown) {
    return thrown as Record<string, unknown>;
  }
  throw new Error("nothing was thrown");
}
