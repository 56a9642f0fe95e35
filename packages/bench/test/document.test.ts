import { describe, expect, test } from "vitest";
import {
  comparisonsOf,
  measurementsOf,
  metricBase,
  missingRatios,
  removedBodies,
  removedNs,
  slug,
} from "../src/document.ts";
import { benchPlans, resolvePlan } from "../src/plan.ts";
import { baselineSuffix, type CaseFailure, controlArm, type LoadedCase, twinSuffix } from "../src/protocol.ts";
import { counted, settle } from "../src/steady.ts";
import type { ProcessSamples, SuiteSamples } from "../src/suite-samples.ts";

const plan = benchPlans.ci;

function entry(title: string, more: Partial<LoadedCase> = {}): LoadedCase {
  return { id: `s > ${title}`, kind: "time", title, parameters: {}, baseline: false, ...more };
}

const flat = (value: number, n = 8): Float32Array => new Float32Array(n).fill(value);
const drawn = (samples: Record<string, Float32Array>): ProcessSamples => ({
  draws: [{ samples, from: 0, steady: true }],
});

function suiteOf(cases: LoadedCase[], more: Partial<SuiteSamples> = {}): SuiteSamples {
  return {
    file: "s.bench.ts",
    suite: { index: 1, titles: ["s"], compare: cases.length > 1, cases },
    mode: "inside",
    processes: [],
    allocations: new Map(),
    records: new Map(),
    slopes: new Map(),
    failures: [],
    notes: new Set(),
    left: new Set(),
    looks: 1,
    finalAlpha: 0.01,
    ...more,
  };
}

describe("names of metrics", () => {
  test.each([
    ["JSON parse (small)", "json-parse-small"],
    ["crème brûlée", "creme-brulee"],
    ["  --  ", "unnamed"],
    ["検索", "検索"],
    ["हिन्दी", "हिन्दी"],
    ["a.b/c{d}", "a-b-c-d"],
    ["x".repeat(100), "x".repeat(80)],
    [`${"x".repeat(79)} y`, "x".repeat(79)],
    ["𝒳".normalize("NFKD"), "x"],
  ])("%s → %s", (title, expected) => {
    expect(slug(title)).toBe(expected);
  });

  test("a long name of letters outside the basic plane is not cut in half", () => {
    expect(Array.from(slug("𐐨".repeat(100)))).toHaveLength(80);
    expect(slug("𐐨".repeat(100)).isWellFormed()).toBe(true);
  });

  test("suites and title, joined", () => {
    expect(metricBase(["Agent registry", "by name"], "Look up")).toBe("agent-registry.by-name.look-up");
    expect(metricBase([], "x")).toBe("x");
  });
});

