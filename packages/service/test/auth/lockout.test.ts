import { ManualClock, ms } from "@mettle/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Lockout } from "../../src/auth/lockout.ts";
import type { Database } from "../../src/storage/database.ts";
import { migrate } from "../../src/storage/migrate.ts";
import { migrations } from "../../src/storage/migrations/index.ts";
import { testDatabase, testServer } from "../storage/server.ts";

let postgres: Awaited<ReturnType<typeof testServer>>;
let database: Database;
beforeAll(async () => {
  postgres = await testServer();
  database = await testDatabase(postgres.server);
  await migrate(database, migrations);
});
afterAll(async () => {
  await database.close();
  await postgres[Symbol.asyncDispose]();
});

const make = (clock: ManualClock): Lockout => new Lockout(database, clock, { failuresAllowed: 3, pause: ms(60_000) });

test("pauses after so many failures, for all instances, and ends by itself", async () => {
  const clock = new ManualClock();
  const lockout = make(clock);
  for (let failure = 1; failure < 3; failure++) await lockout.failed(["user:a"]);
  expect(await lockout.remaining(["user:a"])).toBe(0);
  await lockout.failed(["user:a"]);
  expect(await make(clock).remaining(["address:x", "user:a"])).toBe(60_000);
  expect(await lockout.remaining(["user:b"])).toBe(0);
  await clock.advance(ms(60_000));
  expect(await lockout.remaining(["user:a"])).toBe(0);
});

test("failures count for a time, and a success forgets them", async () => {
  const clock = new ManualClock();
  const lockout = make(clock);
  await lockout.failed(["user:c"]);
  await lockout.failed(["user:c"]);
  await clock.advance(ms(60_001));
  await lockout.failed(["user:c"]);
  expect(await lockout.remaining(["user:c"])).toBe(0);
  await lockout.failed(["user:c"]);
  await lockout.succeeded("user:c");
  await lockout.failed(["user:c"]);
  expect(await lockout.remaining(["user:c"])).toBe(0);
});

test("many at once are all counted", async () => {
  const lockout = make(new ManualClock());
  await Promise.all(Array.from({ length: 8 }, () => lockout.failed(["user:d", "address:y"])));
  const [row] = await database.query<{ failures: number }>(
    "SELECT failures FROM login_failures WHERE subject = 'user:d'",
  );
  expect(row?.failures).toBe(8);
});
