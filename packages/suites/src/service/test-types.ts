import type { Thresholds } from "@mettle/judge";
import { type LoadShape, minutes } from "./scale.ts";
import { FAILURES } from "./service-scenario.ts";

export const testTypes = ["smoke", "load", "stress", "endurance"] as const;
/** A shape of load that any scenario can be run in (S4-058). */
export type TestType = (typeof testTypes)[number];

/** The base configuration: who comes when, whatever they do (S4-105 to S4-107, S4-047). */
export const baseShapes: Readonly<Record<TestType, LoadShape>> = {
  smoke: { executor: "constant-vus", vus: 1, durationMs: minutes(1) },
  load: {
    executor: "ramping-vus",
    startVUs: 0,
    stages: [
      { ms: minutes(5), target: 50 },
      { ms: minutes(10), target: 50 },
      { ms: minutes(5), target: 0 },
    ],
  },
  stress: {
    executor: "ramping-vus",
    startVUs: 0,
    stages: [
      { ms: minutes(2), target: 100 },
      { ms: minutes(5), target: 100 },
      { ms: minutes(2), target: 200 },
      { ms: minutes(5), target: 200 },
      { ms: minutes(2), target: 300 },
      { ms: minutes(5), target: 300 },
      { ms: minutes(10), target: 0 },
    ],
  },
  endurance: { executor: "constant-vus", vus: 100, durationMs: minutes(24 * 60) },
};

/** S4-108. */
export const baseThresholds: Thresholds = {
  http_req_duration: ["p(95)<2s"],
  http_req_failed: [FAILURES],
  checks: ["rate>0.9"],
};
