import type { EventEmitter } from "node:events";
import { ms, systemClock } from "@mettle/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Database, poolDefaults } from "../../src/storage/database.ts";
import { databaseError } from "../../src/storage/database-errors.ts";
import { testDatabase, testServer } from "./server.ts";

let postgres: Awaited<ReturnType<typeof testServer>>;
beforeAll(async () => {
  postgres = await testServer();
});
afterAll(async () => postgres[Symbol.asyncDispose]());

test("gauges show connections in use, idle and waited for", async () => {
  await using database = await testDatabase(postgres.server, { min: 2, max: 2 });
  await database.warm();
  expect(database.gauges).toMatchObject({ open: 2, idle: 2, inUse: 0, waiting: 0, max: 2, utilization: 0 });
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const held = [1, 2].map(() => database.withConnection(() => gate));
  await new Promise(setImmediate);
  const waiting = database.query("SELECT 1 AS one");
  await new Promise(setImmediate);
  expect(database.gauges).toMatchObject({ inUse: 2, idle: 0, waiting: 1, utilization: 1 });
  release();
  await Promise.all(held);
  expect(await waiting).toEqual([{ one: 1 }]);
  expect(database.gauges).toMatchObject({ inUse: 0, acquired: 5, acquireTimeouts: 0 });
});

test("who finds no free connection in time is told so", async () => {
  await using database = await testDatabase(postgres.server, { min: 0, max: 1, acquireTimeout: ms(1500) });
  await database.withConnection(async () => {
    await expect(database.query("SELECT 1")).rejects.toMatchObject({ code: "DATABASE_BUSY", retryable: true });
  });
  expect(database.gauges.acquireTimeouts).toBe(1);
  expect(await database.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
});

test("a statement that takes too long is ended; its connection serves on", async () => {
  // The next statement must not take as long, on whatever machine.
  await using database = await testDatabase(postgres.server, { max: 1, statementTimeout: ms(1500) });
  await expect(database.query("SELECT pg_sleep(10)")).rejects.toMatchObject({ code: "DATABASE_TIMEOUT" });
  expect(await database.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
});

test("a transaction is kept as a whole or not at all", async () => {
  await using database = await testDatabase(postgres.server);
  await database.run("CREATE TABLE entries (value int UNIQUE)");
  await database.transaction(async ({ run }) => run("INSERT INTO entries VALUES (1)"));
  const failing = database.transaction(async ({ run }) => {
    await run("INSERT INTO entries VALUES (2)");
    await run("INSERT INTO entries VALUES (1)");
  });
  await expect(failing).rejects.toMatchObject({ code: "23505" });
  expect(await database.query("SELECT value FROM entries")).toEqual([{ value: 1 }]);
});

test("a connection that the server ends is replaced", async () => {
  await using database = await testDatabase(postgres.server, { min: 0, max: 1 });
  const end = database.withConnection(async (connection) => {
    const { rows } = await connection.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    await using other = new Database(postgres.server.connection, { ...poolDefaults, max: 1 }, systemClock);
    await other.query("SELECT pg_terminate_backend($1)", [rows[0]?.pid]);
    await connection.query("SELECT 1");
  });
  await expect(end).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE", retryable: true });
  expect(await database.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
});

test("a server that is not there", async () => {
  await using database = new Database({ host: "/nonexistent", port: 1 }, poolDefaults, systemClock);
  await expect(database.query("SELECT 1")).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });
});

test.each(["ECONNREFUSED", "ENETUNREACH", "EHOSTDOWN", "ECONNABORTED", "EAI_FAIL"])(
  "%s on the way to the server is its absence",
  (code) => {
    const error = Object.assign(new Error(`connect ${code}`), { code });
    expect(databaseError(error)).toMatchObject({ code: "DATABASE_UNAVAILABLE", retryable: true });
  },
);

test("a connection that the server ends between two statements of its user is told by the next one, and harms nobody else", async () => {
  await using database = await testDatabase(postgres.server);
  const ended = database.withConnection(async (connection) => {
    const { rows } = await connection.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    const gone = new Promise((resolve) => connection.once("end", resolve));
    await database.query("SELECT pg_terminate_backend($1)", [rows[0]?.pid]);
    await gone;
    return connection.query("SELECT 1");
  });
  await expect(ended).rejects.toThrow();
  expect(await database.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
});

test("a connection that breaks while it changes hands, when neither pool nor user listens, ends nothing", async () => {
  await using database = await testDatabase(postgres.server);
  const connection = await database.withConnection((one) => Promise.resolve(one));
  let broke = 0;
  const emitter: EventEmitter = connection;
  emitter.on("removeListener", (event) => {
    // The pool lets go of it for the next user, who has not taken it yet.
    if (event === "error" && broke++ === 0) emitter.emit("error", new Error("terminated"));
  });
  expect(await database.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
  expect(broke).toBeGreaterThan(0);
});

test("a connection whose server has not answered in time, or not rolled back, is nobody's any more", async () => {
  await using database = await testDatabase(postgres.server, { min: 0, max: 1 });
  const pid = async (): Promise<unknown> => (await database.query("SELECT pg_backend_pid() AS pid"))[0]?.["pid"];
  const unanswered = (): Promise<never> => Promise.reject(new Error("Query read timeout")); // the driver's words
  const first = await pid();
  await expect(database.withConnection(unanswered)).rejects.toMatchObject({ code: "DATABASE_TIMEOUT" });
  const second = await pid();
  expect(second).not.toBe(first);
  const connection = await database.withConnection((one) => Promise.resolve(one)); // the only one there is
  const cutOff = database.transaction(() => {
    connection.query = unanswered as unknown as typeof connection.query;
    return Promise.reject(new Error("given up"));
  });
  await expect(cutOff).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });
  expect(await pid()).not.toBe(second);
});
