import type { KnowledgeQuery, KnowledgeSearch, Passage } from "../agents/knowledge-search.ts";
import { termsOf } from "../agents/text/sentences.ts";
import type { Database } from "../storage/database.ts";

/** Older results are out of date, and reading all of them would take too long. */
const newest = 200;
const resultBytesAtMost = 20_000;
const textAtMost = 4000;

interface FoundRow {
  readonly id: string;
  readonly agent_type: string;
  readonly task_type: string;
  readonly ended_at: Date;
  readonly result: unknown;
  readonly score: number;
}

/**
 * Finds what agents came to before, in the database, by PostgreSQL's full-text search over the newest results of the tenant.
 * Reports of research are left out: they would cite one another.
 */
export class ExecutionSearch implements KnowledgeSearch {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async search({ tenantId, text, limit }: KnowledgeQuery): Promise<readonly Passage[]> {
    const words = [...new Set(termsOf(text))].join(" or ");
    if (words === "") return [];
    const rows = await this.#database.query<FoundRow>(
      `SELECT id, agent_type, task->>'type' AS task_type, ended_at, result,
         ts_rank_cd(jsonb_to_tsvector('english', result, '["string"]'), query, 32) AS score
       FROM (SELECT * FROM executions WHERE tenant_id = $1 ORDER BY created_at DESC, id DESC LIMIT $3) recent,
         websearch_to_tsquery('english', $2) query
       WHERE state = 'succeeded' AND agent_type <> 'multi_step_processor' AND pg_column_size(result) < $4
         AND jsonb_to_tsvector('english', result, '["string"]') @@ query
       ORDER BY score DESC, id DESC LIMIT $5`,
      [tenantId, words, newest, resultBytesAtMost, limit],
    );
    return rows.map(({ id, agent_type: agent, task_type: task, ended_at: at, result, score }) => ({
      documentId: id,
      passageId: "result",
      title: `${task} by ${agent}, ${at.toISOString().slice(0, 10)}`,
      text: textsIn(result).join("\n\n").slice(0, textAtMost),
      score,
    }));
  }
}

const textsIn = (value: unknown): readonly string[] => {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap((part) => textsIn(part)) : [];
};
