import type { Measurement, Run } from "@mettle/results";
import { judge } from "@mettle/judge";
import { describe, expect, it } from "vitest";
import { resultGroups, type Scenario } from "../../src/catalogue/scenario.ts";
import { recommendationsFor } from "../../src/validate/recommendations.ts";
import { type ScenarioOutcome, validationResult } from "../../src/validate/result.ts";
import { unsupportedText } from "../../src/validate/unsupported.ts";
import { policyOf } from "../../src/validate/rules.ts";

const scenario = (id: string, group: Scenario["group"], rules: Scenario["rules"]): Scenario => ({
  id,
  suite: "agents",
  group,
  title: id,
  requirement: ["S0-177"],
  needs: [],
  seconds: { ci: 1 },
  ...(rules && { rules }),
  run: () => Promise.resolve(),
});

const times = (metric: string, meanNs: number, platform = "mettle"): Measurement => ({
  metric,
  unit: "ns",
  direction: "lower",
  tags: { platform },
  summary: { count: 100, mean: meanNs, p50: meanNs, p95: meanNs, p99: meanNs, min: meanNs, max: meanNs },
});

const runOf = (measurements: readonly Measurement[]): Run => ({
  schema: "mettle.run/1",
  id: "r",
  startedAt: "2026-01-01T00:00:00.000Z",
  durationMs: 10,
  name: "test",
  kind: "validate",
  environment: {} as Run["environment"],
  validity: { state: "valid", reasons: [] },
  measurements,
});

const resultOf = (outcomes: readonly ScenarioOutcome[], baseline?: Run): ReturnType<typeof validationResult> => {
  const run = runOf(outcomes.flatMap(({ measurements }) => measurements));
  const policy = policyOf(
    outcomes.filter(({ platform }) => platform === "mettle").map((outcome) => outcome.scenario),
    "mettle",
    3,
  );
  return validationResult({
    run,
    verdict: judge(run, { policy, ...(baseline && { baseline }) }),
    outcomes,
    subject: "mettle",
    phase: 3,
  });
};

const under1ms = scenario("quick", "infrastructure_benchmarks", { thresholds: { "a.time": "mean < 1ms" } });

describe("the result (S0-013)", () => {
  it("has the seven groups of S0-170 … S0-176, absent where nothing ran", () => {
    const { results } = resultOf([
      { scenario: under1ms, platform: "mettle", state: "measured", measurements: [times("a.time", 1000)] },
    ]);
    expect(Object.keys(results)).toEqual(resultGroups);
    expect(results.infrastructure_benchmarks.status).toBe("passed");
    expect(results.clustering_benchmarks.status).toBe("absent");
  });

  it("S2-146, S1-054: fails its regression tests by what is slower than in the baseline, and by nothing that is as it was", () => {
    const measured = (meanNs: number): ScenarioOutcome => ({
      scenario: under1ms,
      platform: "mettle",
      state: "measured",
      measurements: [times("a.time", meanNs), times("b.time", 2000)],
    });
    const baseline = runOf(measured(1000).measurements);
    const same = resultOf([measured(1000)], baseline);
    expect([same.results.regression_tests.status, same.verdict.exitCode]).toEqual(["passed", 0]);
    const slower = resultOf([measured(2000)], baseline);
    expect(slower.results.regression_tests.findings.filter(({ state }) => state === "failed")).toMatchObject([
      { kind: "regression", metric: "a.time" },
    ]);
    expect([slower.results.regression_tests.status, slower.status, slower.verdict.exitCode]).toEqual([
      "failed",
      "failed",
      4,
    ]);
    // S0-179: they are what to do something about, with the facts; nothing is said where there are none.
    expect(same.recommendations.map(({ kind }) => kind)).not.toContain("performance");
    expect(slower.recommendations[0]).toMatchObject({
      kind: "performance",
      text: expect.stringMatching(/^Undo or explain 1 regression, a\.time.* first\.$/) as string,
      because: [expect.stringContaining("a.time") as string],
    });
  });

  it("fails a group, and the whole, by a rule that is missed", () => {
    const result = resultOf([
      { scenario: under1ms, platform: "mettle", state: "measured", measurements: [times("a.time", 5e6)] },
    ]);
    expect(result.results.infrastructure_benchmarks.status).toBe("failed");
    expect(result.status).toBe("failed");
  });

  it("fails a group whose scenario failed, though no figure is bad", () => {
    const { results, status } = resultOf([
      {
        scenario: under1ms,
        platform: "mettle",
        state: "failed",
        measurements: [],
        failure: { code: "SCENARIO_FAILED", message: "it threw" },
      },
    ]);
    expect(results.infrastructure_benchmarks.status).toBe("failed");
    expect(results.infrastructure_benchmarks.scenarios[0]!.failure!.message).toBe("it threw");
    expect(status).not.toBe("passed");
  });

  it("says what a platform lacks, and what it goes without for that", () => {
    const without = (id: string, platform: string, missing: readonly string[]): ScenarioOutcome => ({
      scenario: scenario(id, "infrastructure_benchmarks", undefined),
      platform,
      state: "unsupported",
      measurements: [],
      missing,
    });
    const { results } = resultOf([
      ...["a", "b", "c", "d", "e"].map((id) => without(id, "xstate", ["registry"])),
      without("f", "otp", ["signals", "in-process"]),
      { scenario: under1ms, platform: "xstate", state: "measured", measurements: [times("a.time", 1, "xstate")] },
    ]);
    expect(unsupportedText(results.infrastructure_benchmarks.scenarios)).toEqual([
      "xstate lacks registry, so that it goes without a, b, c and 2 more",
      "otp lacks signals and a place in this process, so that it goes without f",
    ]);
  });

  it("judges the subject only: another platform's figures are shown and not judged", () => {
    const result = resultOf([
      { scenario: under1ms, platform: "mettle", state: "measured", measurements: [times("a.time", 1000)] },
      { scenario: under1ms, platform: "xstate", state: "measured", measurements: [times("a.time", 9e9, "xstate")] },
    ]);
    expect(result.status).toBe("passed");
    expect(result.results.infrastructure_benchmarks.scenarios).toHaveLength(2);
  });

  it("keeps both rules when two scenarios rule on one metric", () => {
    const stricter = scenario("stricter", "infrastructure_benchmarks", { thresholds: { "a.time": "mean < 1us" } });
    const outcome = { platform: "mettle", state: "measured" } as const;
    const { verdict } = resultOf([
      { ...outcome, scenario: under1ms, measurements: [times("a.time", 5000)] },
      { ...outcome, scenario: stricter, measurements: [] },
    ]);
    expect(verdict.findings.map(({ state }) => state).toSorted()).toEqual(["failed", "passed"]);
  });
});

