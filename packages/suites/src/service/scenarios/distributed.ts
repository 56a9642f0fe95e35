import { minutes } from "../scale.ts";
import { FAILURES, type ServiceScenario } from "../service-scenario.ts";
import { weighted } from "./endurance.ts";

/** What each of the ten generators of a distributed test does: its results merge with the others' (S4-116, S4-117). */
export const GENERATORS = 10;

export const distributedTest: ServiceScenario = {
  id: "distributed_test",
  title: "100 users of one of ten generators, for half an hour",
  requirement: ["S4-116"],
  groups: { users: { shape: { executor: "constant-vus", vus: 100, durationMs: minutes(30) }, run: weighted } },
  thresholds: { http_req_duration: ["p(95)<2s"], http_req_failed: [FAILURES], checks: ["rate>0.9"] },
};
