import type { Clock } from "@mettle/core";
import type { PoolConfig } from "pg";
import type { ServiceConfig } from "../config/settings.ts";
import type { InvalidationNews, SharedCache } from "../storage/cache.ts";
import { cacheNews } from "../storage/cache-news.ts";
import { Database } from "../storage/database.ts";
import { EmbeddedServer } from "../storage/embedded-server.ts";
import { migrate } from "../storage/migrate.ts";
import { migrations } from "../storage/migrations/index.ts";
import { NatsNews } from "../storage/nats-news.ts";
import { type Bulletin, News } from "../storage/news.ts";
import { RedisCache } from "../storage/redis-cache.ts";
import type { Timings } from "../telemetry/timings.ts";

export interface StorageParts {
  readonly config: ServiceConfig;
  readonly clock: Clock;
  readonly timings: Timings;
  readonly onProgress: (what: string) => void;
  /** Told of what goes wrong beside requests. */
  readonly onTrouble: (error: unknown) => void;
  /** Told of nodes of a Redis cluster. */
  readonly onNode: (address: string, change: "added" | "removed") => void;
}

export interface Storage {
  readonly database: Database;
  /** Where the database is, for those who need connections of their own. */
  readonly connection: string | PoolConfig;
  readonly news: News;
  /** For what is told often, and found without being told a little later: over NATS where there is one. */
  readonly wakeUps: Bulletin;
  /** What joins a cache of this name to those of the other instances. */
  readonly joined: (cache: string) => { readonly news: InvalidationNews; readonly shared?: SharedCache };
}

/** The database, up to date, with what instances tell one another over it. */
export async function openStorage(
  starting: AsyncDisposableStack,
  { config, clock, timings, onProgress, onTrouble, onNode }: StorageParts,
): Promise<Storage> {
  let connection: string | PoolConfig | undefined = config.databaseUrl;
  if (connection === undefined) {
    onProgress("starting the embedded PostgreSQL");
    connection = starting.use(await EmbeddedServer.start(config.dataFolder, onProgress)).connection;
  }
  const options = {
    min: config.poolMin,
    max: config.poolMax,
    acquireTimeout: config.poolAcquireTimeout,
    idleTimeout: config.poolIdleTimeout,
    statementTimeout: config.statementTimeout,
  };
  const database = starting.use(new Database(connection, options, clock, timings.parts));
  const applied = await migrate(database, migrations);
  if (applied.length > 0) onProgress(`brought the database up to ${applied.at(-1)}`);
  await database.warm();
  const news = starting.use(new News(database, clock));
  const { redisUrl, natsUrl } = config;
  const wakeUps =
    natsUrl === undefined
      ? news
      : starting.use(new NatsNews({ url: natsUrl, scope: await scopeOf(database), otherwise: news, clock, onTrouble }));
  const shared =
    redisUrl === undefined ? undefined : starting.use(new RedisCache(redisUrl, clock, { onTrouble, onNode }));
  const joined = (cache: string): ReturnType<Storage["joined"]> => ({
    news: cacheNews(news, cache, onTrouble),
    ...(shared && { shared }),
  });
  return { database, connection, news, wakeUps, joined };
}

/** Instances of other databases may use the same NATS server. */
async function scopeOf(database: Database): Promise<string> {
  const [row] = await database.query<{ scope: string }>(
    "SELECT md5(current_database() || min(applied_at)::text) AS scope FROM schema_migrations",
  );
  return (row as { scope: string }).scope;
}
