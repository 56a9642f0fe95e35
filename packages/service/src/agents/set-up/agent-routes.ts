import { type Static, Type } from "typebox";
import type { Clock } from "@mettle/core";
import { principalOf } from "../../auth/authentication.ts";
import type { App } from "../../http/app.ts";
import { RequestFailure } from "../../http/failure.ts";
import { bearer, failures, strict } from "../../http/schemas.ts";
import type { AgentType } from "../agent-type.ts";
import type { AgentStore, SetUpAgent } from "./agent-store.ts";

export interface AgentParts {
  readonly agents: AgentStore;
  readonly types: readonly AgentType[];
  readonly clock: Clock;
}

const configuration = {
  timeout_seconds: Type.Integer({ minimum: 1, maximum: 3600 }),
  max_tokens: Type.Integer({ minimum: 1, maximum: 100_000 }),
  temperature: Type.Number({ minimum: 0, maximum: 2 }),
};
const name = Type.String({ minLength: 1, maxLength: 100, pattern: "^[^\\u0000-\\u001f\\u007f]+$" });
const typeName = Type.String({ minLength: 1, maxLength: 100 });
const agentSchema = Type.Object(
  {
    agent_id: Type.String(),
    name: Type.String(),
    agent_type: Type.String(),
    configuration: Type.Object(configuration),
    created_at: Type.String(),
  },
  { title: "Agent" },
);
const byId = strict({ id: Type.String({ format: "uuid" }) });
const secured = { tags: ["agents"], security: bearer };

/** Agents that a tenant has set up, for `agent_id` of an execution. Operators set them up. */
export function agentRoutes(app: App, parts: AgentParts): void {
  lookRoutes(app, parts);
  changeRoutes(app, parts);
}

function lookRoutes(app: App, { agents }: AgentParts): void {
  app.get(
    "/agents",
    {
      schema: {
        ...secured,
        summary: "The agents that the tenant has set up, the newest first",
        querystring: strict({
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
          after: Type.Optional(Type.String({ format: "uuid" })),
          agent_type: Type.Optional(typeName),
        }),
        response: {
          200: Type.Object({ agents: Type.Array(agentSchema), next: Type.Optional(Type.String()) }),
          ...failures,
        },
      },
    },
    async (request) => {
      const { limit = 20, after, agent_type: agentType } = request.query;
      const { agents: some, next } = await agents.list(principalOf(request).tenantId, limit, { after, agentType });
      return { agents: some.map(shown), ...(next !== undefined && { next }) };
    },
  );
  app.get(
    "/agents/:id",
    { schema: { ...secured, summary: "One of them", params: byId, response: { 200: agentSchema, ...failures } } },
    async (request) => shown(foundAgent(await agents.find(principalOf(request).tenantId, request.params.id))),
  );
}

function changeRoutes(app: App, { agents, types, clock }: AgentParts): void {
  app.post(
    "/agents",
    {
      schema: {
        ...secured,
        summary: "Sets an agent up: a type, and how it is to work",
        body: strict({ name, agent_type: typeName, configuration: strict(configuration) }),
        response: { 201: agentSchema, ...failures },
      },
    },
    async (request, reply) => {
      const { tenantId } = principalOf(request, "operator");
      const { agent_type: agentType, ...given } = request.body;
      if (!types.some((type) => type.name === agentType)) {
        const message = `There is no agent type ${agentType}. GET /agents/types lists them.`;
        throw new RequestFailure("unprocessable", "AGENT_TYPE_UNKNOWN", message);
      }
      const agent = await agents.add(tenantId, { ...given, agentType, createdAt: new Date(clock.wallTime()) });
      return reply.code(201).header("location", `/agents/${agent.id}`).send(shown(agent));
    },
  );
  app.delete(
    "/agents/:id",
    {
      schema: {
        ...secured,
        summary: "Forgets an agent; its executions stay",
        params: byId,
        response: { 204: Type.Null(), ...failures },
      },
    },
    async (request, reply) => {
      const removed = await agents.remove(principalOf(request, "operator").tenantId, request.params.id);
      if (!removed) foundAgent(undefined);
      return reply.code(204).send(null);
    },
  );
}

/** @throws RequestFailure `AGENT_UNKNOWN` */
export function foundAgent(agent: SetUpAgent | undefined): SetUpAgent {
  if (agent) return agent;
  throw new RequestFailure("not_found", "AGENT_UNKNOWN", "There is no such agent.");
}

const shown = ({ id, agentType, createdAt, ...agent }: SetUpAgent): Static<typeof agentSchema> => ({
  agent_id: id,
  agent_type: agentType,
  ...agent,
  created_at: createdAt.toISOString(),
});
