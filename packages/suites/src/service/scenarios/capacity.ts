import { minutes } from "../scale.ts";
import { FAILURES, type ServiceBehaviour, type ServiceScenario } from "../service-scenario.ts";
import { textMember } from "../surface.ts";

const logIn: ServiceBehaviour = async (user, surface) => {
  const response = await surface.login(user, 1 + user.random.below(1_000_000));
  user.check(response, { "status is 200": ({ status }) => status === 200 });
};

/** At the rate that logging in is promised for, by users drawn at random. */
export const loginRate: ServiceScenario = {
  id: "login_rate",
  title: "1 000 logins a second",
  requirement: ["S4-018"],
  groups: {
    logins: {
      shape: {
        executor: "constant-arrival-rate",
        rate: 1000,
        durationMs: minutes(10),
        preAllocatedVUs: 200,
        maxVUs: 2000,
      },
      run: logIn,
    },
  },
  thresholds: {
    http_req_response_time: ["p(95)<200ms"],
    http_req_failed: [FAILURES],
    dropped_iterations: ["count<1"],
  },
};

const askStatus: ServiceBehaviour = async (user, surface) => {
  await surface.status(user);
};

/**
 * As many requests with a token as the service answers to 64 users who do not think. What the generator takes of the machine
 * is not there for the service: on few cores the rate is what both together gave.
 */
export const gatewayRate: ServiceScenario = {
  id: "gateway_rate",
  title: "64 users who ask for the status without a pause",
  requirement: ["S4-081"],
  groups: { users: { shape: { executor: "constant-vus", vus: 64, durationMs: minutes(10) }, run: askStatus } },
  thresholds: {
    http_reqs: [{ threshold: "rate>=10000", severity: "medium", requirement: ["S4-081"] }],
    http_req_failed: [FAILURES],
  },
};

/** A session begins with a login and lives on one connection, asking for the status now and then. */
const live: ServiceBehaviour = async (user, surface) => {
  if (user.state["token"] === undefined) {
    const response = await surface.login(user, user.id);
    user.state["token"] = textMember(response, "token");
  }
  const response = await surface.status(user);
  user.check(response, { "status is 200": ({ status }) => status === 200 });
  await surface.think(user, 30_000, 60_000);
};

export const openSessions: ServiceScenario = {
  id: "open_sessions",
  title: "10 000 sessions at once",
  requirement: ["S4-006", "S4-079"],
  groups: {
    sessions: {
      shape: {
        executor: "ramping-vus",
        startVUs: 0,
        stages: [
          { ms: minutes(2), target: 10_000 },
          { ms: minutes(8), target: 10_000 },
        ],
      },
      run: live,
    },
  },
  thresholds: { http_req_duration: ["p(95)<2s"], http_req_failed: [FAILURES], checks: ["rate>0.999"] },
};
