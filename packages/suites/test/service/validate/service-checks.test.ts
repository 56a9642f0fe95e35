import { resolvePolicy, type Target } from "@mettle/judge";
import { describe, expect, test } from "vitest";
import { serviceChecks } from "../../../src/service/validate/checks.ts";
import { componentTargets } from "../../../src/service/validate/components.ts";
import { plannedChecks } from "../../../src/service/validate/service-checks.ts";
import { policyOf } from "../../../src/validate/rules.ts";

const total = (names: readonly string[], profile: "smoke" | "ci" | "full"): number => {
  const { checks, secondsOf } = plannedChecks(names, profile);
  return checks.reduce((sum, check) => sum + secondsOf(check), 0);
};

describe("what is run", () => {
  test("as a part of everything: half a minute at most in ci, nothing in smoke", () => {
    expect(total([], "ci")).toBeGreaterThan(10);
    expect(total([], "ci")).toBeLessThanOrEqual(30);
    expect(plannedChecks([], "smoke").checks).toEqual([]);
  });

  test("by name: seconds in smoke, a minute or two in ci, each at the length it is written in full", () => {
    expect(total(["service"], "smoke")).toBeLessThanOrEqual(20);
    expect(total(["service"], "ci")).toBeGreaterThan(60);
    expect(total(["service"], "ci")).toBeLessThanOrEqual(120);
    const { checks, secondsOf } = plannedChecks(["service"], "full");
    const auth = checks.find(({ id }) => id === "service.auth_performance") ?? expect.fail();
    expect(secondsOf(auth)).toBe(16 * 60);
  });

  test("one of them: the service is started for it", () => {
    const { checks } = plannedChecks(["service.at-once"], "ci");
    expect(checks.map(({ id }) => id)).toEqual(["service.start", "service.at-once"]);
    expect(plannedChecks(["registry"], "ci").checks).toEqual([]);
  });

  test("names are told apart, and every rule can be judged in every phase", () => {
    const ids = serviceChecks.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^service\.[a-z_-]+$/);
    for (const phase of [1, 2, 3] as const) {
      expect(() => resolvePolicy(policyOf(serviceChecks, "service", phase))).not.toThrow();
    }
  });
});

// The figures of the requirements, written down a second time: a slip of the pen shows.
const promised: readonly (readonly [
  requirement: string,
  metric: string,
  statistic: string,
  s4: string,
  ours: string,
])[] = [
  ["S4-080", "service.gateway.routing", "p50", "5ms", "2ms"],
  ["S4-080", "service.gateway.routing", "p95", "15ms", "8ms"],
  ["S4-080", "service.gateway.routing", "p99", "50ms", "50ms"],
  ["S4-082", "service.gateway.token-validation", "p95", "10ms", "1ms"],
  ["S4-084", "service.gateway.rate-limit", "p95", "1ms", "0.1ms"],
  ["S4-085", "service.gateway.rate-limit", "p95", "0.5ms", "0.5ms"],
  ["S4-088", "service.execution.queue", "p95", "100ms", "20ms"],
  ["S4-089", "service.execution.scheduling", "p95", "50ms", "10ms"],
  ["S4-091", "service.execution.switch", "p95", "10ms", "10ms"],
  ["S4-094", "service.execution.persistence", "p95", "20ms", "10ms"],
  ["S4-095", "service.execution.retrieval", "p95", "10ms", "3ms"],
  ["S4-096", "service.knowledge.similarity", "p95", "500ms", "10ms"],
  ["S4-099", "service.knowledge.embedding", "p95", "200ms", "200ms"],
  ["S4-101", "service.knowledge.context", "p95", "300ms", "300ms"],
  ["S4-102", "service.knowledge.scoring", "p95", "50ms", "50ms"],
  ["S4-104", "service.cache.lookup", "p95", "5ms", "0.5ms"],
];

test("what the parts are held to", () => {
  const written = componentTargets.map(({ requirement, metric, statistic = "p95", phases }: Target) => [
    requirement[0],
    metric,
    statistic,
    phases[1]?.high,
    phases[3]?.high,
  ]);
  expect(written).toEqual(promised);
  for (const { phases } of componentTargets) expect(phases[2]).toEqual(phases[1]);
});
