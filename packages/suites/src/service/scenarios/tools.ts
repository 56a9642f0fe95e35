import { minutes } from "../scale.ts";
import { FAILURES, type ServiceBehaviour, type ServiceScenario } from "../service-scenario.ts";
import { heavyTool, lightTool, type ServiceTool } from "../surface.ts";

const calling =
  (tool: ServiceTool): ServiceBehaviour =>
  async (user, surface) => {
    const response = await surface.tool(user, tool);
    user.check(response, { "status is 200": ({ status }) => status === 200 });
  };

/** Light tools at the rate that is promised, beside users of heavy ones, who wait a second after each. */
export const toolExecution: ServiceScenario = {
  id: "tool_execution",
  title: "150 calls of a light tool a second beside 5 users of a heavy one",
  requirement: ["S4-012", "S4-013", "S4-022"],
  groups: {
    light: {
      shape: {
        executor: "constant-arrival-rate",
        rate: 150,
        durationMs: minutes(10),
        preAllocatedVUs: 50,
        maxVUs: 1000,
      },
      tags: { tool_kind: "light" },
      run: calling(lightTool),
    },
    heavy: {
      shape: { executor: "constant-vus", vus: 5, durationMs: minutes(10) },
      tags: { tool_kind: "heavy" },
      run: async (user, surface) => {
        await calling(heavyTool)(user, surface);
        await surface.think(user, 1000, 1000);
      },
    },
  },
  thresholds: {
    "http_req_response_time{tool_kind:light}": ["p(50)<200ms", "p(95)<500ms", "p(99)<1s"],
    "http_req_duration{tool_kind:heavy}": ["p(50)<1s", "p(95)<3s", "p(99)<8s"],
    http_req_failed: [FAILURES],
  },
};
