import type { FastifyRequest } from "fastify";
import type { AgentType } from "../agents/agent-type.ts";
import { principalOf } from "../auth/authentication.ts";
import type { Orchestrator } from "../executions/orchestrator.ts";
import type { App } from "../http/app.ts";
import { RequestFailure } from "../http/failure.ts";
import { bearer, failures } from "../http/schemas.ts";
import { untilAnswered } from "../http/until-answered.ts";
import { unstorable } from "../storage/storable.ts";
import { answerRpc, rpcAnswer, RpcError, rpcErrors, type RpcRequest, rpcRequest } from "./json-rpc.ts";

const protocolVersion = "0.3.0";
/** Of A2A's own errors. */
const taskNotFound = -32001;
const taskNotCancelable = -32002;
/** What a plain text without further words is: a question. */
const skillUnlessGiven = "multi_step_processor.research_and_analyze";

type Parameters = Readonly<Record<string, unknown>>;

interface Part {
  readonly kind?: unknown;
  readonly text?: unknown;
  readonly data?: unknown;
}

interface Message {
  readonly messageId?: unknown;
  readonly contextId?: unknown;
  readonly parts?: readonly Part[];
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** What the HTTP interface answers of an execution. */
interface ShownExecution {
  readonly execution_id: string;
  readonly status: "queued" | "running" | "succeeded" | "failed" | "cancelled";
  readonly created_at: string;
  readonly ended_at: string | null;
  readonly result: unknown;
  readonly error: { readonly code: string; readonly message: string } | null;
}

const states = {
  queued: "submitted",
  running: "working",
  succeeded: "completed",
  failed: "failed",
  cancelled: "canceled",
} as const;

/**
 * The agents over A2A (JSON-RPC binding of version 0.3): a card that says what they can do, and tasks, which are executions
 * under another name. Requests go the way of the HTTP interface, with the caller's own token, so that what is checked there is
 * checked here.
 *
 * @see https://a2a-protocol.org/v0.3.0/specification/
 */
export function a2aRoutes(app: App, types: readonly AgentType[], orchestrator: Pick<Orchestrator, "ended">): void {
  app.get("/.well-known/agent-card.json", { config: { open: true }, schema: { hide: true } }, async (request) =>
    agentCard(types, `${request.protocol}://${request.host}`),
  );
  app.post(
    "/a2a",
    {
      schema: {
        tags: ["agents"],
        security: bearer,
        summary: "The agents over A2A: message/send, tasks/get, tasks/cancel",
        body: rpcRequest,
        response: { 200: rpcAnswer, ...failures },
      },
    },
    async (request, reply) => {
      const asked = request.body as unknown as RpcRequest;
      const { tenantId } = principalOf(request);
      const ended = (id: string): Promise<unknown> =>
        orchestrator.ended(tenantId, id, untilAnswered(request, reply), false);
      return answerRpc(asked, (method, params) => {
        if (method === "message/send") return send(app, request, params, ended);
        if (method === "tasks/get") return get(app, request, params);
        if (method === "tasks/cancel") return cancel(app, request, params);
        throw new RpcError(rpcErrors.methodNotFound, `There is no method ${method}.`);
      });
    },
  );
}

function agentCard(types: readonly AgentType[], url: string): object {
  return {
    protocolVersion,
    name: "Mettle agents",
    description: "Summaries, data analysis, research in the tenant's documents, and workflows of these.",
    url: `${url}/a2a`,
    preferredTransport: "JSONRPC",
    version: "0.1.0",
    capabilities: { streaming: false, pushNotifications: false, stateTransitionHistory: false },
    defaultInputModes: ["text/plain", "application/json"],
    defaultOutputModes: ["application/json"],
    securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
    security: [{ bearer: [] }],
    skills: types.flatMap(({ name, tasks }) =>
      tasks.map(({ type, summary }) => ({
        id: `${name}.${type}`,
        name: `${name}: ${type}`,
        description: summary,
        tags: [name, type],
      })),
    ),
  };
}

/** @throws RpcError */
async function send(
  app: App,
  request: FastifyRequest,
  { message, configuration }: Parameters,
  ended: (id: string) => Promise<unknown>,
): Promise<object> {
  const { messageId, contextId, parts = [], metadata = {} } = (message ?? {}) as Message;
  if (
    typeof messageId !== "string" ||
    messageId === "" ||
    messageId.length > 150 ||
    unstorable(messageId) !== undefined ||
    !Array.isArray(parts)
  ) {
    throw new RpcError(rpcErrors.invalidParams, "A message has a messageId and parts.");
  }
  const blocking = (configuration as { readonly blocking?: unknown } | undefined)?.blocking !== false;
  const execution = await local(app, request, "POST", "/agents/execute", {
    payload: executionOf(parts, metadata),
    headers: { "idempotency-key": `a2a:${messageId}`, prefer: "respond-async" },
  });
  const context = typeof contextId === "string" ? contextId : undefined;
  if (!blocking || execution.ended_at !== null) return taskOf(execution, context);
  await ended(execution.execution_id);
  return taskOf(await local(app, request, "GET", pathOf(execution.execution_id)), context);
}

/** A data part is the skill's input; a text is, where there is no data. */
function executionOf(parts: readonly Part[], metadata: Readonly<Record<string, unknown>>): object {
  const skill = metadata["skill"] ?? skillUnlessGiven;
  const [agentType = "", type = ""] = typeof skill === "string" ? skill.split(".", 2) : [];
  const data = parts.find(({ kind }) => kind === "data")?.data;
  const text = parts
    .flatMap((part) => (part.kind === "text" && typeof part.text === "string" ? [part.text] : []))
    .join("\n\n");
  if (data === undefined && text === "")
    throw new RpcError(rpcErrors.invalidParams, "The message has neither text nor data.");
  return { agent_type: agentType, task: { type, input: data ?? text, parameters: metadata["parameters"] ?? {} } };
}

async function get(app: App, request: FastifyRequest, { id }: Parameters): Promise<object> {
  return taskOf(await local(app, request, "GET", pathOf(id)));
}

async function cancel(app: App, request: FastifyRequest, { id }: Parameters): Promise<object> {
  const before = await local(app, request, "GET", pathOf(id));
  if (before.ended_at !== null) throw new RpcError(taskNotCancelable, "The task has ended already.");
  return taskOf(await local(app, request, "POST", `${pathOf(id)}/cancel`));
}

/** Ids are UUIDs: nothing else becomes part of a path. */
function pathOf(id: unknown): string {
  if (typeof id !== "string" || !/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(id)) {
    throw new RpcError(taskNotFound, "There is no such task.");
  }
  return `/agents/executions/${id}`;
}

/** A request of the HTTP interface, as the same caller. */
async function local(
  app: App,
  { headers }: FastifyRequest,
  method: "GET" | "POST",
  url: string,
  { payload, headers: more = {} }: { readonly payload?: object; readonly headers?: Record<string, string> } = {},
): Promise<ShownExecution> {
  const { authorization = "", traceparent } = headers;
  const trace = typeof traceparent === "string" ? { traceparent } : {};
  const answer = await app.inject({
    method,
    url,
    headers: { authorization, ...trace, ...more },
    ...(payload && { payload }),
  });
  const body = answer.json<
    ShownExecution & { readonly error: { code: string; message: string; type: string } | null }
  >();
  if (answer.statusCode < 400) return body;
  const { code = "INTERNAL", message = "Something went wrong here." } = body.error ?? {};
  if (code === "EXECUTION_UNKNOWN") throw new RpcError(taskNotFound, "There is no such task.");
  if (answer.statusCode >= 500) throw new RequestFailure("unavailable", code, message, { retryAfter: 2 });
  throw new RpcError(rpcErrors.invalidParams, message, { code });
}

function taskOf(
  { execution_id: id, status, created_at: created, ended_at: ended, result, error }: ShownExecution,
  contextId = id,
): object {
  const told = error && {
    message: {
      kind: "message",
      role: "agent",
      messageId: `${id}-error`,
      parts: [{ kind: "text", text: `${error.code}: ${error.message}` }],
    },
  };
  return {
    kind: "task",
    id,
    contextId,
    status: { state: states[status], timestamp: ended ?? created, ...told },
    ...(status === "succeeded" && {
      artifacts: [{ artifactId: `${id}-result`, parts: [{ kind: "data", data: result }] }],
    }),
  };
}
