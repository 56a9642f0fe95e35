import { minutes } from "../scale.ts";
import { FAILURES, type ServiceBehaviour, type ServiceScenario } from "../service-scenario.ts";

const search: ServiceBehaviour = async (user, surface) => {
  const response = await surface.search(user);
  user.check(response, {
    "status is 200": ({ status }) => status === 200,
    "response time < 800ms": ({ timings }) => timings.duration < 800,
    "is JSON": (each) => typeof each.json() === "object",
  });
};

/** At the rate that the endpoint is promised for, whatever becomes of the earlier requests. */
export const knowledgeSearch: ServiceScenario = {
  id: "knowledge_search",
  title: "200 searches a second",
  requirement: ["S4-011", "S4-021", "S4-042", "S4-075"],
  groups: {
    searches: {
      shape: {
        executor: "constant-arrival-rate",
        rate: 200,
        durationMs: minutes(10),
        preAllocatedVUs: 50,
        maxVUs: 1000,
      },
      run: search,
    },
  },
  thresholds: {
    http_req_response_time: ["p(50)<300ms", "p(95)<800ms", "p(99)<2s"],
    http_req_failed: [FAILURES],
    dropped_iterations: ["count<1"],
  },
};
