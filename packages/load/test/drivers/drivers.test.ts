import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { a2a } from "../../src/drivers/a2a.ts";
import type { Driver, StepEvent, StepOutcome } from "../../src/drivers/driver.ts";
import { mcp, mcpVersions } from "../../src/drivers/mcp.ts";
import { openAiChat } from "../../src/drivers/openai-chat.ts";
import { openAiResponses } from "../../src/drivers/openai-responses.ts";
import { HttpEngine } from "../../src/http/http-client.ts";
import { parseFault } from "../../src/mock-model/faults.ts";
import { type MockModel, startMockModel } from "../../src/mock-model/server.ts";
import { fakeUser } from "../fake-user.ts";
import { quick } from "../mock-model/quick.ts";

interface Ran {
  readonly events: readonly StepEvent[];
  readonly outcome: StepOutcome;
  readonly kinds: readonly string[];
}

const engine = new HttpEngine();
afterAll(() => engine.close());

/** Through our own engine: drivers and engine as they work together. */
async function run<Step>(driver: Driver<Step>, step: Step): Promise<Ran> {
  const session = await driver.open(fakeUser(engine.client()));
  const events: StepEvent[] = [];
  const outcome = await session.send(step, (event) => events.push(event));
  await session.close();
  return { events, outcome, kinds: events.map(({ type }) => type) };
}

const hello = { messages: [{ role: "user", content: "hi" }] } as const;
const tools = [{ type: "function", function: { name: "find", parameters: { type: "object", properties: { q: {} } } } }];

describe("every driver says the same of the same answer", () => {
  let model: MockModel;
  beforeAll(async () => {
    model = await startMockModel({ ...quick, cachedShare: { kind: "constant", value: 1 } });
  });
  afterAll(() => model.close());

  const drivers: readonly (readonly [string, (url: string) => Promise<Ran>])[] = [
    ["chat", (url) => run(openAiChat({ url: `${url}/v1`, model: "m" }), hello)],
    ["responses", (url) => run(openAiResponses({ url: `${url}/v1/`, model: "m" }), { input: "hi" })],
    ["a2a 1.0", (url) => run(a2a({ url: `${url}/a2a` }), { text: "hi" })],
    ["a2a 1.0 rest", (url) => run(a2a({ url: `${url}/a2a/rest`, binding: "rest" }), { text: "hi" })],
    ["a2a 0.3", (url) => run(a2a({ url: `${url}/a2a`, version: "0.3" }), { text: "hi" })],
  ];

  test.each(drivers)(
    "%s: first byte, first token, five tokens, done; text is the sum of tokens",
    async (_name, drive) => {
      const { events, outcome, kinds } = await drive(model.url);
      expect(kinds.filter((kind) => kind !== "usage")).toEqual([
        "firstByte",
        "firstToken",
        ...Array<string>(5).fill("token"),
        "done",
      ]);
      const tokens = events.flatMap((event) => (event.type === "token" ? [event.text] : []));
      expect(outcome).toMatchObject({ ok: true, text: tokens.join("") });
      expect(outcome.text.split(" ")).toHaveLength(5);
      const times = events.map(({ at }) => at);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(times[0]).toBeGreaterThanOrEqual(outcome.startedAt);
      expect(outcome.endedAt).toBeGreaterThanOrEqual(times.at(-1) ?? Infinity);
    },
  );

  test.each([
    ["1.0", "jsonrpc", "/a2a"],
    ["1.0", "rest", "/a2a/rest"],
    ["0.3", "jsonrpc", "/a2a"],
  ] as const)("a2a %s %s without streaming: one token, the whole answer", async (version, binding, path) => {
    const { outcome, kinds } = await run(a2a({ url: model.url + path, version, binding, stream: false }), {
      text: "hi",
    });
    expect(outcome.text.split(" ")).toHaveLength(5);
    expect(kinds).toEqual(["firstByte", "firstToken", "token", "done"]);
  });

  test("usage is what the server counted", async () => {
    const usage = { input: 4, cachedInput: 4, output: 5, reasoning: 0 };
    expect((await run(openAiChat({ url: `${model.url}/v1`, model: "m" }), hello)).outcome.usage).toEqual(usage);
    const responses = await run(openAiResponses({ url: `${model.url}/v1`, model: "m" }), { input: "hi" });
    expect(responses.outcome.usage).toEqual(usage);
  });

  test("reasoning is output, but not content", async () => {
    await using thinking = await startMockModel({ ...quick, reasoningTokens: { kind: "constant", value: 3 } });
    for (const { events, outcome } of [
      await run(openAiChat({ url: `${thinking.url}/v1`, model: "m" }), hello),
      await run(openAiResponses({ url: `${thinking.url}/v1`, model: "m" }), { input: "hi" }),
    ]) {
      const kinds = events.flatMap((event) => (event.type === "token" ? [event.kind] : []));
      expect(kinds).toEqual([...Array<string>(3).fill("reasoning"), ...Array<string>(5).fill("content")]);
      expect(events.find(({ type }) => type === "firstToken")).toMatchObject({ kind: "reasoning" });
      expect(outcome.text.split(" ")).toHaveLength(5);
      expect(outcome.usage).toMatchObject({ output: 8, reasoning: 3 });
    }
  });

  test("tool calls are gathered from their pieces", async () => {
    await using calling = await startMockModel({ ...quick, toolCallProbability: 1 });
    const chat = await run(openAiChat({ url: `${calling.url}/v1`, model: "m" }), { ...hello, tools });
    const flat = tools.map(({ type, function: described }) => ({ type, ...described }));
    const responses = await run(openAiResponses({ url: `${calling.url}/v1`, model: "m" }), {
      input: "hi",
      tools: flat,
    });
    for (const { outcome, events } of [chat, responses]) {
      const [call] = outcome.toolCalls;
      expect(outcome.toolCalls).toHaveLength(1);
      expect(call).toMatchObject({ name: "find" });
      expect(call?.id).toMatch(/^call_/);
      expect(Object.keys(JSON.parse(call?.input ?? "") as object)).toEqual(["q"]);
      expect(events.filter(({ type }) => type === "toolCall")).toMatchObject([
        { name: "find", callId: call?.id, input: call?.input },
      ]);
    }
  });

  test.each(mcpVersions)("mcp %s: calls, errors of tools and of the protocol", async (version) => {
    for (const mcpReply of ["json", "sse"] as const) {
      await using server = await startMockModel({ ...quick, mcpReply });
      const session = await mcp({ url: `${server.url}/mcp`, version }).open(fakeUser());
      const events: StepEvent[] = [];
      const good = await session.send({ tool: "echo", arguments: { query: "1" } }, (event) => events.push(event));
      expect(good).toMatchObject({ ok: true, text: '{"query":"1"}' });
      expect(events.map(({ type }) => type)).toEqual(["firstByte", "toolResult", "firstToken", "token", "done"]);
      expect(await session.send({ tool: "broken" }, () => {})).toMatchObject({ error: { code: "TOOL_FAILED" } });
      expect(await session.send({ tool: "none" }, () => {})).toMatchObject({ error: { code: "RPC_-32602" } });
      expect(await session.send({ method: "no/such" }, () => {})).toMatchObject({
        ok: false,
        error: { code: "RPC_-32601" },
      });
      expect(await session.send({ method: "tools/list" }, () => {})).toMatchObject({ ok: true });
      expect(server.metrics().mcpSessions).toBe(version === "2026-07-28" ? 0 : 1);
      await session.close();
      expect(server.metrics().mcpSessions).toBe(0);
    }
  });
});

