import { randomUUID } from "node:crypto";
import { Random } from "@mettle/core";
import { derivedSeed } from "../agent/seed.ts";
import { EventStream } from "./event-stream.ts";
import {
  header,
  type MockContext,
  type MockExchange,
  requestNumber,
  sendJson,
  sendStatusFault,
  sendWhole,
} from "./exchange.ts";
import { faultFor } from "./faults.ts";
import { readRpcCall, type RpcCall, rpcCodes, rpcError, rpcResult } from "./json-rpc.ts";
import { isObject } from "./openai-chat.ts";
import type { ResolvedTool } from "./options.ts";
import { ToolReplyStream } from "./tool-reply-stream.ts";
import { asciiJson, words } from "./words.ts";

/** The revision without a handshake: every request says who asks and in which version. */
const STATELESS = "2026-07-28";
const withSessions = ["2025-11-25", "2025-06-18", "2025-03-26"];
const supported: readonly string[] = [STATELESS, ...withSessions];
const META = "io.modelcontextprotocol/";
const HEADER_MISMATCH = -32020;
const VERSION_UNSUPPORTED = -32022;
const serverInfo = { name: "mettle-mock-model", version: "1.0.0" };
const capabilities = { tools: { listChanged: false } };

/** The streamable HTTP transport of MCP: sessions as in 2025-06-18 and 2025-11-25, stateless as in 2026-07-28. */
export class McpEndpoint {
  readonly #context: MockContext;
  /** Session → its protocol version, oldest first. */
  readonly #sessions = new Map<string, string>();

  constructor(context: MockContext) {
    this.#context = context;
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  handle(exchange: MockExchange): void {
    const origin = header(exchange, "origin");
    if (origin !== undefined && !isLocal(origin)) {
      this.#refuse(exchange, 403, rpcError(null, rpcCodes.invalidRequest, "Origin not allowed"));
    } else if (exchange.request.method === "POST") this.#post(exchange);
    else if (header(exchange, "mcp-protocol-version") === STATELESS) this.#methodNotAllowed(exchange, "POST");
    else if (exchange.request.method === "GET") this.#listen(exchange);
    else if (exchange.request.method === "DELETE") this.#endSession(exchange);
    else this.#methodNotAllowed(exchange, "GET, POST, DELETE");
  }

  #post(exchange: MockExchange): void {
    const accept = header(exchange, "accept") ?? "";
    if (!accept.includes("*/*") && !(accept.includes("application/json") && accept.includes("text/event-stream"))) {
      const message = "Not Acceptable: accept both application/json and text/event-stream";
      this.#refuse(exchange, 406, rpcError(null, rpcCodes.invalidRequest, message));
      return;
    }
    const call = readRpcCall(exchange.body);
    const version = header(exchange, "mcp-protocol-version");
    if (!call)
      this.#refuse(exchange, 400, rpcError(null, rpcCodes.invalidRequest, "Invalid Request: one JSON-RPC call"));
    else if (version === STATELESS || declaredVersion(call) !== undefined) this.#stateless(exchange, call, version);
    else if (version !== undefined && !withSessions.includes(version)) {
      this.#refuse(exchange, 400, unsupportedVersion(call, version));
    } else this.#inSession(exchange, call);
  }