describe("measurements of times", () => {
  const only = entry("x", { parameters: { size: 10 }, requirement: ["A-1"] });
  const failure: CaseFailure = { case: only.id, kind: "threw", message: "no" };

  test("pool the samples of all processes and keep them raw", () => {
    const processes = [
      drawn({ [only.id]: flat(10), [controlArm]: flat(5) }),
      drawn({ [only.id]: flat(12), [controlArm]: flat(6) }),
    ];
    const [time] = measurementsOf(suiteOf([only], { processes }), plan);
    expect(time).toMatchObject({
      metric: "s.x.time",
      unit: "ns",
      direction: "lower",
      tags: { suite: "s", case: "x", size: "10" },
      requirement: ["A-1"],
      controlRatio: 2,
    });
    expect(time?.summary).toMatchObject({ count: 16, min: 10, max: 12, mean: 11 });
    const raw = time?.raw?.processes.map((text) => [
      ...new Float32Array(new Uint8Array(Buffer.from(text, "base64")).buffer),
    ]);
    expect(raw).toEqual([[...flat(10)], [...flat(12)]]);
    expect(time?.interval?.low).toBeLessThan(Math.sqrt(120));
    expect(time?.interval?.high).toBeGreaterThan(Math.sqrt(120));
    expect(time).not.toHaveProperty("notes");
    expect(time).not.toHaveProperty("errors");
  });

  test("where processes fall into two groups, the interval still holds the median that it is shown with", () => {
    const processes = [10, 10, 10, 10, 10, 12, 10, 12, 12, 10, 12, 10, 12, 10, 12, 12, 10, 10, 12, 10].map((time) =>
      drawn({ [only.id]: flat(time) }),
    );
    const [time] = measurementsOf(suiteOf([only], { processes }), plan);
    expect(time?.summary.p50).toBe(10);
    expect(time?.interval?.low).toBeLessThanOrEqual(10);
    expect(time?.interval?.high).toBeGreaterThan(10.7);
  });

  test("of one process have no interval", () => {
    const [time] = measurementsOf(suiteOf([only], { processes: [drawn({ [only.id]: flat(10) })] }), plan);
    expect(time).not.toHaveProperty("interval");
    expect(time).not.toHaveProperty("controlRatio");
  });

  test("of a case that failed are absent, not zero: its errors say why", () => {
    const failures = [failure, { ...failure, kind: "timeout", message: "slow" }, { ...failure, case: "other" }];
    expect(measurementsOf(suiteOf([only], { failures }), plan)).toEqual([
      {
        metric: "s.x.time",
        unit: "ns",
        direction: "lower",
        tags: { suite: "s", case: "x", size: "10" },
        requirement: ["A-1"],
        summary: { count: 0 },
        errors: { count: 2, kinds: { threw: 1, timeout: 1 } },
        notes: ["threw: no", "timeout: slow"],
      },
    ]);
  });

  test("leave missed deadlines out of samples and raw blocks, and count them", () => {
    const samples = { [only.id]: Float32Array.of(10, Number.NaN, 10, Number.NaN) };
    const failures = [1, 2].map(() => ({ ...failure, kind: "deadline" }));
    const [time] = measurementsOf(suiteOf([only], { failures, processes: [drawn(samples)] }), plan);
    expect(time?.summary.count).toBe(2);
    expect(time?.errors).toEqual({ count: 2, kinds: { deadline: 2 } });
    expect(Buffer.from(time?.raw?.processes[0] ?? "", "base64")).toHaveLength(8);
  });

  test("of a body that may have been removed say so, and have no ratio to the control below zero", () => {
    const run = (value: number) =>
      measurementsOf(
        suiteOf([only], { processes: [drawn({ [only.id]: flat(value), [controlArm]: flat(5) })] }),
        plan,
      )[0];
    expect(run(removedNs)?.notes?.[0]).toContain("has removed the body");
    expect(run(-0.1)).not.toHaveProperty("controlRatio");
    expect(run(1)).not.toHaveProperty("notes");
  });

  test("that never became steady say so", () => {
    const drawn = (...steady: boolean[]): readonly string[] | undefined => {
      const draws = steady.map((each) => ({ samples: { [only.id]: flat(10) }, from: 0, steady: each }));
      return measurementsOf(suiteOf([only], { processes: [{ draws }] }), plan)[0]?.notes;
    };
    expect(drawn(true, false, false, true, true)).toEqual([
      "never steady: in 2 of 5 draws the time still changed at the end",
    ]);
    expect(drawn(true, true, true, true, false)).toBeUndefined();
    // Of a few draws, one that was disturbed says nothing.
    expect(drawn(false)).toBeUndefined();
  });

  test("with allocations have four metrics more at most", () => {
    const found = {
      bytesPerOperation: 56,
      low: 55,
      high: 57,
      gcCountPerOperation: 0,
      gcPauseNsPerOperation: 1,
      settled: false,
    };
    const suite = suiteOf([only], {
      processes: [drawn({ [only.id]: flat(10) })],
      allocations: new Map([[only.id, found]]),
    });
    expect(measurementsOf(suite, plan).map(({ metric }) => metric)).toEqual(
      ["time", "allocated", "gc-pause", "gc-count"].map((name) => `s.x.${name}`),
    );
    expect(measurementsOf(suite, plan)[1]).toMatchObject({
      unit: "bytes",
      summary: { mean: 56 },
      // All seven windows on one side of their median: once in 64. No reader accepts a confidence of 1.
      interval: { low: 55, high: 57, confidence: 63 / 64 },
      notes: [expect.stringContaining("settled")],
    });
  });
});