describe("faults of the server are outcomes with a code", () => {
  const cases = [
    ["status=429 100%", "HTTP_429"],
    ["reset 100%", /^NETWORK_1220$|^STREAM_TRUNCATED$/],
    ["truncate 100%", "STREAM_TRUNCATED"],
    ["malformed 100%", "STREAM_MALFORMED"],
  ] as const;
  const drives = [
    ["chat", (url: string) => run(openAiChat({ url: `${url}/v1`, model: "m" }), hello)],
    ["responses", (url: string) => run(openAiResponses({ url: `${url}/v1`, model: "m" }), { input: "hi" })],
    ["a2a", (url: string) => run(a2a({ url: `${url}/a2a` }), { text: "hi" })],
    ["a2a whole", (url: string) => run(a2a({ url: `${url}/a2a`, stream: false }), { text: "hi" })],
    ["mcp", (url: string) => run(mcp({ url: `${url}/mcp` }), { tool: "echo" })],
  ] as const;
  const table = cases.flatMap(([fault, code]) => drives.map(([name, drive]) => [fault, name, code, drive] as const));

  test.each(table)("%s, %s", async (fault, name, code, drive) => {
    await using model = await startMockModel({ ...quick, faults: [{ ...parseFault(fault), afterTokens: 2 }] });
    const { outcome, events } = await drive(model.url);
    expect(outcome.ok).toBe(false);
    expect(outcome.error?.code).toMatch(code);
    if (code === "STREAM_TRUNCATED" && name !== "mcp" && name !== "a2a whole") {
      expect(events.filter(({ type }) => type === "token")).toHaveLength(2);
    }
    const endpoint = name === "a2a whole" ? "a2a" : name;
    const counts = model.metrics().endpoints[endpoint];
    expect(Object.values(counts.faults).reduce((sum, value) => sum + value, 0)).toBe(1);
    expect(counts.active).toBe(0);
  });

  test("nothing listens", async () => {
    const model = await startMockModel(quick);
    await model.close();
    const { outcome } = await run(openAiChat({ url: `${model.url}/v1`, model: "m" }), hello);
    expect(outcome).toMatchObject({ ok: false, error: { code: "NETWORK_1212" } });
    await expect(mcp({ url: `${model.url}/mcp` }).open(fakeUser())).rejects.toMatchObject({
      code: "DRIVER_OPEN_FAILED",
    });
  });
});

test("mistakes of the caller are errors with a code", async () => {
  expect(() => openAiChat({ url: "ftp://x", model: "m" })).toThrow(
    expect.objectContaining({ code: "DRIVER_OPTIONS_INVALID" }),
  );
  expect(() => mcp({ url: "http://x", timeoutMs: -1 })).toThrow(
    expect.objectContaining({ code: "DRIVER_OPTIONS_INVALID" }),
  );
  expect(() => a2a({ url: "http://x", version: "0.3", binding: "rest" })).toThrow(
    expect.objectContaining({ code: "DRIVER_OPTIONS_INVALID" }),
  );
  const session = await openAiChat({ url: "http://127.0.0.1:1", model: "m" }).open(fakeUser());
  await expect(session.send({ messages: [] }, () => {})).rejects.toMatchObject({ code: "DRIVER_STEP_INVALID" });
  await session.close();
  await expect(session.send(hello, () => {})).rejects.toMatchObject({ code: "DRIVER_SESSION_CLOSED" });
});
