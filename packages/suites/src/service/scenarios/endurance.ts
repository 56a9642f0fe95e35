import { minutes } from "../scale.ts";
import { FAILURES, type ServiceBehaviour, type ServiceScenario } from "../service-scenario.ts";
import { complexTask, type ServiceSurface, type ServiceUser, simpleTask, textMember } from "../surface.ts";

/** What a user of the platform does, by how often (S4-049). */
const enduranceWeights = {
  authenticate: 0.3,
  simple_agent: 0.4,
  search: 0.2,
  status: 0.05,
  complex_agent: 0.05,
} as const;
type EnduranceAction = keyof typeof enduranceWeights;

const actions: Readonly<
  Record<EnduranceAction, (user: ServiceUser, surface: ServiceSurface) => ReturnType<ServiceSurface["status"]>>
> = {
  authenticate: async (user, surface) => {
    const response = await surface.login(user, user.id);
    if (response.status === 200) user.state["token"] = textMember(response, "token");
    return response;
  },
  simple_agent: (user, surface) => surface.execute(user, simpleTask),
  search: (user, surface) => surface.search(user),
  status: (user, surface) => surface.status(user),
  complex_agent: (user, surface) => surface.execute(user, complexTask),
};

/** One action by weight, then five to fifteen seconds of thought. */
export const weighted: ServiceBehaviour = async (user, surface) => {
  const action = user.choose(enduranceWeights);
  user.tag({ action });
  const response = await actions[action](user, surface);
  user.check(response, { "status is 200": ({ status }) => status === 200 });
  await surface.think(user, 5000, 15_000);
};

export const enduranceTest: ServiceScenario = {
  id: "endurance_test",
  title: "100 users for a day",
  requirement: ["S4-047", "S4-048", "S4-049"],
  groups: {
    users: { shape: { executor: "constant-vus", vus: 100, durationMs: minutes(24 * 60) }, run: weighted },
  },
  thresholds: {
    http_req_duration: ["p(95)<3s"],
    http_req_failed: [FAILURES],
    checks: ["rate>0.9"],
  },
};
