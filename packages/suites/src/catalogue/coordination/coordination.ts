import type { Scenario } from "../scenario.ts";
import { coordinationOperations } from "./operations.ts";
import { coordinationStress } from "./stress.ts";
import { coordinationContests } from "./traditional.ts";
import { waitingScenarios } from "./waiting.ts";

/** Coordination of S2 and S3: latency, throughput, scale, failures, and the sequential way beside ours. */
export const coordinationScenarios: readonly Scenario[] = [
  ...coordinationOperations,
  ...coordinationStress,
  ...coordinationContests,
  ...waitingScenarios,
];
