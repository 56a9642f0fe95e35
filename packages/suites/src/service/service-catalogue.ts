import { suitesErrors } from "../errors.ts";
import { agentExecution } from "./scenarios/agent-execution.ts";
import { authPerformance } from "./scenarios/auth.ts";
import { gatewayRate, loginRate, openSessions } from "./scenarios/capacity.ts";
import { distributedTest } from "./scenarios/distributed.ts";
import { enduranceTest } from "./scenarios/endurance.ts";
import { knowledgeSearch } from "./scenarios/knowledge-search.ts";
import { burstLoad, mixedLoad, peakLoad } from "./scenarios/mixed.ts";
import { multiUserLoad } from "./scenarios/multi-user.ts";
import { stressTest } from "./scenarios/stress.ts";
import { toolExecution } from "./scenarios/tools.ts";
import type { ServiceScenario } from "./service-scenario.ts";
import { type TestType, testTypes } from "./test-types.ts";

/** The load tests of an agent service. */
export const serviceScenarios: readonly ServiceScenario[] = [
  authPerformance,
  agentExecution,
  knowledgeSearch,
  multiUserLoad,
  stressTest,
  enduranceTest,
  distributedTest,
  toolExecution,
  mixedLoad,
  peakLoad,
  burstLoad,
  loginRate,
  gatewayRate,
  openSessions,
];

/** What continuous integration runs, each in any of the test types (S4-058, S4-059). */
export const serviceMatrix: readonly { readonly scenario: string; readonly types: readonly TestType[] }[] = [
  authPerformance,
  agentExecution,
  knowledgeSearch,
  multiUserLoad,
].map(({ id }) => ({ scenario: id, types: testTypes }));

/** @throws MettleError `SERVICE_SCENARIO_UNKNOWN` */
export function serviceScenario(id: string): ServiceScenario {
  const found = serviceScenarios.find((scenario) => scenario.id === id);
  if (found) return found;
  const names = serviceScenarios.map((scenario) => scenario.id);
  throw suitesErrors.create(
    "SERVICE_SCENARIO_UNKNOWN",
    `There is no service scenario ${id}; there are ${names.join(", ")}.`,
    {
      details: { id, names },
    },
  );
}
