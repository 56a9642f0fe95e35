import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ManualClock, ms } from "@mettle/core";
import { LocalEmbedder } from "../../src/knowledge/embedding/local-embedder.ts";
import { KnowledgeStore } from "../../src/knowledge/knowledge-store.ts";
import { seedData } from "../../src/seed/seed-data.ts";
import type { Database, Row } from "../../src/storage/database.ts";
import { migrate } from "../../src/storage/migrate.ts";
import { migrations } from "../../src/storage/migrations/index.ts";
import { PasswordVerifier } from "../../src/auth/passwords.ts";
import { testDatabase, testServer } from "../storage/server.ts";

const dimensions = 1536;
const clock = new ManualClock(Date.UTC(2026, 5, 1));
let postgres: Awaited<ReturnType<typeof testServer>>;
const databases: Database[] = [];
beforeAll(async () => {
  postgres = await testServer();
});
afterAll(async () => {
  for (const database of databases) await database.close();
  await postgres[Symbol.asyncDispose]();
});

async function seeded(scale: number, told: string[] = []): Promise<Database> {
  const database = await testDatabase(postgres.server);
  databases.push(database);
  await migrate(database, migrations);
  await seedAgain(database, scale, told);
  return database;
}
async function seedAgain(database: Database, scale: number, told: string[]): Promise<void> {
  const embedder = await LocalEmbedder.load(dimensions);
  const onProgress = (what: string): void => void told.push(what);
  const store = new KnowledgeStore(database);
  await seedData({ database, store, embedder, clock, scale, seed: 5, password: "a pass phrase of seeds", onProgress });
}
async function one(database: Database, sql: string): Promise<Row> {
  const [row] = await database.query(sql);
  return row ?? {};
}

describe("a two-hundredth of it", () => {
  let database: Database;
  beforeAll(async () => {
    database = await seeded(0.005);
  });

  test("users of the last year, who log in with the password given (S4-053)", async () => {
    const row = await one(
      database,
      "SELECT count(*)::int AS n, count(DISTINCT name)::int AS names, min(created_at) AS first, max(created_at) AS last, min(password_hash) AS hash FROM users",
    );
    expect(row).toMatchObject({ n: 50, names: 50 });
    expect((row["first"] as Date).getTime()).toBeGreaterThanOrEqual(Date.UTC(2025, 5, 1));
    expect((row["last"] as Date).getTime()).toBeLessThanOrEqual(Date.UTC(2026, 5, 1));
    const verifier = new PasswordVerifier({ remember: ms(0) });
    expect(await verifier.verify(row["hash"] as string, "a pass phrase of seeds")).toBe(true);
  });

  test("agents of three types within their bounds (S4-054)", async () => {
    const row = await one(
      await seeded(0.02),
      `SELECT count(*)::int AS n, count(DISTINCT agent_type)::int AS types,
         min((configuration ->> 'timeout_seconds')::int) AS t0, max((configuration ->> 'timeout_seconds')::int) AS t1,
         min((configuration ->> 'max_tokens')::int) AS m0, max((configuration ->> 'max_tokens')::int) AS m1,
         min((configuration ->> 'temperature')::float8) AS c0, max((configuration ->> 'temperature')::float8) AS c1 FROM agents`,
    );
    expect(row).toMatchObject({ n: 20, types: 3 });
    // Of 20 draws the ends of the range are nearly reached.
    for (const [low, high, from, to] of [
      ["t0", "t1", 30, 330],
      ["m0", "m1", 1000, 5000],
      ["c0", "c1", 0.2, 1],
    ] as const) {
      const slack = (to - from) * 0.25;
      expect(row[low]).toBeGreaterThanOrEqual(from);
      expect(row[low]).toBeLessThan(from + slack);
      expect(row[high]).toBeLessThanOrEqual(to);
      expect(row[high]).toBeGreaterThan(to - slack);
    }
  });

  test("documents of four categories, with vectors of 1 536 numbers where these are set (S4-055)", async () => {
    const categories = await database.query(
      "SELECT category, count(*)::int AS n FROM knowledge_documents GROUP BY category ORDER BY category",
    );
    expect(categories.map(({ category }) => category)).toEqual(["business", "health", "science", "technology"]);
    expect(
      await one(
        database,
        "SELECT count(*)::int AS n, min(length(vector)) AS bytes, max(length(vector)) AS most FROM knowledge_vectors",
      ),
    ).toEqual({ n: 250, bytes: 2 * dimensions, most: 2 * dimensions });
  });

  test("executions of 90 days: most succeed, some fail, some are late; 100 … 30 100 ms (S4-056)", async () => {
    const row = await one(
      database,
      `SELECT count(*)::int AS n, avg((state = 'succeeded')::int)::float8 AS succeeded,
         avg((error ->> 'code' = 'EXECUTION_FAILED')::int) FILTER (WHERE state = 'failed')::float8 AS failed,
         count(*) FILTER (WHERE error ->> 'code' = 'EXECUTION_DEADLINE')::int AS late,
         min(extract(epoch FROM ended_at - started_at) * 1000)::float8 AS shortest,
         max(extract(epoch FROM ended_at - started_at) * 1000)::float8 AS longest,
         min(created_at) AS first FROM executions`,
    );
    expect(row).toMatchObject({ n: 2500 });
    expect(Math.abs((row["succeeded"] as number) - 0.85)).toBeLessThan(0.03); // four standard errors
    expect(Math.abs((row["failed"] as number) - 2 / 3)).toBeLessThan(0.1);
    expect(row["late"]).toBeGreaterThan(50);
    expect(row["shortest"]).toBeGreaterThanOrEqual(100);
    expect(row["longest"]).toBeLessThanOrEqual(30_100);
    expect((row["first"] as Date).getTime()).toBeGreaterThanOrEqual(Date.UTC(2026, 5, 1) - 90 * 86_400_000);
  });

  test("a second time nothing is added, and it is told", async () => {
    const told: string[] = [];
    await seedAgain(database, 0.005, told);
    expect(told.slice(0, 4)).toEqual([
      "users are there already",
      "agents are there already",
      "executions are there already",
      "documents are there already",
    ]);
    expect(await one(database, "SELECT count(*)::int AS n FROM executions")).toEqual({ n: 2500 });
  });

  test("the same seed gives the same data", async () => {
    const other = await seeded(0.005);
    const digest = `SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) AS digest FROM
      (SELECT title || category || format AS t FROM knowledge_documents
       UNION ALL SELECT id || user_id::text || agent_type || state || created_at FROM executions
       UNION ALL SELECT id || name || created_at FROM users UNION ALL SELECT name || configuration FROM agents) AS all_of_it`;
    expect(await one(other, digest)).toEqual(await one(database, digest));
  });
});
