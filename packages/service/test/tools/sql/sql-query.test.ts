import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "@mettle/core";
import type { Database } from "../../../src/storage/database.ts";
import { migrate } from "../../../src/storage/migrate.ts";
import { migrations } from "../../../src/storage/migrations/index.ts";
import { sqlQuery } from "../../../src/tools/sql/sql-query.ts";
import { TenantReaders } from "../../../src/tools/sql/tenant-readers.ts";
import { ToolBox } from "../../../src/tools/tool-box.ts";
import { testDatabase, testServer, urlOf } from "../../storage/server.ts";

let postgres: Awaited<ReturnType<typeof testServer>>;
let database: Database;
let box: ToolBox;
const [mine, theirs] = [randomUUID(), randomUUID()];
beforeAll(async () => {
  postgres = await testServer();
  database = await testDatabase(postgres.server);
  await migrate(database, migrations);
  for (const [tenant, title] of [
    [mine, "Mill"],
    [theirs, "Vault 7431"],
  ] as const) {
    await database.run("INSERT INTO tenants (id, name) VALUES ($1::uuid, $2)", [tenant, title]);
    await database.run(
      `INSERT INTO knowledge_documents (id, tenant_id, title, format, digest, chunks, characters, created_by, created_at)
       VALUES (gen_random_uuid(), $1, $2, 'text', '\\x00', 1, 1, $1, now())`,
      [tenant, title],
    );
  }
  await database.run(
    "INSERT INTO users (id, tenant_id, name, role, password_hash) VALUES ($1, $1, 'eve', 'admin', 'the hash')",
    [theirs],
  );
  box = new ToolBox(
    [sqlQuery({ readers: new TenantReaders(database), connection: await urlOf(postgres.server, database) })],
    systemClock,
  );
});
afterAll(async () => {
  await database.close();
  await postgres[Symbol.asyncDispose]();
});
interface Rows {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  readonly cut: boolean;
}
const query = async (sql: string, tenantId = mine, more: object = {}): Promise<Rows> =>
  (await box.call({ name: "sql_query", input: { sql, ...more }, tenantId })).output as Rows;

test("a service that is told its login among the address's parameters lends it to nobody", async () => {
  const { user } = postgres.server.connection;
  const connection = `${await urlOf(postgres.server, database)}&user=${user}&password=any`;
  const tool = new ToolBox([sqlQuery({ readers: new TenantReaders(database), connection })], systemClock);
  const call = (sql: string) => tool.call({ name: "sql_query", input: { sql }, tenantId: mine });
  await expect(call("SELECT password_hash FROM public.users")).rejects.toMatchObject({ code: "TOOL_FAILED" });
  expect(
    (await call("SELECT starts_with(session_user, 'mettle_reader_') AS is, title FROM documents")).output,
  ).toMatchObject({
    rows: [[true, "Mill"]],
  });
});

test("each tenant reads its own rows", async () => {
  expect(await query("SELECT title, chunks AS parts FROM documents -- mine;")).toEqual({
    columns: ["title", "parts"],
    rows: [["Mill", 1]],
    cut: false,
  });
  expect((await query("SELECT title FROM documents;", theirs)).rows).toEqual([["Vault 7431"]]);
  expect((await query("SELECT name FROM users")).rows).toEqual([]);
});

test("two that ask for the first time at once have one login", async () => {
  const tenant = randomUUID();
  await database.run("INSERT INTO tenants (id, name) VALUES ($1::uuid, $2)", [tenant, tenant]);
  const readers = [new TenantReaders(database), new TenantReaders(database)];
  const [first, second] = await Promise.all(readers.map((one) => one.readerOf(tenant)));
  expect(first).toEqual(second);
});

test("a login that is there already may read views that came later", async () => {
  const tenant = randomUUID();
  await database.run("INSERT INTO tenants (id, name) VALUES ($1::uuid, $2)", [tenant, tenant]);
  const { role } = await new TenantReaders(database).readerOf(tenant);
  const mayRead = async (): Promise<boolean> => {
    const [row] = await database.query<{ may: boolean }>(
      "SELECT has_table_privilege($1, 'tenant_view.agents', 'SELECT') AS may",
      [role],
    );
    return row?.may ?? false;
  };
  await database.run(`REVOKE SELECT ON tenant_view.agents FROM ${role}`);
  expect(await mayRead()).toBe(false);
  await new TenantReaders(database).readerOf(tenant);
  expect(await mayRead()).toBe(true);
});