test("records: one metric a key, with its declared unit; undeclared ones are times", () => {
  const units = { nodes: { unit: "count", direction: "higher" } } as const;
  const record = entry("r", { kind: "record", units });
  const records = new Map([
    [
      record.id,
      new Map([
        ["took", [1, 2, 3]],
        ["nodes", [4]],
      ]),
    ],
  ]);
  const failures = [{ case: record.id, kind: "not-finite", message: "NaN" }];
  const found = measurementsOf(suiteOf([record], { records, failures }), plan);
  expect(
    found.map(({ metric, unit, direction, summary }) => [metric, unit, direction, summary.count, summary.p50]),
  ).toEqual([
    ["s.r.took", "ns", "lower", 3, 2],
    ["s.r.nodes", "count", "higher", 1, 4],
  ]);
  expect(found[0]?.errors).toEqual({ count: 1, kinds: { "not-finite": 1 } });
  const nothing = measurementsOf(suiteOf([record], { failures }), plan);
  expect(nothing.map(({ metric, summary }) => [metric, summary])).toEqual([["s.r.value", { count: 0 }]]);
});

describe("comparisons", () => {
  const [a, b] = [entry("a"), entry("b")];
  const processes = [1, 1.001, 0.999, 1, 1.002, 0.998].map((drift) =>
    drawn({ [a.id]: flat(100 * drift), [a.id + twinSuffix]: flat(100), [b.id]: flat(110) }),
  );

  test("set every case against the baseline, with the self-check beside", () => {
    const [comparison, ...rest] = comparisonsOf(suiteOf([a, b], { processes }), plan, 1);
    expect(rest).toEqual([]);
    expect(comparison).toMatchObject({
      metric: "s.b.time",
      baseline: { label: a.id },
      candidate: { label: b.id },
      pairs: 6,
      outcome: "worse",
    });
    expect(comparison?.logRatios).toHaveLength(6);
    expect(comparison?.ratio).toBeCloseTo(1.1, 2);
    expect(comparison?.selfCheck?.ratio).toBeCloseTo(1, 2);
  });

  test("take the case marked baseline", () => {
    const marked = entry("b", { baseline: true });
    const [comparison] = comparisonsOf(suiteOf([a, marked], { processes }), plan, 1);
    expect(comparison).toMatchObject({ metric: "s.a.time", outcome: "better" });
    expect(comparison).not.toHaveProperty("selfCheck");
  });

  test("are absent with too few pairs, of a failed case, and without its baseline", () => {
    const failed = (entryOf: LoadedCase) => [{ case: entryOf.id, kind: "threw", message: "" }];
    expect(comparisonsOf(suiteOf([a, b], { processes: processes.slice(0, 3) }), plan, 1)).toEqual([]);
    expect(comparisonsOf(suiteOf([a, b], { processes, failures: failed(b) }), plan, 1)).toEqual([]);
    expect(comparisonsOf(suiteOf([a, b], { processes, failures: failed(a) }), plan, 1)).toEqual([]);
  });
});

describe("what must not pass for a measurement", () => {
  const [a, b] = [entry("a"), entry("b")];
  const timed = (values: Record<string, number>, n = 6): ProcessSamples[] =>
    Array.from({ length: n }, () =>
      drawn(Object.fromEntries(Object.entries(values).map(([id, value]) => [id, flat(value)]))),
    );
  const doubted = (list: readonly { id: string }[]): string[] => list.map(({ id }) => id);

  test("a body that takes no longer than the loop is removed; one that adds two numbers is not", () => {
    const processes = timed({ [a.id]: 0.0002, [b.id]: 1.4 });
    expect(doubted(removedBodies(suiteOf([a, b], { processes })))).toEqual([a.id]);
    expect(doubted(removedBodies(suiteOf([a, b], { processes: timed({ [a.id]: -0.2 }) })))).toEqual([a.id]);
    expect(removedBodies(suiteOf([a, b]))).toEqual([]);
    // A busy machine: half of the samples were interrupted.
    const busy = drawn({ [a.id]: Float32Array.of(0.01, 0.02, 0.01, 0.02, 0.9, 1.5, 2, 3) });
    expect(doubted(removedBodies(suiteOf([a], { processes: [busy] })))).toEqual([a.id]);
  });

  test("a ratio that cannot be had is told, on the case that should have one", () => {
    const fast = suiteOf([a, b], { processes: timed({ [a.id]: 0.28, [b.id]: 20 }) });
    expect(comparisonsOf(fast, plan, 1)).toEqual([]);
    expect(missingRatios(fast)).toEqual([{ id: b.id, reason: expect.stringContaining("0.3 ns") as string }]);
    expect(measurementsOf(fast, plan)[1]?.notes).toEqual([
      expect.stringContaining("no ratio: one of the two") as string,
    ]);
    const few = suiteOf([a, b], { processes: timed({ [a.id]: 10, [b.id]: 20 }, 3) });
    expect(missingRatios(few)[0]?.reason).toBe("no ratio: 3 of 3 processes gave one, and an interval needs 4");
    expect(missingRatios(suiteOf([a, b], { processes: timed({ [a.id]: 10, [b.id]: 20 }) }))).toEqual([]);
  });

  test("between builds a case whose other build gave nothing has no ratio either", () => {
    const processes = timed({ [a.id]: 10, [a.id + baselineSuffix]: 10, [b.id]: 20 });
    expect(doubted(missingRatios(suiteOf([a, b], { processes, mode: "against" })))).toEqual([b.id]);
  });
});

