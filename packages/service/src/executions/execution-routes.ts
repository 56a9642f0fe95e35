import { createHash } from "node:crypto";
import type { preHandlerAsyncHookHandler } from "fastify";
import { type Static, Type } from "typebox";
import { type Clock, ms } from "@mettle/core";
import type { AgentType } from "../agents/agent-type.ts";
import { foundAgent } from "../agents/set-up/agent-routes.ts";
import type { AgentStore } from "../agents/set-up/agent-store.ts";
import type { TaskSchemas } from "../agents/task-schemas.ts";
import { principalOf } from "../auth/authentication.ts";
import type { App } from "../http/app.ts";
import { RequestFailure } from "../http/failure.ts";
import { prefersAsync } from "../http/prefer.ts";
import { bearer, failures, strict } from "../http/schemas.ts";
import { untilAnswered } from "../http/until-answered.ts";
import { SharedRead } from "../storage/shared-read.ts";
import { isEnded, type Task } from "./execution.ts";
import type { ExecutionQueue } from "./execution-queue.ts";
import { eventRoutes } from "./event-routes.ts";
import { executionSchema, found, shown } from "./execution-view.ts";
import type { Orchestrator } from "./orchestrator.ts";
import { checkTask } from "./task-checks.ts";

export interface ExecutionParts {
  readonly queue: ExecutionQueue;
  readonly orchestrator: Orchestrator;
  readonly agents: AgentStore;
  readonly types: readonly AgentType[];
  readonly schemas: TaskSchemas;
  readonly clock: Clock;
  /** Has a request answered by another instance, where it is that one's turn. */
  readonly routing: preHandlerAsyncHookHandler;
}

const deadlineUnlessGivenMs = 300_000;
const deadlineAtMostMs = 3_600_000;

const taskSchema = strict({
  type: Type.String({ minLength: 1, maxLength: 100 }),
  input: Type.Unknown(),
  parameters: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});
/** Either a type, or an agent that somebody set up. */
const executeBody = strict({
  agent_type: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
  agent_id: Type.Optional(Type.String({ format: "uuid" })),
  task: taskSchema,
  timeout_ms: Type.Optional(Type.Integer({ minimum: 1, maximum: deadlineAtMostMs })),
});
const agentTypeSchema = Type.Object(
  {
    agent_type: Type.String(),
    summary: Type.String(),
    tasks: Type.Array(
      Type.Object({
        type: Type.String(),
        summary: Type.String(),
        // JSON Schemas.
        input: Type.Unknown(),
        parameters: Type.Unknown(),
      }),
    ),
  },
  { title: "AgentType" },
);
const byId = strict({ id: Type.String({ format: "uuid" }) });
const secured = { tags: ["agents"], security: bearer };

/** Agents over HTTP: run a task, look at it, end it. */
export function executionRoutes(app: App, parts: ExecutionParts): void {
  executeRoute(app, parts);
  statusRoutes(app, parts);
  lookRoutes(app, parts);
  eventRoutes(app, parts);
}

function executeRoute(app: App, parts: ExecutionParts): void {
  const { orchestrator, schemas, clock } = parts;
  app.post(
    "/agents/execute",
    {
      preHandler: parts.routing,
      schema: {
        ...secured,
        summary: "Runs a task; answers when it has ended, or at once with `Prefer: respond-async`",
        headers: Type.Object({
          prefer: Type.Optional(Type.String()),
          "idempotency-key": Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
        }),
        body: executeBody,
        response: { 200: executionSchema, 202: executionSchema, ...failures },
      },
    },
    async (request, reply) => {
      const { tenantId, userId } = principalOf(request);
      const { agentType, agent, timeoutMs } = await askedOf(parts.agents, tenantId, request.body);
      const task: Task = {
        type: request.body.task.type,
        input: request.body.task.input,
        parameters: request.body.task.parameters ?? {},
        ...(agent && { agent }),
      };
      if (orchestrator.draining)
        throw new RequestFailure("unavailable", "SERVICE_DRAINING", "The service is ending.", { retryAfter: 2 });
      checkTask(schemas, orchestrator.taskOf(agentType, task.type), agentType, task);
      const requestDigest = createHash("sha256").update(JSON.stringify(request.body)).digest("base64");
      const key = request.headers["idempotency-key"];
      const { execution, added, digest } = await orchestrator.submit({
        tenantId,
        userId,
        agentType,
        task,
        requestDigest,
        deadlineAt: new Date(clock.wallTime() + timeoutMs),
        ...(key !== undefined && { idempotencyKey: key }),
      });
      if (digest !== requestDigest) {
        throw new RequestFailure(
          "unprocessable",
          "IDEMPOTENCY_KEY_REUSED",
          "This idempotency key belongs to another request.",
        );
      }
      reply.header("location", `/agents/executions/${execution.id}`);
      // One that was asked for before may have ended; then there is nothing to wait for.
      if (isEnded(execution.state)) return reply.code(200).send(shown(execution));
      if (prefersAsync(request.headers.prefer)) {
        return reply.code(202).header("preference-applied", "respond-async").send(shown(execution));
      }
      const ended = await orchestrator.ended(tenantId, execution.id, untilAnswered(request, reply), added);
      // Undefined when this instance ends first: the execution goes on elsewhere.
      return reply.code(ended ? 200 : 202).send(shown(ended ?? execution));
    },
  );
}

