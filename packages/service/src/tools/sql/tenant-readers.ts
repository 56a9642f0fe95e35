import { randomBytes } from "node:crypto";
import type pg from "pg";
import type { Database, Queries } from "../../storage/database.ts";
import { ToolFailure } from "../tool.ts";

/** A login that sees one tenant's views and nothing else. */
export interface Reader {
  readonly role: string;
  readonly password: string;
}

const statementSeconds = 5;
const connectionsAtMost = 4;
const insufficientPrivilege = "42501";

/** The logins of tenants, each made when it is first needed. */
export class TenantReaders {
  readonly #database: Database;
  readonly #known = new Map<string, Promise<Reader>>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** @throws ToolFailure `TOOL_UNAVAILABLE` where the service's own database user may make no roles */
  readerOf(tenantId: string): Promise<Reader> {
    const known = this.#known.get(tenantId);
    if (known) return known;
    const made = this.#database.transaction((queries) => ensureReader(queries, tenantId)).catch(explained);
    this.#known.set(tenantId, made);
    made.catch(() => this.#known.delete(tenantId)); // told to whoever asked; the next call tries again
    return made;
  }
}

/** Of a tenant id, so that a database on the same server has the same role for the same tenant and no other. */
const roleOf = (tenantId: string): string => `mettle_reader_${tenantId.replaceAll("-", "")}`;

async function ensureReader(queries: Queries, tenantId: string): Promise<Reader> {
  const role = roleOf(tenantId);
  if (!/^mettle_reader_[\da-f]{32}$/.test(role)) throw new ToolFailure("The tenant has no id of the usual form.");
  await queries.query("SELECT pg_advisory_xact_lock(hashtext($1))", [role]);
  const { password: known, exists, superuser } = await standingOf(queries, role, tenantId);
  if (known !== undefined && exists) {
    // A restored database knows the server's role, but the role may read nothing of it yet; nor views of a newer version.
    if (!(await readsAll(queries, role))) await grant(queries, role);
    return { role, password: known };
  }
  const password = randomBytes(24).toString("hex");
  // A name and a password of known letters: they can be nothing but a name and a password.
  const attributes = `LOGIN NOINHERIT CONNECTION LIMIT ${connectionsAtMost} PASSWORD '${password}'`;
  await queries.run(`${exists ? "ALTER" : "CREATE"} ROLE ${role} ${attributes}`);
  await grant(queries, role);
  await queries.run(`ALTER ROLE ${role} SET search_path = tenant_view`);
  await queries.run(`ALTER ROLE ${role} SET default_transaction_read_only = on`);
  await queries.run(`ALTER ROLE ${role} SET statement_timeout = '${statementSeconds}s'`);
  if (superuser) await queries.run(`ALTER ROLE ${role} SET temp_file_limit = '256MB'`);
  await queries.run(
    `INSERT INTO tenant_readers (role, tenant_id, password) VALUES ($1, $2, $3)
     ON CONFLICT (role) DO UPDATE SET password = excluded.password`,
    [role, tenantId, password],
  );
  return { role, password };
}

interface Standing {
  /** As this database has it; undefined when it knows no such role. */
  readonly password: string | undefined;
  /** On the server, which other databases share. */
  readonly exists: boolean;
  readonly superuser: boolean;
}

async function standingOf(queries: Queries, role: string, tenantId: string): Promise<Standing> {
  const [row] = await queries.query<{ password: string | null; exists: boolean; superuser: boolean }>(
    `SELECT (SELECT password FROM tenant_readers WHERE role = $1::name AND tenant_id = $2) AS password,
       EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS exists,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser`,
    [role, tenantId],
  );
  const { password, exists, superuser } = row as { password: string | null; exists: boolean; superuser: boolean };
  return { password: password ?? undefined, exists, superuser };
}

async function readsAll(queries: Queries, role: string): Promise<boolean> {
  const [row] = await queries.query<{ all: boolean }>(
    `SELECT has_schema_privilege($1, 'tenant_view', 'USAGE') AND bool_and(has_table_privilege($1, oid, 'SELECT')) AS all
     FROM pg_class WHERE relnamespace = 'tenant_view'::regnamespace AND relkind = 'v'`,
    [role],
  );
  return row?.all === true;
}

async function grant(queries: Queries, role: string): Promise<void> {
  await queries.run(`GRANT USAGE ON SCHEMA tenant_view TO ${role}`);
  await queries.run(`GRANT SELECT ON ALL TABLES IN SCHEMA tenant_view TO ${role}`);
}

function explained(error: unknown): never {
  if ((error as { readonly code?: unknown }).code !== insufficientPrivilege) throw error;
  const message =
    "SQL needs a database role for each tenant: give the service's database user the attribute CREATEROLE.";
  throw new ToolFailure(message, "TOOL_UNAVAILABLE", { cause: error });
}

/** How a reader connects to the service's database. */
export const readerConnection = (own: string | pg.PoolConfig, { role, password }: Reader): pg.ClientConfig => {
  if (typeof own !== "string") return { ...(own as pg.ClientConfig), user: role, password };
  const url = new URL(own);
  // The driver takes a login among the parameters before that of the address: it would be the service's own.
  for (const parameter of ["user", "password"]) url.searchParams.delete(parameter);
  url.username = role;
  url.password = password;
  return { connectionString: url.href };
};
