import { createServer } from "node:http";
import {
  Client as ModernMcpClient,
  StreamableHTTPClientTransport as ModernTransport,
} from "@modelcontextprotocol/client";
import { Client as McpClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { Role, type SendMessageRequest, TaskState } from "@a2a-js/sdk";
import {
  ClientFactory,
  DefaultAgentCardResolver,
  JsonRpcTransportFactory,
  RestTransportFactory,
  type Transport,
} from "@a2a-js/sdk/client";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mcp } from "../../src/drivers/mcp.ts";
import { type MockModel, startMockModel } from "../../src/mock-model/server.ts";
import { fakeUser } from "../fake-user.ts";
import { quick } from "./quick.ts";

const weather = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

/** The official SDKs are the oracles: what they read without complaint is what the protocol says. */
describe("the OpenAI SDK against the mock", () => {
  let model: MockModel;
  let client: OpenAI;
  beforeAll(async () => {
    model = await startMockModel({
      ...quick,
      reasoningTokens: { kind: "constant", value: 2 },
      cachedShare: { kind: "constant", value: 0.5 },
      toolCallProbability: 1,
      maxToolRounds: 1,
    });
    client = new OpenAI({ baseURL: `${model.url}/v1`, apiKey: "none", maxRetries: 0 });
  });
  afterAll(() => model.close());

  test("chat completions in one piece", async () => {
    const answer = await client.chat.completions.create({
      model: "m",
      messages: [{ role: "user", content: "x".repeat(400) }],
    });
    const usage = { prompt_tokens: 103, completion_tokens: 7, total_tokens: 110 };
    expect(answer.usage).toMatchObject(usage);
    expect(answer.usage?.prompt_tokens_details?.cached_tokens).toBe(51);
    expect(answer.usage?.completion_tokens_details?.reasoning_tokens).toBe(2);
    expect(answer.choices[0]?.message.content?.split(" ")).toHaveLength(5);
    expect(answer.choices[0]?.finish_reason).toBe("stop");
  });

  test("chat completions streamed, gathered by the SDK's own accumulator", async () => {
    const stream = client.chat.completions.stream({
      model: "m",
      messages: [{ role: "user", content: "hi" }],
      stream_options: { include_usage: true },
    });
    const answer = await stream.finalChatCompletion();
    expect(answer.choices[0]?.message.content?.split(" ")).toHaveLength(5);
    expect(answer.usage?.completion_tokens).toBe(7);
  });

  test("a tool call streamed: name, id and JSON arguments that satisfy the schema; none after its result", async () => {
    const tools = [{ type: "function" as const, function: { name: "weather", parameters: weather } }];
    const first = await client.chat.completions
      .stream({ model: "m", messages: [{ role: "user", content: "hi" }], tools })
      .finalChatCompletion();
    const message = first.choices[0]?.message ?? expect.fail("a choice");
    const call = message.tool_calls?.[0] ?? expect.fail("a tool call");
    expect(first.choices[0]?.finish_reason).toBe("tool_calls");
    expect(call.type === "function" && call.function.name).toBe("weather");
    expect(typeof JSON.parse(call.type === "function" ? call.function.arguments : "").city).toBe("string");
    const second = await client.chat.completions.create({
      model: "m",
      messages: [{ role: "user", content: "hi" }, message, { role: "tool", tool_call_id: call.id, content: "sunny" }],
      tools,
    });
    expect(second.choices[0]?.finish_reason).toBe("stop");
  });

  test("responses streamed: the SDK's accumulator and the last event agree", async () => {
    const stream = client.responses.stream({ model: "m", input: "hi" });
    const types: string[] = [];
    const numbers: number[] = [];
    for await (const event of stream) {
      types.push(event.type);
      numbers.push(event.sequence_number);
    }
    const answer = await stream.finalResponse();
    expect(answer.output_text.split(" ")).toHaveLength(5);
    expect(answer.usage).toMatchObject({ output_tokens: 7, output_tokens_details: { reasoning_tokens: 2 } });
    expect(types.slice(0, 2)).toEqual(["response.created", "response.in_progress"]);
    expect(types.at(-1)).toBe("response.completed");
    expect(numbers).toEqual(numbers.map((_, index) => index));
  });

  test("responses: a function call, and a limit that cuts the answer", async () => {
    const tools = [{ type: "function" as const, name: "weather", parameters: weather, strict: false }];
    const answer = await client.responses.stream({ model: "m", input: "hi", tools }).finalResponse();
    const call = answer.output.find((item) => item.type === "function_call");
    expect(call?.name).toBe("weather");
    expect(typeof JSON.parse(call?.arguments ?? "").city).toBe("string");
    const cut = await client.responses.create({ model: "m", input: "hi", max_output_tokens: 4 });
    expect(cut.status).toBe("incomplete");
    expect(cut.incomplete_details?.reason).toBe("max_output_tokens");
    expect(cut.output_text.split(" ")).toHaveLength(2);
  });

  test("wrong requests are the SDK's BadRequestError; models are listed", async () => {
    await expect(client.chat.completions.create({ model: "m", messages: [] })).rejects.toThrow(OpenAI.BadRequestError);
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(["mock-model"]);
  });
});

