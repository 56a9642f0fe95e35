import { suitesErrors } from "../errors.ts";
import { agentScenarios } from "./agents.ts";
import { eventScenarios } from "./events/events.ts";
import { registryScenarios } from "./registry.ts";
import { type Scenario, type SuiteName, suiteNames } from "./scenario.ts";

/** Everything that is measured, in the order it runs. */
export const catalogue: readonly Scenario[] = [...registryScenarios, ...agentScenarios, ...eventScenarios];

/**
 * The scenarios of the suites named; of all without a name.
 *
 * @param names - of suites or of single scenarios
 * @throws MettleError `SUITE_UNKNOWN`
 */
export function scenariosOf(names: readonly string[]): readonly Scenario[] {
  if (names.length === 0) return catalogue;
  const unknown = names.filter(
    (name) => !suiteNames.includes(name as SuiteName) && !catalogue.some(({ id }) => id === name),
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
