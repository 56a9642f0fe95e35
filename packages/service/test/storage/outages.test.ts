import { afterAll, beforeAll, expect, test } from "vitest";
import { ms, systemClock } from "@mettle/core";
import { Database, poolDefaults } from "../../src/storage/database.ts";
import { type Answer, call, databaseUrl, logIn, testService } from "../running.ts";
import { testServer } from "./server.ts";

let postgres: Awaited<ReturnType<typeof testServer>>;
let url = "";
beforeAll(async () => {
  postgres = await testServer();
  url = await databaseUrl(postgres.server);
});
afterAll(async () => postgres[Symbol.asyncDispose]());

const history = (at: string, token: string): Promise<Answer> => call(at, "GET", "/agents/history", { token });
const codeOf = ({ body }: Answer): unknown => (body["error"] as { code?: unknown } | undefined)?.code;

/** Asks until the service answers as it should again. */
async function recovered(at: string, token: string): Promise<boolean> {
  for (const until = Date.now() + 60_000; Date.now() < until; ) {
    if ((await history(at, token)).status === 200) return true;
  }
  return false;
}

test("a database slower than its timeout, and a pool without room: 503 with Retry-After, then as before", async () => {
  await using service = await testService(postgres.server, {
    DATABASE_URL: url,
    // Connections are opened and tables made within these, on whatever machine.
    METTLE_STATEMENT_TIMEOUT: "5s",
    METTLE_POOL_MAX: "3", // one of them hears news
    METTLE_POOL_ACQUIRE_TIMEOUT: "2s",
  });
  const token = await logIn(service.url);
  await using other = new Database(url, { ...poolDefaults, min: 0, max: 1 }, systemClock);
  const answers = await other.transaction(async ({ run }) => {
    await run("LOCK TABLE executions IN ACCESS EXCLUSIVE MODE");
    return Promise.all(Array.from({ length: 8 }, () => history(service.url, token)));
  });
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
  expect(new Set(answers.map((answer) => codeOf(answer)))).toEqual(new Set(["DATABASE_BUSY", "DATABASE_TIMEOUT"]));
  for (const { headers, body } of answers) {
    expect(headers.get("retry-after")).toBe("2");
    expect(JSON.stringify(body)).not.toMatch(/SELECT|statement/); // what happened inside is for the log
  }
  expect(await recovered(service.url, token)).toBe(true);
});

test("a database that dies: 503 and not ready, then as before without a restart", async () => {
  await using service = await testService(postgres.server, { DATABASE_URL: url, METTLE_POOL_ACQUIRE_TIMEOUT: "2s" });
  const token = await logIn(service.url);
  process.kill(postgres.server.pid, "SIGKILL");
  let down = await history(service.url, token);
  while (down.status === 200) down = await history(service.url, token);
  expect([down.status, down.headers.get("retry-after")]).toEqual([503, "2"]);
  expect(codeOf(down)).toMatch(/^DATABASE_/);
  expect((await call(service.url, "GET", "/health")).status).toBe(200);
  expect(await recovered(service.url, token)).toBe(true);
  const { body } = await call(service.url, "POST", "/agents/execute", {
    token,
    body: { agent_type: "text_processor", task: { type: "summarize", input: "It works again." } },
  });
  expect(body).toMatchObject({ status: "succeeded" });
});

test("a full pool of nobody's making is told at /metrics", async () => {
  // Opening the one connection must not take as long, on whatever machine.
  await using database = new Database(url, { ...poolDefaults, min: 0, max: 1, acquireTimeout: ms(1500) }, systemClock);
  await database.withConnection(async () => {
    await expect(database.query("SELECT 1")).rejects.toMatchObject({ code: "DATABASE_BUSY" });
    expect(database.gauges).toMatchObject({ inUse: 1, max: 1, utilization: 1, acquireTimeouts: 1 });
  });
  expect(await database.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
});
