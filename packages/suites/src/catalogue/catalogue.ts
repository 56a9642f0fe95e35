import { type Profile, profiles } from "@mettle/results";
import { platformNames } from "../adapters/adapters.ts";
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
import { type CatalogueEntry, type Scenario, type SuiteName, suiteNames } from "./scenario.ts";
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

/** What there is instead of a name that there is not: the scenarios of the suite that it begins with, or all suites. */
function unknownText(name: string): string {
  const [suite = name] = name.split(".");
  const siblings = [...catalogue, ...serviceChecks].filter(({ id }) => id.startsWith(`${suite}.`)).map(({ id }) => id);
  if (name.includes(".") && siblings.length > 0)
    return `There is no scenario ${name}; there are ${siblings.join(", ")}.`;
  if (platformNames.includes(name)) return `${name} is no suite but a platform: --platform ${name}.`;
  return `There is no suite or scenario ${name}; suites are ${suiteNames.join(", ")}.`;
}

/** What these names stand for, of platforms and of a service. */
const entriesOf = (name: string): readonly CatalogueEntry[] =>
  [...catalogue, ...serviceChecks].filter(({ id, suite }) => name === suite || name === id);

/**
 * Whoever names something wants it measured: a name of which a profile has nothing is refused.
 *
 * @throws MettleError `SUITE_NOT_IN_PROFILE`
 */
export function expectInProfile(names: readonly string[], profile: Profile): void {
  const problems = names.flatMap((name) => {
    const entries = entriesOf(name);
    if (entries.some(({ seconds }) => seconds[profile] !== undefined)) return [];
    const others = profiles.filter((other) => entries.some(({ seconds }) => seconds[other] !== undefined));
    return [`${name} is not measured in the ${profile} profile, but in ${others.join(", ")}.`];
  });
  if (problems.length === 0) return;
  throw suitesErrors.create("SUITE_NOT_IN_PROFILE", problems.join(" "), { details: { problems } });
}

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
    throw suitesErrors.create("SUITE_UNKNOWN", unknown.map(unknownText).join(" "), {
      details: { unknown, suites: suiteNames },
    });
  }
  return catalogue.filter(({ id, suite }) => names.includes(suite) || names.includes(id));
}
