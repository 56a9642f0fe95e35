import type { Database, Queries } from "../../storage/database.ts";
import { toFloat16 } from "../index/float16.ts";
import { nextVersion } from "../knowledge-store.ts";

/** A passage that has no vector of the model in use yet. */
export interface Unchanged {
  readonly key: number;
  readonly heading: string | null;
  readonly text: string;
}

/** How far the change of a tenant's model is. */
export interface ModelChange {
  readonly model: string;
  readonly done: number;
  readonly total: number;
}

/** Rows deleted in one statement. */
const deletedAtOnce = 5000;

/** What the database knows of embedding models, and of tenants that change from one to another. */
export class ModelStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** From now on this is the model to be used, by all instances. @param baseUrl - undefined for the embedded one */
  async use(model: string, baseUrl: string | undefined): Promise<void> {
    await this.#database.run(
      `INSERT INTO knowledge_models (model, base_url, used_at) VALUES ($1, $2, clock_timestamp())
       ON CONFLICT (model) DO UPDATE SET base_url = excluded.base_url, used_at = excluded.used_at`,
      [model, baseUrl ?? null],
    );
  }

  /** False when an instance with another model was started since: it is that one's turn to change tenants. */
  async isUsed(model: string): Promise<boolean> {
    const [row] = await this.#database.query<{ model: string }>(
      "SELECT model FROM knowledge_models ORDER BY used_at DESC LIMIT 1",
    );
    return row?.model === model;
  }

  /** Where a model was asked when it was used last. */
  async baseUrlOf(model: string): Promise<string | undefined> {
    const [row] = await this.#database.query<{ base_url: string | null }>(
      "SELECT base_url FROM knowledge_models WHERE model = $1",
      [model],
    );
    return row?.base_url ?? undefined;
  }

  /** Tenants whose searches go by another model, or which have vectors of another one. */
  async tenantsToChange(model: string): Promise<readonly string[]> {
    const rows = await this.#database.query<{ tenant_id: string }>(
      `SELECT tenant_id FROM knowledge_states WHERE model IS DISTINCT FROM $1
       UNION SELECT tenant_id FROM knowledge_vectors WHERE model < $1 OR model > $1`,
      [model],
    );
    return rows.map(({ tenant_id: id }) => id);
  }

  async changeOf(tenantId: string): Promise<ModelChange | undefined> {
    const [row] = await this.#database.query<{ model: string | null; done: string; total: string }>(
      "SELECT changing_to AS model, changed AS done, to_change AS total FROM knowledge_states WHERE tenant_id = $1",
      [tenantId],
    );
    if (row === undefined || row.model === null) return undefined;
    return { model: row.model, done: Number(row.done), total: Number(row.total) };
  }

  /** Runs `work` unless another instance does so for this tenant: its lock ends with it, however it ends. */
  async alone(tenantId: string, work: () => Promise<void>): Promise<void> {
    const lock = ["SELECT pg_try_advisory_lock(hashtextextended($1, 20)) AS got", [`knowledge ${tenantId}`]] as const;
    await this.#database.withConnection(async (connection) => {
      const { rows } = await connection.query<{ got: boolean }>(lock[0], [...lock[1]]);
      if (rows[0]?.got !== true) return;
      try {
        await work();
      } finally {
        await connection.query("SELECT pg_advisory_unlock(hashtextextended($1, 20))", [...lock[1]]);
      }
    });
  }

  /** Counts what is to be done, for whoever asks how far it is. @returns the models that there are vectors of, beside this one */
  async begin(tenantId: string, model: string): Promise<readonly string[]> {
    const rows = await this.#database.query<{ model: string; keys: string; missing: string }>(
      `SELECT v.model, count(*) AS keys, count(*) FILTER (WHERE ours.key IS NULL) AS missing
       FROM knowledge_vectors v LEFT JOIN knowledge_vectors ours ON ours.key = v.key AND ours.model = $2
       WHERE v.tenant_id = $1 AND v.model <> $2 GROUP BY v.model`,
      [tenantId, model],
    );
    const most = (of: "keys" | "missing"): number => Math.max(0, ...rows.map((row) => Number(row[of])));
    await this.#database.run(
      "UPDATE knowledge_states SET changing_to = $2, changed = $3, to_change = $4 WHERE tenant_id = $1",
      [tenantId, model, most("keys") - most("missing"), most("keys")],
    );
    return rows.map((row) => row.model);
  }

  /** Passages that have a vector of the model `other` and none of `model`, by their keys. */
  async unchanged(
    { tenantId, model, other }: { readonly tenantId: string; readonly model: string; readonly other: string },
    after: number,
    limit: number,
  ): Promise<readonly Unchanged[]> {
    const rows = await this.#database.query<Omit<Unchanged, "key"> & { readonly key: string }>(
      `SELECT v.key, c.heading, c.text FROM knowledge_vectors v JOIN knowledge_chunks c ON c.key = v.key
       WHERE v.model = $3 AND v.tenant_id = $1 AND v.key > $4
         AND NOT EXISTS (SELECT FROM knowledge_vectors ours WHERE ours.key = v.key AND ours.model = $2)
       ORDER BY v.key LIMIT $5`,
      [tenantId, model, other, after, limit],
    );
    return rows.map((row) => ({ ...row, key: Number(row.key) }));
  }

  /** Stores vectors of passages that are still there. */
  async add(tenantId: string, model: string, keys: readonly number[], vectors: readonly Float32Array[]): Promise<void> {
    await this.#database.transaction(async (queries) => {
      // Passages before the tenant, as a removal takes them: who took them the other way round would wait in a circle.
      await queries.query("SELECT key FROM knowledge_chunks WHERE key = ANY($1::bigint[]) ORDER BY key FOR KEY SHARE", [
        keys,
      ]);
      const version = await nextVersion(queries, tenantId);
      await queries.run(
        `INSERT INTO knowledge_vectors (key, tenant_id, version, model, vector)
         SELECT t.key, $1, $2, $3, t.vector FROM unnest($4::bigint[], $5::bytea[]) AS t (key, vector)
         JOIN knowledge_chunks c ON c.key = t.key ON CONFLICT DO NOTHING`,
        [tenantId, version, model, keys, vectors.map(toFloat16)],
      );
      await queries.run("UPDATE knowledge_states SET changed = changed + $2 WHERE tenant_id = $1", [
        tenantId,
        keys.length,
      ]);
    });
  }

  /** From here on searches go by the new model. @returns false when a passage came meanwhile that it does not know */
  async finish(tenantId: string, model: string): Promise<boolean> {
    return this.#database.transaction(async (queries) => {
      await nextVersion(queries, tenantId);
      if (await anyUnchanged(queries, tenantId, model)) return false;
      await queries.run(
        `UPDATE knowledge_states SET model = $2, changing_to = NULL, changed = NULL, to_change = NULL
         WHERE tenant_id = $1`,
        [tenantId, model],
      );
      return true;
    });
  }

  /** Deletes vectors of other models; never a passage's only one. */
  async forgetOthers(tenantId: string, model: string, other: string): Promise<void> {
    let deleted = deletedAtOnce;
    while (deleted === deletedAtOnce) {
      deleted = await this.#database.run(
        `DELETE FROM knowledge_vectors WHERE model = $3 AND key IN (
           SELECT v.key FROM knowledge_vectors v
           JOIN knowledge_vectors ours ON ours.key = v.key AND ours.model = $2
           WHERE v.model = $3 AND v.tenant_id = $1 LIMIT ${deletedAtOnce})`,
        [tenantId, model, other],
      );
    }
  }
}

async function anyUnchanged(queries: Queries, tenantId: string, model: string): Promise<boolean> {
  const rows = await queries.query(
    `SELECT 1 FROM knowledge_vectors v WHERE v.tenant_id = $1 AND v.model <> $2
       AND NOT EXISTS (SELECT FROM knowledge_vectors ours WHERE ours.key = v.key AND ours.model = $2) LIMIT 1`,
    [tenantId, model],
  );
  return rows.length > 0;
}
