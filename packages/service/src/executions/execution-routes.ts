import { createHash } from "node:crypto";
import { Ajv, type ValidateFunction } from "ajv";
import type { FastifyRequest } from "fastify";
import { type Static, Type } from "typebox";
import type { Clock } from "@mettle/core";
import type { AgentTask, AgentType } from "../agents/agent-type.ts";
import { principalOf } from "../auth/authentication.ts";
import type { App } from "../http/app.ts";
import { RequestFailure } from "../http/failure.ts";
import { bearer, failures, strict } from "../http/schemas.ts";
import { type Execution, isEnded } from "./execution.ts";
import type { ExecutionQueue } from "./execution-queue.ts";
import type { Orchestrator } from "./orchestrator.ts";

export interface ExecutionParts {
  readonly queue: ExecutionQueue;
  readonly orchestrator: Orchestrator;
  readonly types: readonly AgentType[];
  readonly clock: Clock;
}

const deadlineUnlessGivenMs = 300_000;
const deadlineAtMostMs = 3_600_000;

const taskSchema = strict({
  type: Type.String({ minLength: 1, maxLength: 100 }),
  input: Type.Unknown(),
  parameters: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});
const executeBody = strict({
  agent_type: Type.String({ minLength: 1, maxLength: 100 }),
  task: taskSchema,
  timeout_ms: Type.Optional(Type.Integer({ minimum: 1, maximum: deadlineAtMostMs })),
});
const executionSchema = Type.Object(
  {
    execution_id: Type.String(),
    agent_type: Type.String(),
    task_type: Type.String(),
    status: Type.Union([
      Type.Literal("queued"),
      Type.Literal("running"),
      Type.Literal("succeeded"),
      Type.Literal("failed"),
      Type.Literal("cancelled"),
    ]),
    attempts: Type.Integer(),
    created_at: Type.String(),
    started_at: Type.Union([Type.String(), Type.Null()]),
    ended_at: Type.Union([Type.String(), Type.Null()]),
    result: Type.Unknown(),
    error: Type.Union([Type.Object({ code: Type.String(), message: Type.String() }), Type.Null()]),
  },
  { title: "Execution" },
);
const byId = strict({ id: Type.String({ format: "uuid" }) });
const secured = { tags: ["agents"], security: bearer };

/** Agents over HTTP: run a task, look at it, end it. */
export function executionRoutes(app: App, parts: ExecutionParts): void {
  executeRoute(app, parts);
  statusRoutes(app, parts);
  lookRoutes(app, parts);
}

function executeRoute(app: App, parts: ExecutionParts): void {
  const { queue, orchestrator, clock } = parts;
  const checks = new TaskChecks();
  app.post(
    "/agents/execute",
    {
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
      const { agent_type: agentType, timeout_ms: timeoutMs = deadlineUnlessGivenMs } = request.body;
      const task = {
        type: request.body.task.type,
        input: request.body.task.input,
        parameters: request.body.task.parameters ?? {},
      };
      if (orchestrator.draining)
        throw new RequestFailure("unavailable", "SERVICE_DRAINING", "The service is ending.", { retryAfter: 2 });
      checks.check(orchestrator.taskOf(agentType, task.type), request.body);
      const requestDigest = createHash("sha256").update(JSON.stringify(request.body)).digest("base64");
      const key = request.headers["idempotency-key"];
      const { execution, added, digest } = await queue.add({
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
      if (added) await orchestrator.announce();
      reply.header("location", `/agents/executions/${execution.id}`);
      if (/\brespond-async\b/.test(request.headers.prefer ?? "") && !isEnded(execution.state)) {
        return reply.code(202).header("preference-applied", "respond-async").send(shown(execution));
      }
      const ended = await orchestrator.ended(tenantId, execution.id, gone(request));
      return reply.code(200).send(shown(ended ?? execution));
    },
  );
}

/** Aborts when the caller hangs up: the execution goes on, but nobody waits for it. */
function gone(request: FastifyRequest): AbortSignal {
  const controller = new AbortController();
  request.raw.socket.once("close", () => controller.abort());
  return controller.signal;
}

/** A task's own schemas, each compiled once. */
class TaskChecks {
  readonly #ajv = new Ajv({ strict: true, allErrors: false });
  readonly #compiled = new Map<AgentTask, readonly [ValidateFunction, ValidateFunction]>();

  /** @throws RequestFailure `AGENT_TYPE_UNKNOWN`, `TASK_INVALID` */
  check(task: AgentTask | undefined, { agent_type: agentType, task: asked }: Static<typeof executeBody>): void {
    if (!task) {
      const message = `There is no agent type ${agentType} with a task ${asked.type}. GET /agents/types lists them.`;
      throw new RequestFailure("unprocessable", "AGENT_TYPE_UNKNOWN", message);
    }
    const [input, parameters] = this.#compile(task);
    this.#checkPart(input, "input", asked.input);
    this.#checkPart(parameters, "parameters", asked.parameters ?? {});
  }

  #compile(task: AgentTask): readonly [ValidateFunction, ValidateFunction] {
    const known = this.#compiled.get(task);
    if (known) return known;
    const compiled = [this.#ajv.compile(task.input), this.#ajv.compile(task.parameters)] as const;
    this.#compiled.set(task, compiled);
    return compiled;
  }

  #checkPart(validate: ValidateFunction, part: string, value: unknown): void {
    if (validate(value)) return;
    const { instancePath, message } = validate.errors?.[0] ?? { instancePath: "", message: undefined };
    throw new RequestFailure(
      "invalid_request",
      "TASK_INVALID",
      `task/${part}${instancePath} ${message ?? "is wrong"}.`,
      {
        details: { path: `/task/${part}${instancePath}` },
      },
    );
  }
}

function statusRoutes(app: App, { queue, orchestrator, types }: ExecutionParts): void {
  app.get(
    "/agents/types",
    {
      schema: { ...secured, summary: "What agents can do", response: { 200: Type.Array(Type.Unknown()), ...failures } },
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
      const { queued, running } = await queue.counts();
      const { running: ours, capacity } = orchestrator.statistics;
      return { queued, running, here: { running: ours, capacity } };
    },
  );
}

function lookRoutes(app: App, { queue, orchestrator }: ExecutionParts): void {
  app.get(
    "/agents/executions",
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

function found(execution: Execution | undefined): Execution {
  if (execution) return execution;
  throw new RequestFailure("not_found", "EXECUTION_UNKNOWN", "There is no such execution.");
}

const shown = (execution: Execution): Static<typeof executionSchema> => ({
  execution_id: execution.id,
  agent_type: execution.agentType,
  task_type: execution.task.type,
  status: execution.state,
  attempts: execution.attempts,
  created_at: execution.createdAt.toISOString(),
  started_at: execution.startedAt?.toISOString() ?? null,
  ended_at: execution.endedAt?.toISOString() ?? null,
  result: execution.result,
  error: execution.error,
});
