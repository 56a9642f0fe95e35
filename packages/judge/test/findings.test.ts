import { expect, test } from "vitest";
import { findingOfChecks } from "../src/findings.ts";
import { resolvePolicy } from "../src/policy.ts";
import type { Check } from "../src/thresholds/evaluate.ts";

const check = (state: Check["state"]): Check => ({ state, message: state, evidence: [] });
const subject = { metric: "a.time", tags: {}, unit: "ns" } as const;
const stateOf = (severity: "high" | "low", ...states: Check["state"][]): string =>
  findingOfChecks(
    { kind: "threshold", rule: "p95 < 1ms && p99 < 2ms", severity },
    subject,
    states.map(check),
    resolvePolicy({}),
  ).state;

test("a miss that the policy forgives does not hide that other data is missing", () => {
  expect(stateOf("low", "failed")).toBe("info");
  expect(stateOf("low", "failed", "no-data")).toBe("no-data");
  expect(stateOf("high", "failed", "no-data")).toBe("failed");
  expect(stateOf("low", "passed", "no-data")).toBe("no-data");
});
