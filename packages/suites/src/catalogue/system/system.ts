import type { Scenario } from "../scenario.ts";
import { consistencyScenarios } from "./consistency.ts";
import { growthScenarios } from "./growth.ts";
import { loadScenarios } from "./load.ts";
import { memoryScenarios } from "./memory.ts";
import { retrievalScenarios } from "./retrieval.ts";
import { sandboxScenarios } from "./sandboxes.ts";
import { startupScenarios } from "./startup.ts";

/** The system of S2 and S3: start, load, memory, growth. */
export const systemScenarios: readonly Scenario[] = [
  ...startupScenarios,
  ...loadScenarios,
  ...memoryScenarios,
  ...growthScenarios,
  ...sandboxScenarios,
  ...retrievalScenarios,
  ...consistencyScenarios,
];
