import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { apportion, missingFrom, numberThreads, planOf } from "../../src/distribute/segments.ts";
import { arrivals, traceArrivals } from "../../src/engine/arrival-process.ts";
import type { LoadOptions } from "../../src/engine/load-options.ts";
import { RateProfile } from "../../src/engine/rate-profile.ts";
import { resolvePlan } from "../../src/engine/resolve-plan.ts";
import type { OpenPlan } from "../../src/engine/scenario-plan.ts";
import { shareOf } from "../../src/engine/user-profile.ts";

const fleets = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 8 });

describe("numbers of threads", () => {
  test("every number once, spread over machines first", () => {
    fc.assert(
      fc.property(fleets, (threads) => {
        const numbers = numberThreads(threads);
        const total = threads.reduce((a, b) => a + b, 0);
        expect(numbers.map(({ length }) => length)).toEqual(threads);
        expect(numbers.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, i) => i));
        expect(numbers.map(([first]) => first)).toEqual(threads.map((_, worker) => worker));
      }),
    );
    expect(numberThreads([1, 3, 2])).toEqual([[0], [1, 3, 5], [2, 4]]);
  });
});

describe("shared iterations", () => {
  test("are divided without rest, as near to the shares of users as whole numbers can be", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1e6 }),
        fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 9 }),
        (count, weights) => {
          const total = weights.reduce((a, b) => a + b, 0);
          fc.pre(total > 0);
          const parts = apportion(count, weights);
          expect(parts.reduce((a, b) => a + b, 0)).toBe(count);
          parts.forEach((part, index) => {
            expect(Math.abs(part - (count * weights[index]!) / total)).toBeLessThan(1);
            if (weights[index] === 0) expect(part).toBe(0);
          });
        },
      ),
    );
    expect(apportion(5, [0, 0])).toEqual([0, 0]);
  });

  test("of a plan: a machine gets what its users may take; other scenarios stay whole", () => {
    const plan = resolvePlan({
      scenarios: {
        shared: { executor: "shared-iterations", vus: 4, iterations: 100 },
        each: { executor: "per-vu-iterations", vus: 4, iterations: 3 },
      },
    });
    const all = numberThreads([1, 2]);
    const parts = [0, 1].map((worker) => planOf(plan, worker, all));
    // Threads 0 | 1, 2: users 2 | 1 + 1.
    expect(parts.map(({ scenarios: [first] }) => first)).toMatchObject([
      { iterations: { count: 50, shared: true } },
      { iterations: { count: 50, shared: true } },
    ]);
    for (const { scenarios } of parts) expect(scenarios[1]).toEqual(plan.scenarios[1]);
  });
});

describe("what a lost worker takes with it", () => {
  const scenario = (options: NonNullable<LoadOptions["scenarios"]>[string]): ReturnType<typeof resolvePlan> =>
    resolvePlan({ scenarios: { a: options } });

  /** The slow obvious way: every arrival is looked at. */
  function counted(plan: OpenPlan, fromMs: number): number {
    const { arrivals: wanted } = plan;
    const process =
      wanted.kind === "trace"
        ? traceArrivals(wanted.timesMs, wanted.speed)
        : arrivals(new RateProfile(wanted.stages), { kind: "even" }, 1);
    let count = 0;
    for (let at = process.next(); at !== Number.POSITIVE_INFINITY; at = process.next()) if (at >= fromMs) count += 1;
    return count;
  }

  test("arrivals that were still to come, for any stages and any moment", () => {
    const stages = fc.array(
      fc.record({ duration: fc.integer({ min: 100, max: 5000 }), target: fc.integer({ min: 0, max: 80 }) }),
      { minLength: 1, maxLength: 5 },
    );
    fc.assert(
      fc.property(
        stages,
        fc.integer({ min: 0, max: 80 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (ramp, startRate, share) => {
          const plan = scenario({ executor: "ramping-arrival-rate", startRate, stages: ramp, preAllocatedVUs: 1 });
          const length = ramp.reduce((sum, { duration }) => sum + duration, 0);
          const fromMs = Math.floor(share * (length - 1));
          const { arrivals: found = Number.NaN } = missingFrom(plan, [1], 4, fromMs);
          expect(Math.abs(4 * found - counted(plan.scenarios[0] as OpenPlan, fromMs))).toBeLessThanOrEqual(2);
        },
      ),
    );
  });

  test("of a trace, played faster", () => {
    const plan = scenario({ executor: "trace", times: [0, 500, 1000, 1500, 4000], speed: 2, preAllocatedVUs: 1 });
    expect(missingFrom(plan, [0], 1, 500)).toEqual({ share: 1, arrivals: 3 });
    expect(missingFrom(plan, [0], 1, 3000)).toEqual({ share: 1 });
  });

  test("users, as threads divide them; nothing of scenarios that are over", () => {
    const plan = scenario({ executor: "constant-vus", vus: 10, duration: "10s" });
    expect(missingFrom(plan, [1, 3], 4, 0)).toEqual({ share: 0.5, users: [shareOf(10, 1, 4) + shareOf(10, 3, 4), 10] });
    expect(missingFrom(plan, [1, 3], 4, 10_000)).toEqual({ share: 0.5 });
  });
});
