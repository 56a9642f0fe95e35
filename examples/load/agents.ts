// A task of an agent, many times: a model is asked, a tool is called, and your own judgement says whether the task passed.
// The model is the mock model, so that this runs anywhere and prints the same every time.
//
//   node -C mettle-source examples/load/agents.ts
//
// Prints:
//   20 tasks, 75 % passed
//   20 model requests, 0 failed; 20 calls of the tool "search"
//   two tries of the task both pass with probability 0.55
//   a passed task cost 0.000171 EUR
import { CostModel, defineLoad, resolvePlan, runLoad, startMockModel } from "@mettle/load";
import { findMeasurements } from "@mettle/results";

const quickly = { kind: "constant", value: 1 } as const;
await using model = await startMockModel({
  timeToFirstToken: quickly,
  gap: quickly,
  outputTokens: { kind: "constant", value: 12 },
  tools: [{ name: "search", latency: quickly }],
});

const test = defineLoad({
  agents: {
    chat: { url: `${model.url}/v1`, model: "mock-model" },
    mcp: { url: `${model.url}/mcp` },
    objectives: { timeToFirstTokenMs: 800 },
    costs: new CostModel({
      currency: "EUR",
      models: { "mock-model": { inputPerMillion: 4, outputPerMillion: 8 } },
    }),
  },
  scenarios: {
    triage: {
      vus: 1,
      iterations: 20,
      run: (user) =>
        user.task("triage", async () => {
          const answer = await user.chat("Where is my parcel?");
          const found = await user.tool("search", { query: answer.text });
          // Yours to say: here, that every fourth customer is not helped by what was found.
          return answer.ok && found.ok && user.iterationInScenario % 4 !== 3;
        }),
    },
  },
});

const { run } = await runLoad({
  name: "agents",
  plan: resolvePlan(test.options),
  from: { inline: { test } },
  noiseProbe: false,
});

const total = (metric: string, tags: Record<string, string> = {}) => {
  const found = findMeasurements(run, { metric, tags }).find(
    (each) => Object.keys(each.tags).length === Object.keys(tags).length,
  );
  return found?.summary ?? { count: 0 };
};
const passed = total("agent_task_passed");
console.log(`${passed.count} tasks, ${100 * (passed.rate ?? 0)} % passed`);
console.log(
  `${total("llm_requests").sum} model requests, ${total("llm_errors").sum ?? 0} failed; ${total("agent_tool_duration", { tool: "search" }).count} calls of the tool "search"`,
);
console.log(
  `two tries of the task both pass with probability ${total("agent_pass_power", { k: "2" }).last?.toFixed(2)}`,
);
console.log(`a passed task cost ${total("agent_cost_per_passed_task").last?.toFixed(6)} EUR`);
