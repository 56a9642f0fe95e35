import { spawn } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "@mettle/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Database, poolDefaults } from "../../src/storage/database.ts";
import { embeddedBinaries } from "../../src/storage/embedded-binaries.ts";
import { EmbeddedServer } from "../../src/storage/embedded-server.ts";
import { testFolder } from "./server.ts";

let folder = "";
beforeEach(async () => {
  folder = await testFolder();
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

const connect = (server: EmbeddedServer): Database => new Database(server.connection, poolDefaults, systemClock);

test("keeps its data from one start to the next", async () => {
  {
    await using server = await EmbeddedServer.start(folder);
    await using database = connect(server);
    await database.run("CREATE TABLE kept AS SELECT 7 AS value");
  }
  await using server = await EmbeddedServer.start(folder);
  await using database = connect(server);
  expect(await database.query("SELECT value FROM kept")).toEqual([{ value: 7 }]);
  expect(await database.query("SHOW listen_addresses")).toEqual([{ listen_addresses: "" }]);
});

test("takes over the server of a service that was killed, and then stops it", async () => {
  const module = fileURLToPath(new URL("../../src/storage/embedded-server.ts", import.meta.url));
  const script = `import { EmbeddedServer } from ${JSON.stringify(module)};
    const server = await EmbeddedServer.start(${JSON.stringify(folder)});
    console.log(server.pid);
    process.stdin.resume();`;
  const flags = ["--conditions=mettle-source", "--input-type=module-typescript", "--eval", script];
  const service = spawn(process.execPath, flags, { stdio: ["pipe", "pipe", "inherit"] });
  const pid = await new Promise<number>((resolve) => {
    service.stdout.once("data", (text) => resolve(Number(String(text))));
  });
  {
    // While its service lives it is shared, and left alone at the end.
    await using shared = await EmbeddedServer.start(folder);
    expect(shared.pid).toBe(pid);
  }
  expect(process.kill(pid, 0)).toBe(true);
  const ended = new Promise((resolve) => service.once("exit", resolve));
  service.kill("SIGKILL");
  await ended;
  {
    await using server = await EmbeddedServer.start(folder);
    expect(server.pid).toBe(pid);
    await using database = connect(server);
    expect(await database.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
  }
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});

test("a server that is killed is started again where it was, with all that was committed", async () => {
  const troubles: string[] = [];
  await using server = await EmbeddedServer.start(folder, (what) => troubles.push(what));
  await using database = connect(server);
  await database.run("CREATE TABLE kept AS SELECT 7 AS value");
  const { pid } = server;
  process.kill(pid, "SIGKILL");
  let rows: readonly object[] | undefined;
  for (const until = Date.now() + 50_000; rows === undefined && Date.now() < until; ) {
    if (server.restarts === 0) await new Promise(setImmediate);
    else rows = await database.query("SELECT value FROM kept").catch(() => undefined);
  }
  expect(rows).toEqual([{ value: 7 }]);
  expect(server.pid).not.toBe(pid);
  expect(troubles[0]).toBe("PostgreSQL has died; it is started again");
});

test("a folder that cannot be made is named", async () => {
  await writeFile(join(folder, "file"), "");
  await expect(EmbeddedServer.start(join(folder, "file", "data"))).rejects.toMatchObject({
    code: "DATABASE_FOLDER_UNUSABLE",
    message: expect.stringContaining(join(folder, "file", "data")) as string,
  });
});

test("a damaged data folder is told with what PostgreSQL says", async () => {
  await mkdir(join(folder, "postgres"), { mode: 0o700 });
  await writeFile(join(folder, "postgres", "PG_VERSION"), "18\n");
  await expect(EmbeddedServer.start(folder)).rejects.toMatchObject({
    code: "DATABASE_START_FAILED",
    message: expect.stringContaining("postgresql.conf") as string,
  });
});

test("a platform without a package is told what to do", async () => {
  await expect(embeddedBinaries("plan9", "mips")).rejects.toMatchObject({ code: "DATABASE_PLATFORM_UNSUPPORTED" });
});
