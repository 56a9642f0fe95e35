import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { expect, test } from "vitest";
import { type Answer, call } from "../running.ts";
import { runningService } from "../running-service.ts";

const service = runningService();

const body = (text = "The mill grinds wheat. Bakers make bread.", more: object = {}): object => ({
  agent_type: "text_processor",
  task: { type: "summarize", input: { text }, parameters: { max_length: 5 } },
  ...more,
});
const execute = (given: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  call(service.url, "POST", "/agents/execute", { token: service.token, body: given, headers });
const errorOf = ({ body: { error } }: Answer): unknown => (error as { code: unknown }).code;

test("S4-030 runs a task and answers with its result", async () => {
  const answer = await execute(body());
  expect(answer.status).toBe(200);
  expect(answer.body).toMatchObject({
    execution_id: expect.any(String) as string,
    status: "succeeded",
    attempts: 1,
    result: { summary: expect.stringMatching(/mill|bread/) as string, original_words: 7 },
    error: null,
  });
  const path = `/agents/executions/${String(answer.body["execution_id"])}`;
  expect(await call(service.url, "GET", path, { token: service.token })).toMatchObject({
    status: 200,
    body: { status: "succeeded" },
  });
  expect(answer.headers.get("location")).toBe(path);
});

test("answers at once when asked to", async () => {
  const answer = await execute(body(), { prefer: "respond-async" });
  expect(answer.status).toBe(202);
  expect(answer.headers.get("preference-applied")).toBe("respond-async");
  expect(["queued", "running"]).toContain(answer.body["status"]);
});

test("many at once are all answered, each with its own", async () => {
  const answers = await Promise.all(Array.from({ length: 150 }, (_, i) => execute(body(`Mill number ${i} grinds.`))));
  expect(answers.map(({ body: { result } }) => (result as { summary: string }).summary)).toEqual(
    Array.from({ length: 150 }, (_, i) => `Mill number ${i} grinds.`),
  );
});

test("the same key runs once; with another request it is refused", async () => {
  const headers = { "idempotency-key": "once" };
  const answers = await Promise.all([1, 2, 3].map(() => execute(body(), headers)));
  expect(new Set(answers.map((answer) => answer.body["execution_id"])).size).toBe(1);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(errorOf(await execute(body("Another."), headers))).toBe("IDEMPOTENCY_KEY_REUSED");
});

test.each([
  ["no such type", body(undefined, { agent_type: "poet" }), "AGENT_TYPE_UNKNOWN"],
  ["no such task", { agent_type: "text_processor", task: { type: "rhyme", input: {} } }, "AGENT_TYPE_UNKNOWN"],
  ["a wrong input", { agent_type: "text_processor", task: { type: "summarize", input: { text: 7 } } }, "TASK_INVALID"],
  ["no text", { agent_type: "text_processor", task: { type: "summarize", input: { text: "" } } }, "TASK_INVALID"],
  [
    "an unknown parameter",
    { agent_type: "text_processor", task: { type: "summarize", input: { text: "a" }, parameters: { mood: 1 } } },
    "TASK_INVALID",
  ],
  ["what the database would refuse", body("a\0b"), "TASK_INVALID"],
  ["half of a character", body("a\ud800"), "TASK_INVALID"],
  [
    "endless nesting",
    `{"agent_type":"workflow_orchestrator","task":{"type":"run","input":${"[".repeat(200_000)}${"]".repeat(200_000)}}}`,
    "TASK_INVALID",
  ],
  [
    "a circle of steps",
    {
      agent_type: "workflow_orchestrator",
      task: {
        type: "run",
        input: { steps: [{ id: "a", agent_type: "x", task: { type: "t", input: { $from: "a" } } }] },
      },
    },
    "WORKFLOW_INVALID",
  ],
  ["what may not be set", body(undefined, { tenant_id: "x" }), "REQUEST_INVALID"],
  ["a number as text", body(undefined, { timeout_ms: "5" }), "REQUEST_INVALID"],
])("refuses %s before it is queued", async (_name, given, code) => {
  const answer = await execute(given);
  expect([answer.status < 500, errorOf(answer)]).toEqual([true, code]);
});

test("a caller that hangs up does not end its execution", async () => {
  const given = JSON.stringify(body("The caller has gone. The work goes on."));
  const key = "gone";
  const request = httpRequest(new URL("/agents/execute", service.url), {
    method: "POST",
    headers: {
      authorization: `Bearer ${service.token}`,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(given),
      "idempotency-key": key,
    },
  });
  request.on("error", () => undefined);
  request.end(given);
  await once(request, "finish");
  request.destroy();
  const again = await execute(JSON.parse(given), { "idempotency-key": key });
  expect(again.body).toMatchObject({ status: "succeeded" });
});

test("nobody sees executions of another tenant, nor without a token", async () => {
  const { body: made } = await execute(body());
  const path = `/agents/executions/${String(made["execution_id"])}`;
  expect(await call(service.url, "GET", path)).toMatchObject({ status: 401 });
  expect(
    await call(service.url, "GET", "/agents/executions/01a1ff15-bbd5-77c8-93d1-45b14a5485f7", { token: service.token }),
  ).toMatchObject({
    status: 404,
    body: { error: { code: "EXECUTION_UNKNOWN" } },
  });
  expect(await call(service.url, "GET", "/agents/executions/nonsense", { token: service.token })).toMatchObject({
    status: 400,
  });
});

test("S4-031, S4-034 tells how busy it is, what it can do, and what it did", async () => {
  expect((await call(service.url, "GET", "/agents/status", { token: service.token })).body).toMatchObject({
    here: { capacity: 100 },
  });
  const types = (await call(service.url, "GET", "/agents/types", { token: service.token })).body as unknown;
  expect(types).toMatchObject([
    { agent_type: "text_processor", tasks: [{ type: "summarize" }] },
    { agent_type: "data_analyzer", tasks: [{ type: "analyze" }] },
    { agent_type: "multi_step_processor", tasks: [{ type: "research_and_analyze" }] },
    { agent_type: "workflow_orchestrator", tasks: [{ type: "run" }] },
  ]);
  const { body: page } = await call(service.url, "GET", "/agents/history?limit=2", { token: service.token });
  expect(page["executions"]).toHaveLength(2);
  expect(page["next"]).toEqual(expect.any(String));
});