  #stateless(exchange: MockExchange, call: RpcCall, version: string | undefined): void {
    const declared = declaredVersion(call);
    const meta = isObject(call.params["_meta"]) ? call.params["_meta"] : {};
    const name = call.params["name"];
    const mismatch =
      version === undefined || version !== declared
        ? "MCP-Protocol-Version"
        : header(exchange, "mcp-method") !== call.method
          ? "Mcp-Method"
          : call.method === "tools/call" && decodeName(header(exchange, "mcp-name")) !== name
            ? "Mcp-Name"
            : undefined;
    if (mismatch) {
      this.#refuse(exchange, 400, rpcError(call.id, HEADER_MISMATCH, `Header ${mismatch} does not match the body`));
    } else if (declared !== STATELESS) this.#refuse(exchange, 400, unsupportedVersion(call, String(declared)));
    else if (!isObject(meta[`${META}clientCapabilities`])) {
      this.#refuse(exchange, 400, rpcError(call.id, rpcCodes.invalidParams, `_meta lacks ${META}clientCapabilities`));
    } else if (call.id === undefined) exchange.response.writeHead(202).end();
    else this.#answer(exchange, call, true);
  }

  #inSession(exchange: MockExchange, call: RpcCall): void {
    if (call.method === "initialize") {
      this.#initialize(exchange, call);
      return;
    }
    const id = header(exchange, "mcp-session-id");
    if (id === undefined) {
      this.#refuse(
        exchange,
        400,
        rpcError(call.id, rpcCodes.invalidRequest, "Bad Request: Mcp-Session-Id is required"),
      );
    } else if (!this.#sessions.has(id)) this.#refuse(exchange, 404, rpcError(call.id, -32001, "Session not found"));
    else if (call.id === undefined) exchange.response.writeHead(202).end();
    else this.#answer(exchange, call, false);
  }

  #initialize(exchange: MockExchange, call: RpcCall): void {
    const requested = call.params["protocolVersion"];
    if (typeof requested !== "string") {
      this.#refuse(exchange, 400, rpcError(call.id, rpcCodes.invalidParams, "protocolVersion is required"));
      return;
    }
    const version = withSessions.includes(requested) ? requested : (withSessions[0] ?? requested);
    const id = randomUUID();
    this.#sessions.set(id, version);
    const oldest = this.#sessions.keys().next();
    if (this.#sessions.size > this.#context.model.mcpSessions && !oldest.done) this.#sessions.delete(oldest.value);
    const body = rpcResult(call.id, { protocolVersion: version, capabilities, serverInfo });
    this.#send(exchange, body, { "mcp-session-id": id });
  }

  #answer(exchange: MockExchange, call: RpcCall, stateless: boolean): void {
    const complete = (result: Readonly<Record<string, unknown>>): string =>
      rpcResult(
        call.id,
        stateless ? { resultType: "complete", ...result, _meta: { [`${META}serverInfo`]: serverInfo } } : result,
      );
    const cached = stateless ? { ttlMs: 60_000, cacheScope: "public" } : {};
    switch (call.method) {
      case "tools/list":
        this.#send(
          exchange,
          complete({ tools: [...this.#context.model.toolsByName.values()].map(describe), ...cached }),
        );
        return;
      case "tools/call":
        this.#callTool(exchange, call, complete);
        return;
      case "ping":
        if (stateless) break;
        this.#send(exchange, complete({}));
        return;
      case "server/discover":
        if (!stateless) break;
        this.#send(exchange, complete({ supportedVersions: supported, capabilities, ...cached }));
        return;
      default:
    }
    const error = rpcError(call.id, rpcCodes.methodNotFound, `Method not found: ${call.method}`);
    if (stateless) this.#refuse(exchange, 404, error);
    else this.#send(exchange, error);
  }

  #callTool(
    exchange: MockExchange,
    call: RpcCall,
    complete: (result: Readonly<Record<string, unknown>>) => string,
  ): void {
    const { model, counters } = this.#context;
    const tool = model.toolsByName.get(String(call.params["name"]));
    if (!tool) {
      counters.of("mcp").rejected++;
      this.#send(exchange, rpcError(call.id, rpcCodes.invalidParams, `Unknown tool: ${String(call.params["name"])}`));
      return;
    }
    const number = requestNumber(exchange, counters.begin("mcp"));
    const fault = faultFor(model.faults, model.seed, "mcp", number)?.fault;
    if (sendStatusFault(this.#context, "mcp", exchange, fault)) return;
    const random = new Random(derivedSeed(model.seed, "mcp", number));
    const delayMs = tool.latency(random);
    const failed = random.uniform() < (tool.tool.errorProbability ?? 0);
    const text = resultText(tool, call.params["arguments"], failed, random);
    const body = (): string => complete({ content: [{ type: "text", text }], isError: failed });
    if (model.mcpReply === "json") {
      sendWhole(this.#context, { exchange, endpoint: "mcp", delayMs, fault, tokens: 0, body });
    } else new ToolReplyStream(this.#context, exchange, delayMs, fault, progressToken(call), body).start();
  }

  /** Answers that take no time. */
  #send(exchange: MockExchange, body: string, headers: Readonly<Record<string, string>> = {}): void {
    if (this.#context.model.mcpReply === "json") {
      sendJson(exchange.response, 200, body, headers);
      return;
    }
    const stream = new EventStream(exchange.response, headers);
    stream.write(`event: message\ndata: ${asciiJson(JSON.parse(body))}\n\n`);
    stream.end();
  }

  /** The stream on which a server may speak first. The mock never does. */
  #listen(exchange: MockExchange): void {
    const id = header(exchange, "mcp-session-id");
    if (!(header(exchange, "accept") ?? "").includes("text/event-stream")) {
      this.#refuse(exchange, 406, rpcError(null, rpcCodes.invalidRequest, "Not Acceptable: accept text/event-stream"));
    } else if (id === undefined) {
      this.#refuse(exchange, 400, rpcError(null, rpcCodes.invalidRequest, "Bad Request: Mcp-Session-Id is required"));
    } else if (!this.#sessions.has(id)) this.#refuse(exchange, 404, rpcError(null, -32001, "Session not found"));
    else new EventStream(exchange.response).write(": listening\n\n");
  }

  #endSession(exchange: MockExchange): void {
    const id = header(exchange, "mcp-session-id");
    if (id !== undefined && this.#sessions.delete(id)) exchange.response.writeHead(200).end();
    else this.#refuse(exchange, id === undefined ? 400 : 404, rpcError(null, -32001, "Session not found"));
  }

  #methodNotAllowed(exchange: MockExchange, allow: string): void {
    this.#context.counters.of("mcp").rejected++;
    exchange.response.writeHead(405, { allow }).end();
  }

  #refuse(exchange: MockExchange, status: number, body: string): void {
    this.#context.counters.of("mcp").rejected++;
    sendJson(exchange.response, status, body);
  }
}

