import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@mettle/core";
import { Database, poolDefaults, type PoolOptions } from "../../src/storage/database.ts";
import { EmbeddedServer } from "../../src/storage/embedded-server.ts";

/** A folder that the server may enter also where it runs as another user. */
export async function testFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "mettle-service-"));
  await chmod(folder, 0o755);
  return folder;
}

/** A PostgreSQL for one test file, in a folder of its own. */
export async function testServer(): Promise<{ server: EmbeddedServer; folder: string } & AsyncDisposable> {
  const folder = await testFolder();
  const server = await EmbeddedServer.start(join(folder, "data"));
  return {
    server,
    folder,
    async [Symbol.asyncDispose]() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

let databases = 0;

/** An empty database on a running server. */
export async function testDatabase(server: EmbeddedServer, options: Partial<PoolOptions> = {}): Promise<Database> {
  const name = `test_${process.pid}_${++databases}`;
  await using admin = new Database(server.connection, { ...poolDefaults, min: 0, max: 1 }, systemClock);
  await admin.run(`CREATE DATABASE ${name}`);
  return new Database({ ...server.connection, database: name }, { ...poolDefaults, ...options }, systemClock);
}

/** The address of a database on a test's server. */
export async function urlOf({ connection }: EmbeddedServer, database: Database): Promise<string> {
  const [row] = await database.query<{ name: string }>("SELECT current_database() AS name");
  const { host, port, user } = connection;
  return `postgres://${user}@localhost/${row?.name}?host=${encodeURIComponent(host)}&port=${port}`;
}

/** The address of an empty database. */
export async function emptyDatabaseUrl(server: EmbeddedServer): Promise<string> {
  await using database = await testDatabase(server, { min: 0, max: 1 });
  return urlOf(server, database);
}
