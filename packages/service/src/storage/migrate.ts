import { createHash } from "node:crypto";
import { messageOf } from "@mettle/core";
import { serviceErrors } from "../errors.ts";
import { type Connection, type Database, queriesOf } from "./database.ts";

/** One step of the schema, forward only. Never edited once released. */
export interface Migration {
  /** Sorts by its number: `0001-users`. */
  readonly name: string;
  readonly sql: string;
}

interface Applied {
  readonly name: string;
  readonly checksum: string;
}

/** Any number that no other program on this database locks by. */
const lockKey = 7_239_410_558;

/**
 * Brings the schema up to date, each migration in a transaction of its own. Instances that start together wait for one
 * another.
 *
 * @returns the names applied now
 * @throws MettleError `MIGRATION_CHANGED`, `MIGRATION_UNKNOWN`, `MIGRATION_FAILED`
 */
export async function migrate(database: Database, migrations: readonly Migration[]): Promise<readonly string[]> {
  return database.withConnection(async (connection) => {
    // Not limited by the statement timeout: the instance before may have a large table to change.
    await connection.query("SET statement_timeout = 0");
    await connection.query("SELECT pg_advisory_lock($1)", [lockKey]);
    try {
      return await applyAll(connection, migrations);
    } finally {
      await connection.query("SELECT pg_advisory_unlock($1)", [lockKey]);
      await connection.query("RESET statement_timeout");
    }
  });
}

async function applyAll(connection: Connection, migrations: readonly Migration[]): Promise<readonly string[]> {
  const { query, run } = queriesOf(connection);
  await run(`CREATE TABLE IF NOT EXISTS schema_migrations (
    name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
  const applied = await query<Applied>("SELECT name, checksum FROM schema_migrations ORDER BY name");
  checkHistory(applied, migrations);
  const known = new Set(applied.map(({ name }) => name));
  const pending = migrations.filter(({ name }) => !known.has(name)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  for (const migration of pending) await apply(connection, migration);
  return pending.map(({ name }) => name);
}

function checkHistory(applied: readonly Applied[], migrations: readonly Migration[]): void {
  const ours = new Map(migrations.map((migration) => [migration.name, checksumOf(migration)]));
  for (const { name, checksum } of applied) {
    const own = ours.get(name);
    if (own === undefined) {
      throw serviceErrors.create(
        "MIGRATION_UNKNOWN",
        `The database has had a migration "${name}" that is not known here.`,
      );
    }
    if (own !== checksum) {
      throw serviceErrors.create("MIGRATION_CHANGED", `The migration "${name}" is not the one that was applied.`);
    }
  }
}

async function apply(connection: Connection, migration: Migration): Promise<void> {
  const { run } = queriesOf(connection);
  try {
    await run("BEGIN");
    await run(migration.sql);
    await run("INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)", [
      migration.name,
      checksumOf(migration),
    ]);
    await run("COMMIT");
  } catch (cause) {
    await run("ROLLBACK");
    throw serviceErrors.create("MIGRATION_FAILED", `The migration "${migration.name}" failed: ${messageOf(cause)}.`, {
      cause,
    });
  }
}

const checksumOf = ({ sql }: Migration): string => createHash("sha256").update(sql).digest("hex");
