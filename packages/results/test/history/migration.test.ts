import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { migrate } from "../../src/history/schema.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const first = "CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1)";
const second = (database: DatabaseSync): void =>
  database.exec("ALTER TABLE a ADD COLUMN y INTEGER; UPDATE a SET y = x + 1");
const rows = (database: DatabaseSync): unknown[] =>
  database
    .prepare("SELECT * FROM a")
    .all()
    .map((row) => ({ ...row }));

test("an old file is brought to the newest schema, keeping what it holds; a current one is left alone", () => {
  using database = new DatabaseSync(":memory:");
  migrate(database, "h", [first]);
  migrate(database, "h", [first, second]);
  migrate(database, "h", [first, second]);
  expect(rows(database)).toEqual([{ x: 1, y: 2 }]);
});

test("a step that fails leaves the file as it was", () => {
  using database = new DatabaseSync(":memory:");
  migrate(database, "h", [first]);
  const failing = (): void => {
    database.exec("UPDATE a SET x = 9");
    throw new Error("no");
  };
  expect(() => migrate(database, "h", [first, second, failing])).toThrow("no");
  expect(rows(database)).toEqual([{ x: 1 }]);
  migrate(database, "h", [first, second]);
  expect(rows(database)).toEqual([{ x: 1, y: 2 }]);
});

test("a second process that comes too late for a step does not repeat it", () => {
  const path = join(temporaryFolder(), "h.db");
  using one = new DatabaseSync(path);
  using other = new DatabaseSync(path);
  migrate(one, path, [first]);
  migrate(other, path, [first]);
  expect(rows(other)).toEqual([{ x: 1 }]);
});
