import { minutes } from "../scale.ts";
import type { ServiceBehaviour, ServiceScenario } from "../service-scenario.ts";
import { simpleTask, textMember } from "../surface.ts";

const execute: ServiceBehaviour = async (user, surface) => {
  const response = await surface.execute(user, simpleTask);
  user.check(response, {
    "status is 200": ({ status }) => status === 200,
    "has execution_id": (each) => textMember(each, "execution_id") !== "",
  });
};

/**
 * From 10 to 400 executions a second, whatever becomes of the earlier ones. Times count from the moment that a request was
 * due, so that a service that cannot keep up shows it.
 */
export const stressTest: ServiceScenario = {
  id: "stress_test",
  title: "arrivals that grow to four times the promised rate",
  requirement: ["S4-044", "S4-045"],
  groups: {
    stress: {
      shape: {
        executor: "ramping-arrival-rate",
        startRate: 10,
        preAllocatedVUs: 100,
        maxVUs: 1000,
        stages: [
          { ms: minutes(5), target: 50 },
          { ms: minutes(10), target: 100 },
          { ms: minutes(5), target: 200 },
          { ms: minutes(10), target: 200 },
          { ms: minutes(5), target: 400 },
          { ms: minutes(5), target: 400 },
          { ms: minutes(10), target: 0 },
        ],
      },
      run: execute,
    },
  },
  thresholds: {
    http_req_response_time: ["p(95)<5s"],
    // Beyond its capacity a service may refuse; one request in twenty is allowed to it.
    http_req_failed: ["rate<0.05"],
    checks: ["rate>0.8"],
  },
};
