import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { expect, test } from "vitest";
import { call } from "../running.ts";
import { runningService } from "../running-service.ts";

const service = runningService();

/** The protocol's own client. */
async function connected(): Promise<Client & AsyncDisposable> {
  const client = new Client({ name: "test", version: "1" });
  const requestInit = { headers: { authorization: `Bearer ${service.token}` } };
  // Its optional properties are typed without undefined.
  const transport = new StreamableHTTPClientTransport(new URL("/mcp", service.url), { requestInit });
  await client.connect(transport as Parameters<Client["connect"]>[0]);
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}
const rpc = (body: object, headers: Record<string, string> = {}): ReturnType<typeof call> =>
  call(service.url, "POST", "/mcp", { token: service.token, body, headers });

test("the protocol's own client lists and calls tools", async () => {
  await using client = await connected();
  expect(client.getServerVersion()).toMatchObject({ name: "mettle" });
  await client.ping();
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toContain("calculator");
  expect(tools.every(({ inputSchema }) => inputSchema.type === "object")).toBe(true);
  const called = await client.callTool({ name: "calculator", arguments: { expression: "6 * 7" } });
  expect(called).toMatchObject({
    isError: false,
    structuredContent: { value: 42 },
    content: [{ type: "text", text: '{"value":42}' }],
  });
});

test("what a tool refuses is told to the model; what is no tool is an error", async () => {
  await using client = await connected();
  for (const input of [{ expression: "process.exit()" }, { expression: 7 }, { url: "http://169.254.169.254/" }]) {
    const name = "url" in input ? "web_fetch" : "calculator";
    expect(await client.callTool({ name, arguments: input })).toMatchObject({
      isError: true,
      content: [{ type: "text" }],
    });
  }
  await expect(client.callTool({ name: "constructor", arguments: {} })).rejects.toMatchObject({ code: -32602 });
});

test.each([
  [
    "an unknown method",
    { jsonrpc: "2.0", id: 1, method: "resources/list" },
    {},
    200,
    { id: 1, error: { code: -32601 } },
  ],
  [
    "a call without a name",
    { jsonrpc: "2.0", id: "a", method: "tools/call" },
    {},
    200,
    { id: "a", error: { code: -32602 } },
  ],
  ["what is no JSON-RPC", { id: 1, method: "ping" }, {}, 400, { error: { code: "REQUEST_INVALID" } }],
  ["several at once", [{ jsonrpc: "2.0", id: 1, method: "ping" }], {}, 400, { error: { code: "REQUEST_INVALID" } }],
  [
    "a page of another origin",
    { jsonrpc: "2.0", id: 1, method: "ping" },
    { origin: "http://evil.test" },
    403,
    { error: { code: "MCP_ORIGIN_REFUSED" } },
  ],
  [
    "an unknown revision",
    { jsonrpc: "2.0", id: 1, method: "ping" },
    { "mcp-protocol-version": "1999-01-01" },
    400,
    { error: { code: "MCP_REVISION_UNKNOWN" } },
  ],
])("%s is refused", async (_name, body, headers, status, expected) => {
  expect(await rpc(body, headers)).toMatchObject({ status, body: expected });
});

test("notifications are taken, sessions are not offered, a token is asked for", async () => {
  expect(await rpc({ jsonrpc: "2.0", method: "notifications/initialized" })).toMatchObject({ status: 202 });
  for (const method of ["GET", "DELETE"])
    expect(await call(service.url, method, "/mcp", { token: service.token })).toMatchObject({ status: 405 });
  expect((await call(service.url, "POST", "/mcp", { body: {} })).status).toBe(401);
});
