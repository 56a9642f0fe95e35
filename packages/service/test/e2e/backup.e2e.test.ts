import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadConfig } from "../../src/config/load-config.ts";
import { type Service, startService } from "../../src/service.ts";
import { adminPassword, call, logIn } from "../running.ts";
import { testFolder } from "../storage/server.ts";
import { installedPostgres, InstalledPostgres } from "./debian-postgres.ts";

let folder = "";
beforeEach(async () => {
  folder = await testFolder();
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

const start = async (environment: Record<string, string>): Promise<Service> =>
  startService({
    config: loadConfig({
      PORT: "0",
      LOG_LEVEL: "silent",
      METTLE_MAX_EVENT_LOOP_DELAY: "0s",
      METTLE_ADMIN_PASSWORD: adminPassword,
      ...environment,
    }),
  });

interface Known {
  readonly token: string;
  readonly execution: string;
}

/** Something of everything that a database holds. */
async function use({ url }: Service): Promise<Known> {
  const token = await logIn(url);
  const ada = { name: "ada", password: "a long pass phrase", role: "member" };
  expect(await call(url, "POST", "/users", { token, body: ada })).toMatchObject({ status: 201 });
  const uploaded = await fetch(new URL("/knowledge/documents?title=Mill", url), {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "text/plain" },
    body: "The mill grinds wheat into flour. The river turns its wheel.",
  });
  expect(uploaded.status).toBe(201);
  const task = { type: "summarize", input: "The mill grinds wheat. Bakers make bread.", parameters: { max_length: 5 } };
  const done = await call(url, "POST", "/agents/execute", { token, body: { agent_type: "text_processor", task } });
  expect(done).toMatchObject({ status: 200, body: { status: "succeeded" } });
  expect(await titles(url, token)).toEqual([["Mill"]]); // makes the tenant's role
  return { token, execution: String(done.body["execution_id"]) };
}

async function titles(url: string, token: string): Promise<unknown> {
  const body = { tool: "sql_query", arguments: { sql: "SELECT title FROM documents" } };
  const answer = await call(url, "POST", "/tools/execute", { token, body });
  expect(answer).toMatchObject({ status: 200 });
  return (answer.body["output"] as { readonly rows: unknown }).rows;
}

/** All of it is there: a token from before is good too, because the keys that sign are part of the database. */
async function expectAll({ url }: Service, { token, execution }: Known): Promise<void> {
  expect(await call(url, "GET", `/agents/executions/${execution}`, { token })).toMatchObject({
    status: 200,
    body: { status: "succeeded" },
  });
  expect(await logIn(url, "ada", "a long pass phrase")).toMatch(/^ey/);
  expect(await call(url, "POST", "/knowledge/search", { token, body: { query: "what grinds grain" } })).toMatchObject({
    status: 200,
    body: { searched_by: "meaning and words", results: [{ title: "Mill" }] },
  });
  expect(await titles(url, token)).toEqual([["Mill"]]);
}

test("a copy of the embedded database's folder, made while it is stopped, is a backup", async () => {
  let known: Known;
  {
    await using service = await start({ METTLE_DATA_FOLDER: join(folder, "data") });
    known = await use(service);
  }
  execFileSync("cp", ["--archive", join(folder, "data"), join(folder, "copy")]);
  await rm(join(folder, "data"), { recursive: true });
  await using restored = await start({ METTLE_DATA_FOLDER: join(folder, "copy") });
  await expectAll(restored, known);
});

/** The commands of docs/service.md, as they stand there. */
function documented(tool: "pg_dump" | "pg_restore", values: Readonly<Record<string, string>>): readonly string[] {
  const guide = readFileSync(new URL("../../../../docs/service.md", import.meta.url), "utf8");
  const line = guide.match(new RegExp(`^${tool} (.*)$`, "m"))?.[1] as string;
  return line
    .split(" ")
    .map((word) =>
      word
        .replace(/^"?\$(\w+)"?$/, (_, name: string) => values[name] as string)
        .replace(/="?\$(\w+)"?$/, (_, name: string) => `=${values[name]}`),
    );
}

test.skipIf(installedPostgres === undefined)(
  "pg_dump and pg_restore, while the service runs: into the same server, and into another",
  async () => {
    const dumps = await mkdtemp(join(tmpdir(), "mettle-dump-"));
    const settings = { METTLE_DATA_FOLDER: "/nonexistent", METTLE_POOL_MIN: "1" };
    try {
      await using server = await InstalledPostgres.start();
      const url = await server.create("first");
      let known: Known;
      const dump = join(dumps, "mettle.dump");
      {
        await using service = await start({ ...settings, DATABASE_URL: url });
        known = await use(service);
        server.tool("pg_dump", documented("pg_dump", { DATABASE_URL: url, DUMP: dump }));
      }
      const second = await server.create("second");
      server.tool("pg_restore", documented("pg_restore", { NEW_DATABASE_URL: second, DUMP: dump }));
      {
        await using beside = await start({ ...settings, DATABASE_URL: second });
        await expectAll(beside, known);
      }
      await using other = await InstalledPostgres.start();
      const third = await other.create("third");
      other.tool("pg_restore", documented("pg_restore", { NEW_DATABASE_URL: third, DUMP: dump }));
      await using elsewhere = await start({ ...settings, DATABASE_URL: third });
      await expectAll(elsewhere, known);
    } finally {
      await rm(dumps, { recursive: true, force: true });
    }
  },
);
