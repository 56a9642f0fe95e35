import { timeOrderedId } from "@mettle/core";
import type { Database } from "../../storage/database.ts";

/** How an agent that somebody set up works. */
interface AgentConfiguration {
  /** Of an execution, unless that says otherwise. */
  readonly timeout_seconds: number;
  /** Of one answer of the model, at most. */
  readonly max_tokens: number;
  /** 0 for the same answer each time; models take up to 2. */
  readonly temperature: number;
}

export interface SetUpAgent {
  readonly id: string;
  readonly name: string;
  readonly agentType: string;
  readonly configuration: AgentConfiguration;
  readonly createdAt: Date;
}

interface AgentRow {
  readonly id: string;
  readonly name: string;
  readonly agent_type: string;
  readonly configuration: AgentConfiguration;
  readonly created_at: Date;
}

const columns = "id, name, agent_type, configuration, created_at";

/** The agents that a tenant has set up: each a type and how it is to work. Every statement names the tenant. */
export class AgentStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async add(tenantId: string, agent: Omit<SetUpAgent, "id">): Promise<SetUpAgent> {
    const id = timeOrderedId();
    const { name, agentType, configuration, createdAt } = agent;
    await this.#database.run(
      `INSERT INTO agents (id, tenant_id, name, agent_type, configuration, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
      [id, tenantId, name, agentType, JSON.stringify(configuration), createdAt],
    );
    return { id, ...agent };
  }

  async find(tenantId: string, id: string): Promise<SetUpAgent | undefined> {
    const [row] = await this.#database.query<AgentRow>(
      `SELECT ${columns} FROM agents WHERE tenant_id = $1 AND id = $2`,
      [tenantId, id],
    );
    return row && agentOf(row);
  }

  /** The newest first. @param after - id of the last one of the page before */
  async list(
    tenantId: string,
    limit: number,
    { after, agentType }: { readonly after?: string | undefined; readonly agentType?: string | undefined },
  ): Promise<{ readonly agents: readonly SetUpAgent[]; readonly next: string | undefined }> {
    const rows = await this.#database.query<AgentRow>(
      `SELECT ${columns} FROM agents
       WHERE tenant_id = $1 AND ($2::text IS NULL OR agent_type = $2)
         AND ($3::uuid IS NULL OR (created_at, id) < (SELECT created_at, id FROM agents WHERE tenant_id = $1 AND id = $3))
       ORDER BY created_at DESC, id DESC LIMIT $4`,
      [tenantId, agentType ?? null, after ?? null, limit + 1],
    );
    const agents = rows.slice(0, limit).map(agentOf);
    return { agents, next: rows.length > limit ? agents.at(-1)?.id : undefined };
  }

  /** @returns false when the tenant has no such agent */
  async remove(tenantId: string, id: string): Promise<boolean> {
    return (await this.#database.run("DELETE FROM agents WHERE tenant_id = $1 AND id = $2", [tenantId, id])) === 1;
  }
}

const agentOf = ({ agent_type: agentType, created_at: createdAt, ...row }: AgentRow): SetUpAgent => ({
  ...row,
  agentType,
  createdAt,
});
