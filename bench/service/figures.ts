import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chmod } from "node:fs/promises";
import { systemClock } from "@mettle/core";
import { quantile } from "@mettle/stats";
import { Database, poolDefaults } from "../../packages/service/src/storage/database.ts";
import { EmbeddedServer } from "../../packages/service/src/storage/embedded-server.ts";
import { migrate } from "../../packages/service/src/storage/migrate.ts";
import { migrations } from "../../packages/service/src/storage/migrations/index.ts";

/** A real PostgreSQL with our schema in a folder that goes with it. */
export async function benchDatabase(): Promise<{ database: Database; folder: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "mettle-bench-"));
  await chmod(folder, 0o755);
  const server = await EmbeddedServer.start(join(folder, "data"));
  const database = new Database(server.connection, poolDefaults, systemClock);
  await migrate(database, migrations);
  return {
    database,
    folder,
    async [Symbol.asyncDispose]() {
      await database.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Milliseconds that each of `times` calls takes. */
export async function timesOf(times: number, work: (i: number) => unknown): Promise<Float64Array> {
  const samples = new Float64Array(times);
  for (let i = 0; i < times; i++) {
    const from = performance.now();
    await work(i);
    samples[i] = performance.now() - from;
  }
  return samples;
}

export const shown = (samples: Float64Array): string =>
  [0.5, 0.95, 0.99].map((q) => `p${100 * q} ${quantile(samples, q).toFixed(3)} ms`).join("   ");

export const print = (name: string, value: string): void => void process.stdout.write(`${name.padEnd(38)}${value}\n`);
