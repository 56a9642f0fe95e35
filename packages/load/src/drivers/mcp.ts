import { MettleError } from "@mettle/core";
import type { VirtualUser } from "../engine/virtual-user.ts";
import type { Driver, DriverSession, StepEvent, StepOutcome } from "./driver.ts";
import { driverErrors } from "./errors.ts";
import {
  checkHttpOptions,
  exchangeEvents,
  type HttpDriverOptions,
  jsonHeaders,
  OpenFlag,
  type StepExchange,
  WHOLE_CHARACTERS,
} from "./http-step.ts";
import { endOf, isObject, type JsonObject, serverMessage, StepBuilder, plainText } from "./step-builder.ts";

/** 2026-07-28 has no handshake; the earlier ones begin a session with one. */
export const mcpVersions = ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"] as const;
export type McpVersion = (typeof mcpVersions)[number];
const STATELESS: McpVersion = "2026-07-28";
const META = "io.modelcontextprotocol/";
const clientInfo = { name: "mettle", version: "0.1.0" };

/** A call of a tool, or any other method of the protocol. */
export type McpStep =
  | { readonly tool: string; readonly arguments?: JsonObject }
  | { readonly method: string; readonly params?: JsonObject };

export interface McpDriverOptions extends HttpDriverOptions {
  /** `url` is the endpoint itself, such as `http://host/mcp`. @defaultValue 2025-11-25 */
  readonly version?: McpVersion;
}

/**
 * MCP over streamable HTTP. Opening a session does the handshake of the revisions that have one, and is not part of any
 * step's time; a step is one request and its answer.
 */
export function mcp(options: McpDriverOptions): Driver<McpStep> {
  checkHttpOptions("mcp", options);
  const version = options.version ?? "2025-11-25";
  if (!mcpVersions.includes(version)) {
    const message = `mcp: version ${version} is none of ${mcpVersions.join(", ")}.`;
    throw driverErrors.create("DRIVER_OPTIONS_INVALID", message, { details: { version } });
  }
  return {
    name: "mcp",
    open: async (user) => {
      const session = new McpSession(user, options, version);
      if (version !== STATELESS) await session.initialize();
      return session;
    },
  };
}

interface Reply {
  readonly result?: JsonObject;
  readonly error?: { readonly code: number; readonly message: string };
}

class McpSession implements DriverSession<McpStep> {
  readonly #user: VirtualUser;
  readonly #options: McpDriverOptions;
  #version: string;
  #id: string | undefined;
  #forgotten = false;
  #next = 1;
  readonly #open = new OpenFlag("mcp");

  constructor(user: VirtualUser, options: McpDriverOptions, version: McpVersion) {
    this.#user = user;
    this.#options = options;
    this.#version = version;
  }