describe("settle", () => {
  const from = (value: (i: number) => number, n = 40): Float32Array =>
    Float32Array.from({ length: n }, (_, i) => value(i));
  const jitter = (i: number): number => 1 + 0.002 * ((i * 7) % 5);

  test("cuts the warm-up off, for all arms in the same block", () => {
    const samples = {
      a: from((i) => (i < 10 ? 300 : 100) * jitter(i)),
      b: from((i) => (i < 10 ? 9 : 3) * jitter(i + 1)),
    };
    const draw = settle(samples);
    expect(draw.steady).toBe(true);
    expect(draw.from).toBeGreaterThanOrEqual(9);
    expect(draw.from).toBeLessThanOrEqual(12);
    expect(counted(draw, "a")).toHaveLength(40 - draw.from);
    expect(counted(draw, "nobody")).toHaveLength(0);
  });

  test("leaves a level series, and one too short to tell, whole", () => {
    expect(settle({ a: from(jitter) })).toMatchObject({ from: 0, steady: true });
    expect(settle({ a: from((i) => 100 - i, 11) })).toMatchObject({ from: 0, steady: true });
    expect(settle({})).toMatchObject({ from: 0, steady: true });
  });

  test("hides nothing of a draw that never became steady", () => {
    const draw = settle({ a: from((i) => (i < 32 ? 100 : 300) * jitter(i)) });
    expect(draw).toMatchObject({ from: 0, steady: false });
  });

  test("takes arms that missed every deadline, and does not count those samples", () => {
    const draw = settle({ a: from(() => Number.NaN), b: from((i) => (i === 5 ? Number.NaN : jitter(i))) });
    expect(counted(draw, "a")).toHaveLength(0);
    expect(counted(draw, "b")).toHaveLength(39 - draw.from);
  });

  test("does not look at the control, which most blocks leave out", () => {
    const control = from((i) => (i % 4 === 0 ? 100 : Number.NaN));
    expect(settle({ a: from(jitter), [controlArm]: control })).toMatchObject({ from: 0, steady: true });
  });
});

describe("resolvePlan", () => {
  test("every profile's plan is valid, and longer profiles measure more", () => {
    const seconds = (["smoke", "ci", "full", "soak"] as const).map((profile) => resolvePlan(profile).secondsPerSuite);
    expect([...seconds].sort((a, b) => a - b)).toEqual(seconds);
  });

  test("names every problem", () => {
    const changes = {
      secondsPerSuite: Number.POSITIVE_INFINITY,
      minProcesses: 1,
      maxProcesses: 0,
      confidence: 1,
      margin: -1,
    };
    expect(() => resolvePlan("ci", changes)).toThrow(
      expect.objectContaining({
        code: "BENCH_OPTIONS_INVALID",
        details: {
          problems: [/seconds/, /minP/, /maxP/, /conf/, /margin/].map((word) => expect.stringMatching(word) as string),
        },
      }) as Error,
    );
    for (const bad of [Number.NaN, 0, -1])
      expect(() => resolvePlan("ci", { secondsPerSuite: bad })).toThrow("secondsPerSuite");
  });

  test("a smaller maximum lowers the profile's minimum with it, never below two", () => {
    expect(resolvePlan("ci", { maxProcesses: 5 })).toMatchObject({ minProcesses: 5, maxProcesses: 5 });
    expect(() => resolvePlan("ci", { maxProcesses: 1 })).toThrow("minProcesses");
  });
});
