import type { Scenario } from "../scenario.ts";
import { deliveryScenarios } from "./delivery.ts";
import { matchingScenarios } from "./matching.ts";
import { eventStressScenarios } from "./stress.ts";

/** Events of S2: rate, latency, subscribers, patterns, filters, order, overload. */
export const eventScenarios: readonly Scenario[] = [
  ...deliveryScenarios,
  ...matchingScenarios,
  ...eventStressScenarios,
];