  /** @throws MettleError `DRIVER_OPEN_FAILED` */
  async initialize(): Promise<void> {
    const builder = new StepBuilder(ignore);
    const params = { protocolVersion: this.#version, capabilities: {}, clientInfo };
    const { exchange, reply } = await this.#request(builder, "initialize", params);
    const version = reply?.result?.["protocolVersion"];
    if (typeof version !== "string") {
      const { status, failure } = exchange.response;
      const reason = failure?.message ?? reply?.error?.message ?? serverMessage(exchange.text, status);
      const message = `mcp: ${this.#options.url} did not begin a session: ${reason}.`;
      throw driverErrors.create("DRIVER_OPEN_FAILED", message, { details: { status, url: this.#options.url } });
    }
    this.#version = version;
    const name = exchange.response.headers.find(([header]) => header.toLowerCase() === "mcp-session-id");
    this.#id = name?.[1];
    const { response } = await this.#post(
      new StepBuilder(ignore),
      { jsonrpc: "2.0", method: "notifications/initialized" },
      "",
      ignore,
    );
    if (response.status !== 202) {
      const message = `mcp: ${this.#options.url} refused notifications/initialized with status ${response.status}.`;
      throw driverErrors.create("DRIVER_OPEN_FAILED", message, { details: { status: response.status } });
    }
  }

  async send(step: McpStep, onEvent: (event: StepEvent) => void): Promise<StepOutcome> {
    this.#open.require();
    const builder = new StepBuilder(onEvent);
    if (this.#forgotten) {
      const refused = await this.#beginAnew(builder);
      if (refused) return refused;
    }
    const call = "tool" in step;
    const method = call ? "tools/call" : step.method;
    const params = call ? { name: step.tool, arguments: step.arguments ?? {} } : (step.params ?? {});
    const callId = String(this.#next);
    const { exchange, reply } = await this.#request(builder, method, params, call ? step.tool : undefined);
    const at = endOf(exchange.response.timings);
    if (reply?.error) builder.fail(at, `RPC_${reply.error.code}`, reply.error.message);
    if (reply?.result && call) {
      const failed = reply.result["isError"] === true;
      builder.toolResult(at, callId, failed);
      builder.token(at, "content", textOf(reply.result["content"]));
      if (failed) builder.fail(at, "TOOL_FAILED", textOf(reply.result["content"]));
    }
    if (reply) builder.done(at, reply.error ? "error" : "stop");
    // The server knows the session no more; the protocol wants a new one, which the next step begins.
    this.#forgotten = exchange.response.status === 404 && this.#id !== undefined;
    return builder.ofResponse(exchange.response, exchange.text);
  }

  /** @returns the outcome of the step, where no session could be had */
  async #beginAnew(builder: StepBuilder): Promise<StepOutcome | undefined> {
    const startedAt = performance.now();
    this.#id = undefined;
    try {
      await this.initialize();
      this.#forgotten = false;
      return undefined;
    } catch (thrown) {
      if (!(thrown instanceof MettleError)) throw thrown;
      builder.fail(performance.now(), thrown.code, thrown.message);
      return builder.outcome(startedAt, performance.now());
    }
  }

  async close(): Promise<void> {
    this.#open.close();
    if (this.#id === undefined) return;
    // Ends the session at the server. Some refuse (405), which is their right; there is nothing to do about any answer.
    await this.#user.http.send({
      method: "DELETE",
      url: this.#options.url,
      headers: this.#headers("", undefined),
      timeoutMs: this.#options.timeoutMs ?? 10_000,
      responseBody: "none",
    });
  }

  async #request(
    builder: StepBuilder,
    method: string,
    params: JsonObject,
    name?: string,
  ): Promise<{ readonly exchange: StepExchange; readonly reply: Reply | undefined }> {
    const id = this.#next++;
    const meta = {
      [`${META}protocolVersion`]: this.#version,
      [`${META}clientInfo`]: clientInfo,
      [`${META}clientCapabilities`]: {},
    };
    const own = isObject(params["_meta"]) ? params["_meta"] : {};
    const sent = this.#version === STATELESS ? { ...params, _meta: { ...meta, ...own } } : params;
    let reply: Reply | undefined;
    const body = { jsonrpc: "2.0", id, method, params: sent };
    const exchange = await this.#post(
      builder,
      body,
      method,
      (data, _event, at) => {
        reply = readReply(builder, data, id, at) ?? reply;
      },
      name,
    );
    const { response, text } = exchange;
    if (!reply && !response.failure && text !== "" && (response.status < 300 || text.trimStart().startsWith("{"))) {
      reply = readReply(response.status < 300 ? builder : new StepBuilder(ignore), text, id, endOf(response.timings));
    }
    return { exchange, reply };
  }

  #post(
    builder: StepBuilder,
    message: JsonObject,
    method: string,
    onData: (data: string, event: string, at: number) => void,
    name?: string,
  ): Promise<StepExchange> {
    const request = {
      method: "POST",
      url: this.#options.url,
      headers: this.#headers(method, name),
      body: JSON.stringify(message),
    };
    return exchangeEvents(this.#user, this.#options, request, builder, onData, WHOLE_CHARACTERS);
  }

  #headers(method: string, name: string | undefined): readonly (readonly [string, string])[] {
    const headers: (readonly [string, string])[] = [
      ...jsonHeaders(this.#options, "application/json, text/event-stream"),
    ];
    // Before the handshake ended there is no version to speak of.
    if (method !== "initialize") headers.push(["mcp-protocol-version", this.#version]);
    if (this.#id !== undefined) headers.push(["mcp-session-id", this.#id]);
    if (this.#version === STATELESS) {
      headers.push(["mcp-method", method]);
      if (name !== undefined) headers.push(["mcp-name", headerValue(name)]);
    }
    return headers;
  }
}

/** The response to this request; progress and other notifications are none. */
function readReply(builder: StepBuilder, data: string, id: number, at: number): Reply | undefined {
  let message: unknown;
  try {
    message = JSON.parse(data);
  } catch {
    // Recorded as what it is: an answer that is not JSON.
    builder.fail(at, "STREAM_MALFORMED", `an answer is not JSON: ${data.slice(0, 100)}`);
    return undefined;
  }
  if (!isObject(message) || (message["id"] !== id && message["id"] !== null)) return undefined;
  const { result, error } = message;
  if (isObject(error)) {
    return { error: { code: Number(error["code"]), message: plainText(error["message"]) } };
  }
  return isObject(result) ? { result } : undefined;
}

/** Plain ASCII as it stands; anything else as the specification's Base64 form. */
function headerValue(name: string): string {
  const plain = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(name) && !name.startsWith("=?base64?");
  return plain ? name : `=?base64?${Buffer.from(name, "utf8").toString("base64")}?=`;
}

function textOf(content: unknown): string {
  if (!Array.isArray(content)) return "";
  return content
    .map((part: unknown) => (isObject(part) && typeof part["text"] === "string" ? part["text"] : ""))
    .join("");
}

function ignore(): void {}
