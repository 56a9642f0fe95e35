import { expect, test } from "vitest";
import { type Answer, call } from "../running.ts";
import { runningService } from "../running-service.ts";

const service = runningService({ METTLE_TOOLS_DISABLED: "web_fetch" });
const execute = (tool: string, given: object): Promise<Answer> =>
  call(service.url, "POST", "/tools/execute", { token: service.token, body: { tool, arguments: given } });

test("tells what tools there are, with schemas (S4-033)", async () => {
  const { body } = await call(service.url, "GET", "/tools", { token: service.token });
  const tools = body as unknown as readonly { name: string; kind: string; input_schema: object }[];
  expect(tools.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
    "calculator light",
    "date light",
    "text light",
    "json_query light",
    "sql_query heavy",
    "run_code heavy",
  ]);
  expect(tools[0]?.input_schema).toMatchObject({ type: "object", properties: { expression: { type: "string" } } });
});

test.each([
  ["calculator", { expression: "6 * 7" }, { value: 42 }],
  ["text", { operation: "count", text: "one two" }, { characters: 7, words: 2, lines: 1 }],
  ["json_query", { data: [1, 2], query: "[1]" }, { result: 2 }],
  ["run_code", { code: "input.n ** 2", input: { n: 12 } }, { result: 144, printed: "" }],
  ["sql_query", { sql: "SELECT count(*)::int AS n FROM documents" }, { columns: ["n"], rows: [[0]], cut: false }],
])("%s", async (tool, given, output) => {
  const { status, body } = await execute(tool, given);
  expect([status, body]).toEqual([200, { tool, output, duration_ms: expect.any(Number) as number }]);
});

test.each([
  ["web_fetch", { url: "http://example.test" }, 404, "TOOL_UNKNOWN"],
  ["calculator", { expression: 7 }, 400, "TOOL_INPUT_INVALID"],
  ["calculator", { expression: "1 +" }, 422, "TOOL_FAILED"],
  ["calculator", { expression: "1", tenant: "x" }, 400, "TOOL_INPUT_INVALID"],
])("%s %j is refused", async (tool, given, status, code) => {
  const answer = await execute(tool, given);
  expect([answer.status, (answer.body["error"] as { code: string }).code]).toEqual([status, code]);
});

test("asks for a token", async () => {
  expect((await call(service.url, "GET", "/tools")).status).toBe(401);
  expect((await call(service.url, "POST", "/tools/execute", { body: { tool: "calculator" } })).status).toBe(401);
});