interface Asked {
  readonly agentType: string;
  readonly agent?: Task["agent"];
  readonly timeoutMs: number;
}

/** Who is to do it. @throws RequestFailure `REQUEST_INVALID`, `AGENT_UNKNOWN` */
async function askedOf(
  agents: AgentStore,
  tenantId: string,
  { agent_type: agentType, agent_id: id, timeout_ms: timeoutMs }: Static<typeof executeBody>,
): Promise<Asked> {
  if ((agentType === undefined) === (id === undefined)) {
    const message = "body must have either the property agent_type or the property agent_id";
    throw new RequestFailure("invalid_request", "REQUEST_INVALID", message);
  }
  if (agentType !== undefined) return { agentType, timeoutMs: timeoutMs ?? deadlineUnlessGivenMs };
  const { configuration, ...agent } = foundAgent(await agents.find(tenantId, id as string));
  const { timeout_seconds: seconds, max_tokens: maxTokens, temperature } = configuration;
  return {
    agentType: agent.agentType,
    agent: { id: agent.id, modelSettings: { maxTokens, temperature } },
    timeoutMs: timeoutMs ?? seconds * 1000,
  };
}

function statusRoutes(app: App, { queue, orchestrator, types, clock }: ExecutionParts): void {
  // Hundreds ask every second, and all are told the same, which they could not tell from what it was 50 ms before.
  const counts = new SharedRead(() => queue.counts(), ms(50), clock);
  app.get(
    "/agents/types",
    {
      schema: {
        ...secured,
        summary: "What agents can do",
        response: { 200: Type.Array(agentTypeSchema), ...failures },
      },
    },
    async () =>
      types.map(({ name, summary, tasks }) => ({
        agent_type: name,
        summary,
        tasks: tasks.map(({ type, summary: about, input, parameters }) => ({
          type,
          summary: about,
          input,
          parameters,
        })),
      })),
  );
  app.get(
    "/agents/status",
    {
      schema: {
        ...secured,
        summary: "How busy the agents are",
        response: {
          200: Type.Object({
            queued: Type.Integer(),
            running: Type.Integer(),
            here: Type.Object({ running: Type.Integer(), capacity: Type.Integer() }),
          }),
          ...failures,
        },
      },
    },
    async () => {
      const { queued, running } = await counts.get();
      const { running: ours, capacity } = orchestrator.statistics;
      return { queued, running, here: { running: ours, capacity } };
    },
  );
}

function lookRoutes(app: App, { queue, orchestrator }: ExecutionParts): void {
  // The history is a list of executions: both names are asked for.
  for (const path of ["/agents/executions", "/agents/history"]) {
    app.get(
      path,
      {
        schema: {
          ...secured,
          summary: "The tenant's executions, the newest first",
          querystring: strict({
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
            after: Type.Optional(Type.String({ format: "uuid" })),
          }),
          response: {
            200: Type.Object({ executions: Type.Array(executionSchema), next: Type.Optional(Type.String()) }),
            ...failures,
          },
        },
      },
      async (request) => {
        const { limit = 20, after } = request.query;
        const { executions, next } = await queue.history(principalOf(request).tenantId, limit, after);
        return { executions: executions.map(shown), ...(next !== undefined && { next }) };
      },
    );
  }
  app.get(
    "/agents/executions/:id",
    { schema: { ...secured, summary: "An execution", params: byId, response: { 200: executionSchema, ...failures } } },
    async (request) => shown(found(await queue.find(principalOf(request).tenantId, request.params.id))),
  );
  app.post(
    "/agents/executions/:id/cancel",
    {
      schema: {
        ...secured,
        summary: "Ends an execution",
        params: byId,
        response: { 202: executionSchema, ...failures },
      },
    },
    async (request, reply) => {
      const execution = found(await queue.cancel(principalOf(request).tenantId, request.params.id));
      await orchestrator.announceCancel(execution);
      return reply.code(202).send(shown(execution));
    },
  );
}
