import type { Scenario } from "../scenario.ts";
import { actionScenarios } from "./actions.ts";
import { creation } from "./creation.ts";
import { lifeScenarios } from "./life.ts";
import { memory } from "./memory.ts";

/** Agents of S2 and S3: creation, actions, memory, life and death. */
export const agentScenarios: readonly Scenario[] = [creation, ...actionScenarios, memory, ...lifeScenarios];
