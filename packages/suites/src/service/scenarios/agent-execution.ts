import { minutes } from "../scale.ts";
import { FAILURES, type ServiceBehaviour, type ServiceScenario } from "../service-scenario.ts";
import { complexTask, type ServiceTask, simpleTask, textMember } from "../surface.ts";

const SIMPLE_MS = 2000;
const COMPLEX_MS = 8000;

/** What a service may say of an execution that came to nothing although its request was answered. */
const failedStates: readonly string[] = ["failed", "cancelled"];

/** Has an agent do a task, then thinks for one to four seconds. */
const executing =
  (task: ServiceTask, acceptableMs: number): ServiceBehaviour =>
  async (user, surface) => {
    const response = await surface.execute(user, task);
    user.check(response, {
      "status is 200": ({ status }) => status === 200,
      "has execution_id": (each) => textMember(each, "execution_id") !== "",
      "did not fail": (each) => !failedStates.includes(textMember(each, "status")),
      "execution time acceptable": ({ timings }) => timings.duration < acceptableMs,
    });
    await surface.think(user, 1000, 4000);
  };

const executeSimple: ServiceBehaviour = executing(simpleTask, SIMPLE_MS);
const executeComplex: ServiceBehaviour = executing(complexTask, COMPLEX_MS);

export const agentExecution: ServiceScenario = {
  id: "agent_execution",
  title: "50 users with simple tasks beside 20 with complex ones",
  requirement: ["S4-009", "S4-010", "S4-040", "S4-041", "S4-073", "S4-074"],
  groups: {
    simple_tasks: {
      shape: { executor: "constant-vus", vus: 50, durationMs: minutes(10) },
      tags: { task_type: "simple" },
      run: executeSimple,
    },
    complex_tasks: {
      shape: { executor: "constant-vus", vus: 20, durationMs: minutes(10) },
      tags: { task_type: "complex" },
      run: executeComplex,
    },
  },
  thresholds: {
    "http_req_duration{task_type:simple}": ["p(50)<800ms", "p(95)<2s", "p(99)<5s"],
    "http_req_duration{task_type:complex}": ["p(50)<3s", "p(95)<8s", "p(99)<15s"],
    http_req_failed: [FAILURES],
    "checks{check:did not fail}": ["rate>0.999"],
  },
};
