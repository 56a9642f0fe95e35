import { expect, test } from "vitest";
import { call } from "../running.ts";
import { runningService } from "../running-service.ts";

const service = runningService();

interface Task {
  readonly id: string;
  readonly contextId: string;
  readonly status: { readonly state: string; readonly message?: object };
  readonly artifacts?: readonly { readonly parts: readonly { readonly data: Record<string, unknown> }[] }[];
}
interface Answered {
  readonly result?: Task;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}
const rpc = async (method: string, params: object): Promise<Answered> =>
  (await call(service.url, "POST", "/a2a", { token: service.token, body: { jsonrpc: "2.0", id: 1, method, params } }))
    .body as Answered;
const message = (messageId: string, parts: readonly object[], metadata: object = {}): object => ({
  message: { kind: "message", role: "user", messageId, parts, metadata },
});
const text = { kind: "text", text: "The mill grinds wheat. Bakers make bread." };
const summarize = { skill: "text_processor.summarize", parameters: { max_length: 5 } };

test("the card tells what the agents can do, to everybody", async () => {
  const { status, body } = await call(service.url, "GET", "/.well-known/agent-card.json");
  expect([status, body]).toMatchObject([
    200,
    { protocolVersion: "0.3.0", url: `${service.url}/a2a`, preferredTransport: "JSONRPC" },
  ]);
  const skills = (body["skills"] as readonly { id: string }[]).map(({ id }) => id);
  expect(skills).toContain("text_processor.summarize");
  expect(skills).toContain("multi_step_processor.research_and_analyze");
});

test("a message is a task that is done; it can be looked at again", async () => {
  const { result, error } = await rpc("message/send", message("m-1", [text], summarize));
  expect(error).toBeUndefined();
  expect(result).toMatchObject({ kind: "task", status: { state: "completed" } });
  expect(result?.artifacts?.[0]?.parts[0]?.data["summary"]).toMatch(/mill|bread/);
  expect((await rpc("tasks/get", { id: result?.id })).result).toMatchObject({
    id: result?.id,
    status: { state: "completed" },
  });
  expect((await rpc("tasks/cancel", { id: result?.id })).error).toMatchObject({ code: -32002 });
});

test("the same message again is the same task", async () => {
  const [first, second] = await Promise.all([1, 2].map(() => rpc("message/send", message("m-2", [text], summarize))));
  expect(first?.result?.id).toMatch(/^[\da-f-]{36}$/);
  expect(first?.result?.id).toBe(second?.result?.id);
  // Also when it has ended by then.
  const { result } = await rpc("message/send", message("m-2", [text], summarize));
  expect(result).toMatchObject({ id: first?.result?.id, status: { state: "completed" } });
});

test("data is the skill's input; nobody need wait", async () => {
  const data = { kind: "data", data: { csv: "n\n1\n2\n" } };
  const given = { ...message("m-3", [data], { skill: "data_analyzer.analyze" }), configuration: { blocking: false } };
  const { result } = await rpc("message/send", given);
  expect(["submitted", "working", "completed"]).toContain(result?.status.state);
});

test.each([
  ["no message", "message/send", {}, -32602],
  ["nothing in it", "message/send", message("m-4", []), -32602],
  ["an unknown skill", "message/send", message("m-5", [text], { skill: "poet.rhyme" }), -32602],
  ["wrong parameters", "message/send", message("m-6", [text], { ...summarize, parameters: { mood: 1 } }), -32602],
  ["an unknown method", "tasks/resubscribe", {}, -32601],
  ["no such task", "tasks/get", { id: "01a1ff15-bbd5-77c8-93d1-45b14a5485f7" }, -32001],
  ["an id that is a path", "tasks/get", { id: "../../users" }, -32001],
  ["an id that is no text", "tasks/cancel", { id: { $ne: 1 } }, -32001],
])("%s is refused", async (_name, method, params, code) => {
  expect((await rpc(method, params)).error?.code).toBe(code);
});

test("asks for a token", async () => {
  expect((await call(service.url, "POST", "/a2a", { body: {} })).status).toBe(401);
});

test("an id that nothing can be stored under is refused", async () => {
  const { error } = await rpc("message/send", message("m\0", [text], summarize));
  expect(error).toMatchObject({ code: -32602 });
});
