import { afterAll, beforeAll, expect, test } from "vitest";
import { migrate } from "../../src/storage/migrate.ts";
import { migrations } from "../../src/storage/migrations/index.ts";
import { testDatabase, testServer } from "./server.ts";

let postgres: Awaited<ReturnType<typeof testServer>>;
beforeAll(async () => {
  postgres = await testServer();
});
afterAll(async () => postgres[Symbol.asyncDispose]());

const first = { name: "0001-first", sql: "CREATE TABLE first (id int)" };
const second = { name: "0002-second", sql: "CREATE TABLE second (id int)" };

test("our own are applied once, also when several instances start together", async () => {
  await using database = await testDatabase(postgres.server);
  const applied = await Promise.all([1, 2, 3].map(() => migrate(database, migrations)));
  expect(applied.flat()).toEqual(migrations.map(({ name }) => name));
  expect(await migrate(database, migrations)).toEqual([]);
});

test("in the order of their names, each for good or not at all", async () => {
  await using database = await testDatabase(postgres.server);
  const broken = { name: "0003-broken", sql: "CREATE TABLE third (id int); SELECT 1/0" };
  await expect(migrate(database, [broken, second, first])).rejects.toMatchObject({
    code: "MIGRATION_FAILED",
    message: expect.stringContaining("0003-broken") as string,
  });
  expect(await database.query("SELECT name FROM schema_migrations ORDER BY applied_at")).toEqual([
    { name: "0001-first" },
    { name: "0002-second" },
  ]);
  expect(await database.query("SELECT to_regclass('third') AS third")).toEqual([{ third: null }]);
  const mended = { ...broken, sql: "CREATE TABLE third (id int)" };
  expect(await migrate(database, [first, second, mended])).toEqual(["0003-broken"]);
});

test("a changed or unknown step is refused", async () => {
  await using database = await testDatabase(postgres.server);
  await migrate(database, [first, second]);
  await expect(migrate(database, [first])).rejects.toMatchObject({ code: "MIGRATION_UNKNOWN" });
  const changed = { ...first, sql: "CREATE TABLE first (id bigint)" };
  await expect(migrate(database, [changed, second])).rejects.toMatchObject({ code: "MIGRATION_CHANGED" });
});
