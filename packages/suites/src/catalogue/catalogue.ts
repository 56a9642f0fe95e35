import { suitesErrors } from "../errors.ts";
import { coreScenarios } from "./core.ts";
import { agentScenarios } from "./agents/agents.ts";
import { coordinationScenarios } from "./coordination/coordination.ts";
import { eventScenarios } from "./events/events.ts";
import { limitScenarios } from "./limits/limits.ts";
import { requestLoadScenarios } from "./load/requests.ts";
import { optimizationScenarios } from "./optimizations.ts";
import { signalLoadScenarios } from "./load/signal-load.ts";
import { poolScenarios } from "./pools/pools.ts";
import { registryScenarios } from "./registry.ts";
import { resourceScenarios } from "./resources.ts";
import { scalabilityScenarios } from "./scalability.ts";
import { registryScaleScenarios } from "./registry/scale.ts";
import { systemScenarios } from "./system/system.ts";
import { liveTuningScenarios } from "./variables/live-tuning.ts";
import { roadmapVariableScenarios } from "./variables/roadmap.ts";
import { serviceChecks } from "../service/validate/checks.ts";
import { type Scenario, type SuiteName, suiteNames } from "./scenario.ts";
import { variableScenarios } from "./variables.ts";

/** Everything that is measured, in the order it runs. */
export const catalogue: readonly Scenario[] = [
  ...registryScenarios,
  ...variableScenarios,
  ...scalabilityScenarios,
  ...resourceScenarios,
  ...registryScaleScenarios,
  ...agentScenarios,
  ...eventScenarios,
  ...roadmapVariableScenarios,
  ...liveTuningScenarios,
  ...coordinationScenarios,
  ...poolScenarios,
  ...systemScenarios,
  ...limitScenarios,
  ...requestLoadScenarios,
  ...optimizationScenarios,
  ...coreScenarios,
  ...signalLoadScenarios,
];

/**
 * The scenarios of the suites named; of all without a name. Those of a service are not among them: it is no platform.
 *
 * @param names - of suites or of single scenarios
 * @throws MettleError `SUITE_UNKNOWN`
 */
export function scenariosOf(names: readonly string[]): readonly Scenario[] {
  if (names.length === 0) return catalogue;
  const unknown = names.filter(
    (name) =>
      !suiteNames.includes(name as SuiteName) && ![...catalogue, ...serviceChecks].some(({ id }) => id === name),
  );
  if (unknown.length > 0) {
    throw suitesErrors.create(
      "SUITE_UNKNOWN",
      `There is no suite ${unknown.join(", ")}; there are ${suiteNames.join(", ")}.`,
      {
        details: { unknown, suites: suiteNames },
      },
    );
  }
  return catalogue.filter(({ id, suite }) => names.includes(suite) || names.includes(id));
}
