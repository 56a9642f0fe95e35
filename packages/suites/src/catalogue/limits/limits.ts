import type { Scenario } from "../scenario.ts";
import { allocationScenarios } from "./allocation.ts";
import { ceilingScenarios } from "./ceiling.ts";
import { delayScenarios } from "./delays.ts";
import { exhaustionScenarios } from "./exhaustion.ts";
import { memoryCheck } from "./memory-check.ts";
import { pressureScenarios } from "./pressure.ts";
import { priorityScenarios } from "./priority.ts";

/** Limits of S2 and S3: ceilings, exhaustion, memory pressure, and what comes after. */
export const limitScenarios: readonly Scenario[] = [
  ...ceilingScenarios,
  ...exhaustionScenarios,
  ...pressureScenarios,
  ...allocationScenarios,
  memoryCheck,
  ...delayScenarios,
  ...priorityScenarios,
];
