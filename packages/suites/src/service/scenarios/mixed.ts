import { type LoadShape, minutes } from "../scale.ts";
import { FAILURES, type ServiceBehaviour, type ServiceGroup, type ServiceScenario } from "../service-scenario.ts";
import { lightTool, type ServiceSurface, type ServiceUser, simpleTask } from "../surface.ts";

/** What each endpoint is promised for, a second (S4-019 to S4-022). */
const promisedRates = { execute: 100, status: 500, search: 200, tool: 150 } as const;
type Endpoint = keyof typeof promisedRates;

const calls: Readonly<
  Record<Endpoint, (user: ServiceUser, surface: ServiceSurface) => ReturnType<ServiceSurface["status"]>>
> = {
  execute: (user, surface) => surface.execute(user, simpleTask),
  status: (user, surface) => surface.status(user),
  search: (user, surface) => surface.search(user),
  tool: (user, surface) => surface.tool(user, lightTool),
};

const calling =
  (endpoint: Endpoint): ServiceBehaviour =>
  async (user, surface) => {
    const response = await calls[endpoint](user, surface);
    user.check(response, { "status is 200": ({ status }) => status === 200 });
  };

const arriving = (rate: number, forMinutes: number): LoadShape => ({
  executor: "constant-arrival-rate",
  rate,
  durationMs: minutes(forMinutes),
  preAllocatedVUs: Math.min(200, rate),
  maxVUs: 1000,
});

const group = (endpoint: Endpoint): ServiceGroup => ({
  shape: arriving(promisedRates[endpoint], 10),
  run: calling(endpoint),
});

/** All endpoints together at the rates that each is promised for. */
export const mixedLoad: ServiceScenario = {
  id: "mixed_load",
  title: "500 status, 200 searches, 150 tool calls and 100 executions a second together",
  requirement: ["S4-002", "S4-003", "S4-005", "S4-012", "S4-017", "S4-019", "S4-020", "S4-021", "S4-022", "S4-076"],
  groups: { status: group("status"), search: group("search"), tool: group("tool"), execute: group("execute") },
  thresholds: {
    http_req_response_time: ["p(95)<2s"],
    "http_req_response_time{name:GET /agents/status}": ["p(99)<100ms"],
    "http_req_response_time{name:POST /knowledge/search}": ["p(50)<300ms", "p(95)<800ms", "p(99)<2s"],
    "http_req_response_time{name:POST /tools/execute}": ["p(50)<200ms", "p(95)<500ms", "p(99)<1s"],
    "http_req_response_time{name:POST /agents/execute}": ["p(50)<800ms", "p(95)<2s", "p(99)<5s"],
    // 10 000 a minute (S4-003), which is more than 10 000 000 a day (S4-017).
    http_reqs: ["rate>166.7"],
    http_req_failed: [FAILURES],
    dropped_iterations: ["count<1"],
  },
};

/** One of the four, as often as its promised rate has it. */
const oneOf: ServiceBehaviour = async (user, surface) => {
  const endpoint = user.choose(promisedRates);
  user.tag({ action: endpoint });
  await calling(endpoint)(user, surface);
};

const steady = (id: string, title: string, requirement: readonly string[], shape: LoadShape): ServiceScenario => ({
  id,
  title,
  requirement,
  groups: { users: { shape, run: oneOf } },
  thresholds: {
    http_req_response_time: ["p(95)<2s"],
    http_req_failed: [FAILURES],
    dropped_iterations: ["count<1"],
  },
});

export const peakLoad: ServiceScenario = steady(
  "peak_load",
  "200 requests a second for an hour",
  ["S4-014", "S4-015", "S4-077"],
  arriving(200, 60),
);

export const burstLoad: ServiceScenario = steady(
  "burst_load",
  "500 requests a second for five minutes",
  ["S4-078"],
  arriving(500, 5),
);
