import { expect, test } from "vitest";
import { call, logIn, testService } from "../running.ts";
import { testServer } from "../storage/server.ts";
import { serving } from "./command.ts";

test("with a model, agents answer in its words, token by token", async () => {
  await using model = await serving([
    "mock-model",
    "--port",
    "0",
    "--ttft",
    "20ms",
    "--gap",
    "1ms",
    "--output-tokens",
    "80",
  ]);
  await using postgres = await testServer();
  await using service = await testService(postgres.server, {
    MODEL_BASE_URL: model.listening["openai"] ?? "",
    MODEL_NAME: "mock-model",
  });
  const token = await logIn(service.url);
  const text = "Mills grind wheat into flour. ".repeat(50);
  const task = { type: "summarize", input: { text }, parameters: { max_length: 400 } };
  const { body } = await call(service.url, "POST", "/agents/execute", {
    token,
    body: { agent_type: "text_processor", task },
  });
  expect(body).toMatchObject({
    status: "succeeded",
    result: { model: "mock-model", original_words: 250, shortened: false },
  });
  const { summary } = body["result"] as { summary: string };
  expect(summary).not.toContain("Mills");
  const events = await call(service.url, "GET", `/agents/executions/${String(body["execution_id"])}/events`, { token });
  const told = [...String(events.body["text"]).matchAll(/^event: token\ndata: (.*)$/gm)].map(
    ([, data]) => (JSON.parse(data as string) as { text: string }).text,
  );
  expect(told.join("").trim()).toBe(summary);
  const metrics = await call(service.url, "GET", "/metrics");
  expect(metrics.body["text"]).toContain('model_requests_total{outcome="answered"} 1');
});

test("a model that always fails fails the execution, and says why", async () => {
  await using model = await serving(["mock-model", "--port", "0", "--fault", "status=400 100%"]);
  await using postgres = await testServer();
  await using service = await testService(postgres.server, {
    MODEL_BASE_URL: model.listening["openai"] ?? "",
    MODEL_NAME: "mock-model",
  });
  const token = await logIn(service.url);
  const task = { type: "summarize", input: "Mills grind." };
  const { body } = await call(service.url, "POST", "/agents/execute", {
    token,
    body: { agent_type: "text_processor", task },
  });
  expect(body).toMatchObject({ status: "failed", error: { code: "MODEL_REFUSED" } });
});
