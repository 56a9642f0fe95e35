import { describe, expect, test } from "vitest";
import type { LoadOptions, ScenarioOptions } from "../../src/engine/load-options.ts";
import { resolvePlan } from "../../src/engine/resolve-plan.ts";
import type { ScenarioPlan } from "../../src/engine/scenario-plan.ts";

const only = (options: LoadOptions): ScenarioPlan => resolvePlan(options).scenarios[0]!;
const scenario = (given: ScenarioOptions): ScenarioPlan => only({ scenarios: { a: given } });

function problemsOf(options: LoadOptions): readonly string[] {
  try {
    resolvePlan(options);
  } catch (error) {
    const { code, details } = error as { code: string; details: { problems: readonly string[] } };
    expect(code).toBe("LOAD_OPTIONS_INVALID");
    return details.problems;
  }
  return [];
}

describe("options of a load test", () => {
  test("short forms stand for scenarios as in k6", () => {
    expect(only({})).toMatchObject({ executor: "per-vu-iterations", startUsers: 1 });
    expect(only({ vus: 5, duration: "30s" })).toMatchObject({
      executor: "constant-vus",
      startUsers: 5,
      stages: [{ durationMs: 30_000, target: 5 }],
    });
    expect(only({ vus: 5, iterations: 50 })).toMatchObject({
      executor: "shared-iterations",
      iterations: { count: 50, shared: true },
    });
    expect(only({ stages: [{ duration: "1m30s", target: 10 }] })).toMatchObject({
      executor: "ramping-vus",
      stages: [{ durationMs: 90_000, target: 10 }],
    });
    expect(only({ rate: 500, duration: "10s" })).toMatchObject({
      executor: "constant-arrival-rate",
      model: "open",
      preAllocatedUsers: 100,
      overflow: "queue",
      arrivals: { stages: [{ durationMs: 10_000, from: 500, to: 500 }] },
    });
  });

  test("arrival rates are per timeUnit, and stages go from one to the next", () => {
    expect(scenario({ executor: "constant-arrival-rate", rate: 600, timeUnit: "1m", duration: "1m" })).toMatchObject({
      arrivals: { stages: [{ durationMs: 60_000, from: 10, to: 10 }] },
    });
    expect(
      scenario({
        executor: "ramping-arrival-rate",
        startRate: 10,
        stages: [
          { duration: "10s", target: 50 },
          { duration: 0, target: 100 },
          { duration: "5s", target: 100 },
        ],
      }),
    ).toMatchObject({
      arrivals: {
        stages: [
          { durationMs: 10_000, from: 10, to: 50 },
          { durationMs: 5000, from: 100, to: 100 },
        ],
      },
    });
    expect(scenario({ executor: "gamma", rate: 5, duration: "1s", shape: 0.11 })).toMatchObject({
      arrivals: { pattern: { kind: "gamma", shape: 0.11 } },
    });
  });

  test("k6's defaults: 30 s of grace, 10 minutes at most", () => {
    expect(scenario({ executor: "shared-iterations" })).toMatchObject({
      gracefulStopMs: 30_000,
      stages: [{ durationMs: 600_000, target: 1 }],
      iterations: { count: 1 },
    });
  });

  test("everything that is wrong is said at once", () => {
    const problems = problemsOf({
      workers: 0,
      setupTimeout: "soon",
      scenarios: {
        a: { executor: "constant-vus", vus: 0 },
        b: { executor: "ramping-arrival-rate", preAllocatedVUs: 5, maxVUs: 2, stages: [] },
        c: { executor: "trace", times: [3, 1] },
        d: { executor: "nothing" as never },
        e: { executor: "poisson", rate: 1, duration: "1s", vus: 3 },
        f: { executor: "ramping-vus", stages: [{ duration: "1s", target: 1.5 }] },
      },
      colour: "red",
    } as never);
    for (const expected of [
      /^workers must be a whole number from 1/,
      /^setupTimeout must be a duration/,
      /^scenarios\.a\.vus must/,
      /^scenarios\.a\.duration is missing/,
      /^scenarios\.b\.maxVUs must be at least preAllocatedVUs/,
      /^scenarios\.b\.stages is empty/,
      /^scenarios\.c\.times\[1\]/,
      /^scenarios\.d\.executor must be one of/,
      /^scenarios\.e\.vus is not a setting of poisson/,
      /^scenarios\.f\.stages\[0\]\.target must be whole/,
      /^colour is not an option/,
    ]) {
      expect(problems).toContainEqual(expect.stringMatching(expected));
    }
  });

  test("short forms cannot stand beside scenarios or each other", () => {
    expect(problemsOf({ duration: "1s", scenarios: { a: { executor: "per-vu-iterations" } } })).toHaveLength(1);
    expect(problemsOf({ stages: [{ duration: "1s", target: 1 }], duration: "1s" })).toHaveLength(1);
    expect(problemsOf({ scenarios: { a: { executor: "shared-iterations", vus: 5, iterations: 3 } } })).toEqual([
      "scenarios.a.iterations must be at least vus (5), got 3",
    ]);
  });
});
