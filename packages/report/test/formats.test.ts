import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderCtrf } from "../src/ctrf.ts";
import { renderJson } from "../src/json.ts";
import { performanceReport } from "../src/performance-report.ts";
import { ciReport, rendererNamed, renderers } from "../src/renderers.ts";
import { bare, finding, measurement, run, sampleRun, sampleVerdict, verdict } from "./builders.ts";
import { hostile } from "./hostile.ts";

interface Ctrf {
  readonly reportFormat: string;
  readonly specVersion: string;
  readonly results: {
    readonly tool: { readonly name: string };
    readonly summary: Readonly<Record<string, number>>;
    readonly tests: readonly {
      readonly name: string;
      readonly status: string;
      readonly duration: number;
      readonly message?: string;
    }[];
  };
}
const ctrf = (...args: Parameters<typeof renderCtrf>): Ctrf => JSON.parse(renderCtrf(...args)) as Ctrf;

describe("renderCtrf", () => {
  test("has the fields that the format requires", () => {
    const { reportFormat, specVersion, results } = ctrf(sampleRun(), sampleVerdict());
    expect(reportFormat).toBe("CTRF");
    expect(specVersion).toMatch(/^\d+\.\d+\.\d+$/);
    expect(results.tool.name).toBe("mettle");
    expect(results.summary).toEqual({
      tests: 6,
      passed: 2,
      failed: 3,
      pending: 0,
      skipped: 0,
      other: 1,
      start: 1_795_248_420_000,
      stop: 1_795_248_468_210,
    });
    expect(results.tests.map(({ status }) => status)).toEqual([
      "failed",
      "failed",
      "failed",
      "other",
      "passed",
      "passed",
    ]);
  });

  test("an invalid run fails, no rules say nothing", () => {
    const invalid = run({ validity: { state: "invalid", reasons: ["starved"] } });
    expect(ctrf(invalid, verdict([bare({ state: "passed" })])).results.tests[0]).toMatchObject({
      status: "failed",
      message: expect.stringContaining("starved") as string,
    });
    expect(ctrf(run(), verdict([])).results.tests[0]?.status).toBe("other");
  });

  test("whatever the names it is JSON whose summary adds up", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const { summary, tests } = ctrf(
          run({ name: text }),
          verdict([finding({ id: text, metric: text, rule: text, message: text, tags: { [text]: text } })]),
        ).results;
        expect(summary["tests"]).toBe(tests.length);
        expect((summary["passed"] ?? 0) + (summary["failed"] ?? 0) + (summary["other"] ?? 0)).toBe(tests.length);
        for (const { name } of tests) expect(name.isWellFormed()).toBe(true);
      }),
    );
  });
});

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;

describe("renderJson", () => {
  test("carries run and verdict whole, and the order of keys changes nothing", () => {
    const [sample, judged] = [sampleRun(), sampleVerdict()];
    const text = renderJson(sample, judged);
    expect(JSON.parse(text)).toEqual({ schema: "mettle.report/1", run: sample, verdict: judged });
    const reversed = Object.fromEntries(Object.entries(sample).toReversed()) as unknown as typeof sample;
    expect(renderJson(reversed, judged)).toBe(text);
  });

  test("says where a number is that JSON cannot carry", () => {
    const broken = run({ measurements: [measurement("a.time", Number.NaN)] });
    expect(() => renderJson(broken, verdict([]))).toThrow(
      expect.objectContaining({
        code: "REPORT_NUMBER_INVALID",
        message: expect.stringContaining("run.measurements[0].") as string,
      }),
    );
  });

  test("any text comes back as it was, a key named __proto__ included", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const tags = Object.fromEntries([
          [text, text],
          ["__proto__", text],
        ]);
        const parsed = JSON.parse(renderJson(run({ measurements: [measurement("a", 1, { tags })] }), verdict([]))) as {
          run: { measurements: { tags: object }[] };
        };
        expect(Object.entries(parsed.run.measurements[0]?.tags ?? {}).toSorted(byKey)).toEqual(
          Object.entries(tags).toSorted(byKey),
        );
      }),
    );
  });
});

describe("performanceReport (S0-192, S2-032)", () => {
  test("sorts the verdict into its sections and invents nothing", () => {
    const report = performanceReport(sampleRun(), sampleVerdict());
    expect(report.timestamp).toBe("2026-11-21T08:07:48.210Z");
    expect(report.regressionAnalysis.findings.map(({ kind }) => kind)).toEqual(["regression"]);
    expect(report.performanceAnalysis.findings).toHaveLength(5);
    expect(report.recommendations).toHaveLength(2);
    expect(report.summary.selfCheck?.detectable).toBe(0.004);
    expect(report).not.toHaveProperty("trendProjections");
    expect(report.detailedMetrics).toHaveLength(sampleRun().measurements.length);
  });

  test("tells where a metric is heading when its history was judged (S0-167, S0-196)", () => {
    const verdict = sampleVerdict();
    const projection = { runsAhead: 5, value: 12e6, low: 11e6, high: 13e6, confidence: 0.95 };
    const [first, ...others] = verdict.findings;
    const heading = { ...first!, metric: "lookup.time", projection };
    expect(performanceReport(sampleRun(), { ...verdict, findings: [heading, ...others] }).trendProjections).toEqual([
      heading,
    ]);
  });
});

describe("renderers", () => {
  test("every format renders the sample, names are unique, unknown ones are refused with the list", () => {
    expect(new Set(renderers.map(({ name }) => name)).size).toBe(renderers.length);
    for (const { name } of renderers)
      expect(rendererNamed(name).render(sampleRun(), sampleVerdict()).length).toBeGreaterThan(100);
    expect(() => rendererNamed("pdf\u001b[2J")).toThrow(/"pdf".*junit/);
  });

  test("the files of a CI job", () => {
    const files = ciReport(sampleRun(), sampleVerdict(), { name: "nightly", color: true });
    expect(files.map(({ path }) => path)).toEqual([
      "performance_summary.md",
      "performance_reports/report.html",
      "performance_reports/junit.xml",
      "performance_reports/ctrf.json",
      "performance_reports/report.json",
      "performance_reports/summary.txt",
    ]);
    expect(files[0]?.content).toMatch(/^<!-- mettle:nightly -->/);
    for (const { content } of files) expect(content).not.toContain("\u001b");
  });
});