function declaredVersion(call: RpcCall): unknown {
  const meta = call.params["_meta"];
  return isObject(meta) ? meta[`${META}protocolVersion`] : undefined;
}

const unsupportedVersion = (call: RpcCall, requested: string): string =>
  rpcError(call.id, VERSION_UNSUPPORTED, "Unsupported protocol version", { supported, requested });

function progressToken(call: RpcCall): string | number | undefined {
  const meta = call.params["_meta"];
  const token = isObject(meta) ? meta["progressToken"] : undefined;
  return typeof token === "string" || typeof token === "number" ? token : undefined;
}

const describe = ({ tool }: ResolvedTool): unknown => ({
  name: tool.name,
  description: tool.description ?? "",
  inputSchema: { type: "object", properties: { query: { type: "string" } } },
});

function resultText({ tool, resultCharacters }: ResolvedTool, input: unknown, failed: boolean, random: Random): string {
  if (failed) return `${tool.name} failed, as it was asked to.`;
  if (tool.name === "echo") return JSON.stringify(input ?? {});
  const length = resultCharacters(random);
  let text = "";
  while (text.length < length) text += words[random.below(words.length)] ?? "";
  return text.slice(0, length).trimStart();
}

/** A name that is not plain ASCII comes as `=?base64?…?=`. */
function decodeName(value: string | undefined): string | undefined {
  const encoded = /^=\?base64\?(.*)\?=$/.exec(value ?? "")?.[1];
  return encoded === undefined ? value : Buffer.from(encoded, "base64").toString("utf8");
}

function isLocal(origin: string): boolean {
  const host = URL.canParse(origin) ? new URL(origin).hostname : "";
  return host === "localhost" || host === "127.0.0.1" || host === "[::1]";
}