test("rows beyond the limit are cut", async () => {
  const { rows, cut } = await query("SELECT * FROM generate_series(1, 100) AS n", mine, { rows: 3 });
  expect([rows, cut]).toEqual([[[1], [2], [3]], true]);
});

describe("nothing of another tenant can be had", () => {
  test.each([
    ["the tables themselves", "SELECT title FROM public.knowledge_documents"],
    ["the users' table", "SELECT password_hash FROM public.users"],
    ["signing keys", "SELECT private_jwk FROM public.signing_keys"],
    ["readers' passwords", "SELECT password FROM public.tenant_readers"],
    ["the server's passwords", "SELECT rolpassword FROM pg_authid"],
    ["another role", "SELECT set_config('role', 'mettle', true), title FROM documents"],
    ["another session user", "SELECT set_config('session_authorization', 'mettle', false)"],
    ["files", "SELECT pg_read_file('/etc/passwd')"],
    ["folders", "SELECT pg_ls_dir('/')"],
    ["programs", "COPY (SELECT 1) TO PROGRAM 'id'"],
    ["a second statement", "SELECT 1) AS a; DROP TABLE public.users; SELECT (1"],
    ["a statement that changes", "DELETE FROM documents RETURNING id"],
    ["a change hidden in a question", "WITH gone AS (DELETE FROM documents RETURNING id) SELECT * FROM gone"],
    ["the log of changes, which fills the disk", "SELECT pg_logical_emit_message(false, 'a', 'b')"],
    ["the log of changes, in bytes", "SELECT pg_logical_emit_message(true, 'a', 'b'::bytea)"],
    ["large objects", "SELECT lo_import('/etc/passwd')"],
    ["a new sequence or table", "SELECT query_to_xml('CREATE TABLE t (a int)', true, true, '')"],
    ["another statement in a string", "SELECT query_to_xml('SELECT password_hash FROM public.users', true, true, '')"],
  ])("%s", async (_name, sql) => {
    await expect(query(sql)).rejects.toMatchObject({ type: "unprocessable", code: "TOOL_FAILED" });
  });

  test.each([
    "SELECT title FROM documents WHERE CASE WHEN title LIKE 'Vault%' THEN 1 / (length(title) - 10) ELSE 1 END = 1",
    "SELECT title FROM documents WHERE CASE WHEN title LIKE 'V%' THEN title::int ELSE 1 END = 1",
    "SELECT a.title FROM documents a JOIN tenant_view.documents b ON true WHERE set_config('mettle.tenant', 'x', true) IS NOT NULL",
    "SELECT set_config('search_path', 'public', true), (SELECT string_agg(title, ',') FROM tenant_view.documents)",
    "SELECT query::text FROM pg_stat_activity WHERE usename <> session_user AND query LIKE '%Vault%'",
    "SELECT most_common_vals::text FROM pg_stats WHERE tablename = 'knowledge_documents'",
  ])("not by trying either: %s", async (sql) => {
    const { rows } = await query(sql);
    expect(JSON.stringify(rows)).not.toMatch(/Vault/);
  });
});

test("nothing is left of a statement: no lock, no message, no setting", async () => {
  const heard: unknown[] = [];
  await database.withConnection(async (connection) => {
    connection.on("notification", (news) => heard.push(news));
    await connection.query("LISTEN told");
    await query(
      "SELECT pg_notify('told', 'x'), pg_advisory_lock(7239410558), set_config('statement_timeout', '0', false)",
    );
    await connection.query("SELECT 1");
    const { rows } = await connection.query<{ free: boolean }>("SELECT pg_try_advisory_lock(7239410558) AS free");
    expect(rows).toEqual([{ free: true }]);
    await connection.query("SELECT pg_advisory_unlock_all()");
  });
  expect(heard).toEqual([]);
});

test("statements that take too long or too much are ended", async () => {
  await expect(query("SELECT repeat('x', 20000000)")).rejects.toMatchObject({
    message: expect.stringMatching(/more than 4000000 bytes/) as string,
  });
  await expect(query("SELECT set_config('statement_timeout', '0', false), pg_sleep(60)")).rejects.toMatchObject({
    code: "TOOL_TIMEOUT",
  });
  const ended = new AbortController();
  const running = box.call({
    name: "sql_query",
    input: { sql: "SELECT pg_sleep(60)" },
    tenantId: mine,
    signal: ended.signal,
  });
  setImmediate(() => ended.abort());
  await expect(running).rejects.toThrow();
});

test("a character that no text may have is the caller's mistake", async () => {
  await expect(query("SELECT 1\0")).rejects.toMatchObject({ code: "TOOL_INPUT_INVALID" });
});
