import { minutes } from "../scale.ts";
import { FAILURES, type ServiceBehaviour, type ServiceScenario } from "../service-scenario.ts";
import { textMember } from "../surface.ts";

/** Logs in as a user of its own, again and again, with a second between. */
const authenticate: ServiceBehaviour = async (user, surface) => {
  const response = await surface.login(user, user.id);
  user.check(response, {
    "status is 200": ({ status }) => status === 200,
    "response time < 200ms": ({ timings }) => timings.duration < 200,
    "has token": (each) => textMember(each, "token") !== "",
  });
  await surface.think(user, 1000, 1000);
};

export const authPerformance: ServiceScenario = {
  id: "auth_performance",
  title: "logins of up to 200 users",
  requirement: ["S4-008", "S4-038", "S4-039", "S4-072"],
  groups: {
    logins: {
      shape: {
        executor: "ramping-vus",
        startVUs: 0,
        stages: [
          { ms: minutes(2), target: 100 },
          { ms: minutes(5), target: 100 },
          { ms: minutes(2), target: 200 },
          { ms: minutes(5), target: 200 },
          { ms: minutes(2), target: 0 },
        ],
      },
      run: authenticate,
    },
  },
  thresholds: {
    http_req_duration: ["p(95)<200ms"],
    http_req_failed: [FAILURES],
    "http_req_duration{name:POST /auth/login}": ["p(50)<100ms", "p(95)<200ms", "p(99)<500ms"],
  },
};
