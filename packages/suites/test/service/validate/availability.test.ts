import { judge } from "@mettle/judge";
import type { Measurement } from "@mettle/results";
import { runSchema } from "@mettle/results";
import { expect, test } from "vitest";
import { Recorder } from "../../../src/measure/recorder.ts";
import { Availability, availabilityObjectives } from "../../../src/service/validate/availability.ts";

const failures = (tags: Record<string, string>, count: number, failed: number): Measurement => ({
  metric: "http_req_failed",
  unit: "1",
  direction: "lower",
  tags,
  summary: { count, rate: failed / count },
});

/** A load as the generator tells it: the whole, each endpoint in each scenario, and what a threshold is about. */
const load = (logins: readonly [number, number], searches: readonly [number, number]): readonly Measurement[] => [
  failures({}, logins[0] + searches[0], logins[1] + searches[1]),
  failures({ name: "POST /auth/login", scenario: "users" }, ...logins),
  failures({ name: "POST /auth/login" }, ...logins),
  failures({ name: "POST /knowledge/search", scenario: "users" }, ...searches),
  { ...failures({ name: "POST /auth/login", scenario: "users" }, 1, 1), metric: "checks" },
];

function judged(availability: Availability): ReadonlyMap<string, { readonly state: string; readonly actual?: number }> {
  const recorder = new Recorder([], {});
  availability.record(recorder);
  const { findings } = judge(
    {
      schema: runSchema,
      id: "r",
      startedAt: "2026-01-01T00:00:00.000Z",
      durationMs: 1,
      name: "test",
      kind: "validate",
      environment: {} as never,
      validity: { state: "valid", reasons: [] },
      measurements: recorder.measurements(),
    },
    { policy: { objectives: availabilityObjectives } },
  );
  return new Map(
    findings.flatMap(({ tags, state, actual }) => {
      const of = tags?.["of"];
      return of === undefined ? [] : [[of, { state, ...(actual !== undefined && { actual }) }] as const];
    }),
  );
}

test("S4-065 … S4-068: each endpoint by its own promise, over all loads", () => {
  const availability = new Availability();
  availability.add(load([6000, 0], [1000, 4]));
  availability.add(load([4000, 2], [3000, 11]));
  expect(availability.requests).toBe(14_000);
  const found = judged(availability);
  // 2 of 10 000 where 5 are allowed; 15 of 4 000 where 20 are; 17 of 14 000 where 14 are, which may be chance.
  expect(found.get("auth")).toMatchObject({ state: "passed" });
  expect(found.get("knowledge_search")).toMatchObject({ state: "passed" });
  expect(found.get("all")).toMatchObject({ state: "undecided" });
  expect(found.get("agent_execution")?.state).toBe("no-data");
});

test("one in twenty is no chance; a hundred requests are no answer", () => {
  const failing = new Availability();
  failing.add(load([3000, 150], [1000, 50]));
  expect(judged(failing).get("auth")).toEqual({ state: "failed", actual: 0.95 });
  const few = new Availability();
  few.add(load([90, 0], [10, 0]));
  expect(judged(few).get("auth")?.state).toBe("no-data");
});
