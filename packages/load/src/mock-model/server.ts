import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Clock, messageOf, systemClock } from "@mettle/core";
import { A2aEndpoint } from "./a2a.ts";
import { Counters, type EndpointCounts } from "./counters.ts";
import { mockModelErrors } from "./errors.ts";
import { type MockContext, type MockExchange, sendJson } from "./exchange.ts";
import type { Endpoint } from "./faults.ts";
import { McpEndpoint } from "./mcp.ts";
import { answerChat, answerResponses, listModels } from "./openai-endpoints.ts";
import { type MockModelOptions, resolveMockModelOptions } from "./options.ts";
import { TimerWheel } from "./timer-wheel.ts";

/** What the server did so far; also at `GET /metrics`. */
export interface MockModelMetrics {
  readonly endpoints: Readonly<Record<Endpoint, EndpointCounts>>;
  readonly mcpSessions: number;
  /** How late the server's own timer ran: what of a client's figures is the server's fault. Milliseconds. */
  readonly lateness: { readonly count: number; readonly p50?: number; readonly p99?: number; readonly max?: number };
  /** Defects of the server itself; anything but 0 is a fault of Mettle. */
  readonly internalErrors: number;
}

/** A running mock model. Whoever started it closes it. */
export interface MockModel extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, without a path. */
  readonly url: string;
  readonly port: number;
  metrics(): MockModelMetrics;
  /** Ends every stream and stops listening. May be called twice. */
  close(): Promise<void>;
}

/**
 * Starts a deterministic model, tool and agent server.
 *
 * @param clock - moved by tests; streams then stand still until it is advanced
 * @throws MettleError `MOCK_OPTIONS_INVALID`, `DISTRIBUTION_INVALID`, `MOCK_LISTEN_FAILED`
 */
export async function startMockModel(options: MockModelOptions = {}, clock: Clock = systemClock): Promise<MockModel> {
  const model = resolveMockModelOptions(options);
  let internalErrors = 0;
  const wheel = new TimerWheel(clock, () => {
    internalErrors++;
  });
  const context: MockContext = { model, clock, wheel, counters: new Counters() };
  const mcp = new McpEndpoint(context);
  const a2a = new A2aEndpoint(context);
  const metrics = (): MockModelMetrics => {
    const { lateness } = wheel;
    const p50 = lateness.quantile(0.5);
    const p99 = lateness.quantile(0.99);
    return {
      endpoints: context.counters.snapshot(),
      mcpSessions: mcp.sessions,
      lateness: {
        count: lateness.count,
        ...(p50 !== undefined && { p50 }),
        ...(p99 !== undefined && { p99 }),
        ...(lateness.max !== undefined && { max: lateness.max }),
      },
      internalErrors,
    };
  };
  const server = createServer({ keepAliveTimeout: 60_000, noDelay: true }, (request, response) => {
    readExchange(request, response, model.maxBodyBytes)
      .then((exchange) => exchange && route(context, mcp, a2a, exchange, metrics))
      .catch((error: unknown) => {
        internalErrors++;
        const text = JSON.stringify({
          error: { message: messageOf(error), type: "internal_error", param: null, code: null },
        });
        sendJson(response, 500, text);
      });
  });
  const port = await listen(server, model.port, model.host);
  const host = model.host.includes(":") ? `[${model.host}]` : model.host;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= new Promise((resolve) => {
      wheel.close();
      server.close(() => resolve());
      server.closeAllConnections();
    });
    return closing;
  };
  return { url: `http://${host}:${port}`, port, metrics, close, [Symbol.asyncDispose]: close };
}

function route(
  context: MockContext,
  mcp: McpEndpoint,
  a2a: A2aEndpoint,
  exchange: MockExchange,
  metrics: () => MockModelMetrics,
): void {
  const { path } = exchange;
  const method = exchange.request.method ?? "";
  if (path === "/mcp") mcp.handle(exchange);
  else if (path.startsWith("/a2a/rest/")) a2a.rest(exchange, path.slice("/a2a/rest".length));
  else {
    switch (`${method} ${path}`) {
      case "POST /v1/chat/completions":
        answerChat(context, exchange);
        return;
      case "POST /v1/responses":
        answerResponses(context, exchange);
        return;
      case "GET /v1/models":
        listModels(context, exchange);
        return;
      case "POST /a2a":
        a2a.rpc(exchange);
        return;
      case "GET /.well-known/agent-card.json":
      case "GET /.well-known/agent.json":
        a2a.card(exchange);
        return;
      case "GET /metrics":
        sendJson(exchange.response, 200, JSON.stringify(metrics()));
        return;
      case "GET /health":
        sendJson(exchange.response, 200, '{"status":"ok"}');
        return;
      default: {
        const message = `There is no ${method} ${path}.`;
        const error = { message, type: "invalid_request_error", param: null, code: "not_found" };
        sendJson(exchange.response, 404, JSON.stringify({ error }));
      }
    }
  }
}

/** Reads and parses the body; answers 413 and 400 itself and then returns undefined. */
async function readExchange(
  request: IncomingMessage,
  response: ServerResponse,
  maxBodyBytes: number,
): Promise<MockExchange | undefined> {
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for await (const piece of request as AsyncIterable<Buffer>) {
      size += piece.length;
      if (size > maxBodyBytes) {
        sendError(response, 413, `The body is longer than ${maxBodyBytes} bytes.`, { connection: "close" });
        return undefined;
      }
      pieces.push(piece);
    }
  } catch {
    // The client went away in the middle of its request: there is nobody to answer.
    return undefined;
  }
  let body: unknown;
  if (size > 0) {
    try {
      body = JSON.parse(Buffer.concat(pieces).toString("utf8"));
    } catch (cause) {
      sendError(response, 400, `The body is not JSON: ${messageOf(cause)}`);
      return undefined;
    }
  }
  const url = request.url ?? "/";
  const at = url.indexOf("?");
  return {
    request,
    response,
    path: at < 0 ? url : url.slice(0, at),
    query: new URLSearchParams(at < 0 ? "" : url.slice(at + 1)),
    body,
  };
}

function sendError(
  response: ServerResponse,
  status: number,
  message: string,
  headers: Record<string, string> = {},
): void {
  const error = { message, type: "invalid_request_error", param: null, code: null };
  sendJson(response, status, JSON.stringify({ error }), headers);
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const message = `The mock model cannot listen on ${host}:${port}: ${cause.message}.`;
      reject(mockModelErrors.create("MOCK_LISTEN_FAILED", message, { cause, details: { host, port } }));
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}