describe("recommendations (S0-014)", () => {
  const share = (metric: string, mean: number, load = "0.8"): Measurement => ({
    metric,
    unit: "1",
    direction: "higher",
    tags: { platform: "mettle", load },
    summary: { count: 1, mean },
  });
  const of = (
    measurements: readonly Measurement[],
    scalability = "mean < 1ms",
  ): ReturnType<typeof recommendationsFor> => {
    const run = runOf([...measurements, times("scale.time", 2e6)]);
    const verdict = judge(run, { policy: { thresholds: { "scale.time": scalability } } });
    return recommendationsFor(run, verdict, verdict.findings);
  };

  it("says nothing without a reason", () => {
    expect(of([share("resources.cpu.efficiency", 0.9)], "mean < 1s")).toEqual([]);
  });

  it("names garbage collection as the cause when it takes the time (S0-180)", () => {
    const [resource] = of([share("resources.cpu.efficiency", 0.5), share("resources.gc.share", 0.3)], "mean < 1s");
    expect(resource).toMatchObject({ kind: "resource", text: expect.stringContaining("Allocate less") as string });
    expect(resource!.because.join()).toMatch(/garbage collection takes 30/);
  });

  it("names another cause when it does not", () => {
    const [resource] = of([share("resources.cpu.efficiency", 0.5), share("resources.gc.share", 0.01)], "mean < 1s");
    expect(resource!.text).not.toContain("Allocate less");
  });

  it("speaks of scaling when its limits are missed (S0-181)", () => {
    const scalability = of([]).find(({ kind }) => kind === "scalability")!;
    expect(scalability.text).toBe(
      "Before more agents, mend scale.time{platform:mettle}: 1 of the limits of the scalability tests is missed.",
    );
  });

  it("stands in the verdict with its first fact, so that every report has it", () => {
    const slow = { ...under1ms, group: "scalability_tests" } as const;
    const { verdict, recommendations } = resultOf([
      { scenario: slow, platform: "mettle", state: "measured", measurements: [times("a.time", 5e6)] },
    ]);
    const [first] = recommendations;
    expect(verdict.recommendations[0]).toBe(`${first!.text} ${first!.because[0]}`);
  });
});
