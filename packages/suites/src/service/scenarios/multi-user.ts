import { generateActions, type UserAction, type UserBehaviourPattern, userBehaviourPatterns } from "@mettle/load";
import { minutes } from "../scale.ts";
import { FAILURES, type ServiceBehaviour, type ServiceScenario } from "../service-scenario.ts";
import { complexTask, type ServiceSurface, type ServiceUser, simpleTask, textMember } from "../surface.ts";

interface Session {
  readonly actions: readonly UserAction[];
  next: number;
}

/** One action, as a user of some kind would do it. */
function act(user: ServiceUser, surface: ServiceSurface, action: UserAction): ReturnType<ServiceSurface["status"]> {
  switch (action) {
    case "search":
      return surface.search(user);
    case "execute_simple":
      return surface.execute(user, simpleTask);
    case "execute_complex":
      return surface.execute(user, complexTask);
    case "check_status":
      return surface.status(user);
    case "view_history":
      return surface.history(user);
  }
}

/**
 * A user of one kind: a session begins with a login and has as many actions as the pattern says, drawn by its weights, over
 * the minutes that it lasts. An iteration is one action, so that a run that ends in the middle of a session cuts off no more.
 */
const behaving =
  (pattern: UserBehaviourPattern): ServiceBehaviour =>
  async (user, surface) => {
    let session = user.state["session"] as Session | undefined;
    if (!session || session.next >= session.actions.length) {
      const response = await surface.login(user, user.id);
      const has = user.check(response, {
        "status is 200": ({ status }) => status === 200,
        "has token": (each) => textMember(each, "token") !== "",
      });
      user.state["token"] = has ? textMember(response, "token") : undefined;
      session = { actions: generateActions(pattern, user.random), next: 0 };
      user.state["session"] = session;
      user.counter("sessions_begun").add(1, { pattern: pattern.name });
    }
    const action = session.actions[session.next++];
    if (action === undefined) return;
    user.tag({ action });
    const response = await act(user, surface, action);
    user.check(response, { "status is 200": ({ status }) => status === 200 });
    const meanMs = (pattern.sessionMinutes * 60_000) / pattern.actionsPerSession;
    await surface.think(user, meanMs * 0.5, meanMs * 1.5);
  };

/** Users of every kind in equal shares of 120. */
export const multiUserLoad: ServiceScenario = {
  id: "multi_user_load",
  title: "power, regular and casual users, 40 of each",
  requirement: ["S4-043", "S4-111", "S4-112", "S4-113", "S4-114", "S4-115"],
  groups: Object.fromEntries(
    userBehaviourPatterns.map((pattern) => [
      pattern.name,
      {
        shape: { executor: "constant-vus", vus: 40, durationMs: minutes(30) },
        tags: { pattern: pattern.name },
        run: behaving(pattern),
      },
    ]),
  ),
  thresholds: {
    "http_req_duration{name:GET /agents/status}": ["p(95)<2s"],
    "http_req_duration{name:POST /knowledge/search}": ["p(95)<800ms"],
    http_req_failed: [FAILURES],
    checks: ["rate>0.9"],
  },
};
