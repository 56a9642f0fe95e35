import { ManualClock, ms } from "@mettle/core";
import Fastify from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AuthParts, authRoutes } from "../../src/auth/auth-routes.ts";
import { Lockout } from "../../src/auth/lockout.ts";
import type { Database } from "../../src/storage/database.ts";
import type { App } from "../../src/http/app.ts";
import { failureBody, failureOf } from "../../src/http/failure.ts";
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

test("a guess that is right counts for nothing when the others made at once have led to a pause", async () => {
  const lockout = make(new ManualClock());
  const [checking, others] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const parts = {
    users: { byName: async () => ({ passwordHash: "hash", disabled: false, generation: 0 }) },
    passwords: {
      verify: async (_hash: string, password: string) => {
        if (password !== "right") return false;
        checking.resolve();
        await others.promise;
        return true;
      },
    },
    tokens: { sign: async () => ({ token: "t", expiresAt: 0 }) },
    lockout,
  } as unknown as AuthParts;
  await using app = Fastify();
  app.setErrorHandler((error, { id }, reply) => {
    const failure = failureOf(error);
    return reply.code(failure.statusCode).send(failureBody(failure, id));
  });
  authRoutes(app as unknown as App, parts);
  const logIn = (password: string) =>
    app.inject({ method: "POST", url: "/auth/login", payload: { username: "e", password } });
  const right = logIn("right");
  await checking.promise;
  const wrong = await Promise.all([1, 2, 3].map((guess) => logIn(`guess ${guess}`)));
  expect(wrong.map(({ statusCode }) => statusCode)).toEqual([401, 401, 401]);
  others.resolve();
  expect((await right).statusCode).toBe(429);
  expect(await lockout.remaining(["user:e"])).toBe(60_000);
});