describe.each(["json", "sse"] as const)("MCP SDKs against the mock answering in %s", (mcpReply) => {
  let model: MockModel;
  beforeAll(async () => {
    model = await startMockModel({ ...quick, mcpReply });
  });
  afterAll(() => model.close());

  test("sessions (2025-11-25): initialize, list, call, end", async () => {
    const transport = new StreamableHTTPClientTransport(new URL(`${model.url}/mcp`));
    const client = new McpClient({ name: "test", version: "1" });
    await client.connect(transport);
    expect(model.metrics().mcpSessions).toBe(1);
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(["echo", "broken"]);
    const echoed = await client.callTool({ name: "echo", arguments: { query: "µ" } });
    expect(echoed.content).toEqual([{ type: "text", text: '{"query":"µ"}' }]);
    expect((await client.callTool({ name: "broken" })).isError).toBe(true);
    await expect(client.callTool({ name: "none" })).rejects.toThrow(/Unknown tool/);
    await transport.terminateSession();
    expect(model.metrics().mcpSessions).toBe(0);
    await client.close();
  });

  test("stateless (2026-07-28): no handshake and no session", async () => {
    const client = new ModernMcpClient(
      { name: "test", version: "1" },
      { versionNegotiation: { mode: { pin: "2026-07-28" } } },
    );
    await client.connect(new ModernTransport(new URL(`${model.url}/mcp`)));
    expect(client.getNegotiatedProtocolVersion()).toBe("2026-07-28");
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(["echo", "broken"]);
    const echoed = await client.callTool({ name: "echo", arguments: { query: "x" } });
    expect(echoed.content).toEqual([{ type: "text", text: '{"query":"x"}' }]);
    expect(model.metrics().mcpSessions).toBe(0);
    await client.close();
  });
});

describe("the A2A SDK against the mock", () => {
  let model: MockModel;
  beforeAll(async () => {
    model = await startMockModel(quick);
  });
  afterAll(() => model.close());

  const request = (): SendMessageRequest => ({
    tenant: "",
    message: {
      messageId: crypto.randomUUID(),
      contextId: "",
      taskId: "",
      role: Role.ROLE_USER,
      parts: [{ content: { $case: "text", value: "hi" }, metadata: undefined, filename: "", mediaType: "" }],
      metadata: undefined,
      extensions: [],
      referenceTaskIds: [],
    },
    configuration: undefined,
    metadata: undefined,
  });

  test.each([
    ["JSON-RPC 1.0", (): Promise<Transport> => cardTransport(new JsonRpcTransportFactory(), model.url, "/a2a")],
    ["REST 1.0", (): Promise<Transport> => cardTransport(new RestTransportFactory(), model.url, "/a2a/rest")],
    ["JSON-RPC 0.3", (): Promise<Transport> => legacyTransport(model.url)],
  ])("%s: message, stream, task, cancel", async (_name, connect) => {
    const client = await connect();
    const sent = await client.sendMessage(request());
    expect(sent).toMatchObject({ status: { state: TaskState.TASK_STATE_COMPLETED } });
    const id = "id" in sent ? sent.id : "";
    const parts = "artifacts" in sent ? sent.artifacts.flatMap((artifact) => artifact.parts) : [];
    const text = parts.map(({ content }) => (content?.$case === "text" ? content.value : "")).join("");
    expect(text.split(" ")).toHaveLength(5);
    const cases: (string | undefined)[] = [];
    for await (const event of client.sendMessageStream(request())) cases.push(event.payload?.$case);
    expect(cases).toEqual([
      "task",
      "statusUpdate",
      ...Array.from({ length: 5 }, () => "artifactUpdate"),
      "statusUpdate",
    ]);
    expect(await client.getTask({ tenant: "", id })).toMatchObject({ id });
    await expect(client.cancelTask({ tenant: "", id, metadata: undefined })).rejects.toThrow(/cancel/i);
    await expect(client.getTask({ tenant: "", id: "none" })).rejects.toThrow(/not found/i);
  });

  test("the card leads the SDK to a client by itself", async () => {
    const client = await new ClientFactory().createFromUrl(model.url);
    expect(await client.sendMessage(request())).toMatchObject({ status: { state: TaskState.TASK_STATE_COMPLETED } });
  });
});

function cardTransport(
  factory: JsonRpcTransportFactory | RestTransportFactory,
  url: string,
  path: string,
): Promise<Transport> {
  return new DefaultAgentCardResolver().resolve(url).then((card) => factory.create(`${url}${path}`, card));
}

async function legacyTransport(url: string): Promise<Transport> {
  const card = await new DefaultAgentCardResolver().resolve(url);
  const legacy = {
    ...card,
    supportedInterfaces: card.supportedInterfaces.filter((each) => each.protocolVersion === "0.3"),
  };
  return new JsonRpcTransportFactory({ legacyCompat: { enabled: true } }).create(`${url}/a2a`, legacy);
}

describe("our MCP driver against the SDK's server", () => {
  test("sessions, answers as JSON and as events", async () => {
    for (const enableJsonResponse of [true, false]) {
      const server = new McpServer({ name: "sdk", version: "1" });
      server.registerTool("add", { description: "adds" }, () => ({ content: [{ type: "text", text: "3" }] }));
      const transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: () => crypto.randomUUID(),
        enableJsonResponse,
      });
      await server.connect(transport);
      const http = createServer((request, response) => void transport.handleRequest(request, response));
      await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
      const { port } = http.address() as { port: number };
      const session = await mcp({ url: `http://127.0.0.1:${port}/mcp` }).open(fakeUser());
      const outcome = await session.send({ tool: "add" }, () => {});
      expect(outcome).toMatchObject({ ok: true, text: "3" });
      expect(await session.send({ tool: "none" }, () => {})).toMatchObject({ ok: false });
      await session.close();
      await server.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    }
  });
});
