import { type Clock, messageOf, ms, systemClock } from "@mettle/core";
import type { AgentType } from "./agents/agent-type.ts";
import { agentTypesOf } from "./agents/agent-types.ts";
import { modelGauges } from "./agents/model/model-gauges.ts";
import { OpenAiModel } from "./agents/model/openai-model.ts";
import { TaskSchemas } from "./agents/task-schemas.ts";
import { Authentication } from "./auth/authentication.ts";
import { authRoutes } from "./auth/auth-routes.ts";
import { Lockout } from "./auth/lockout.ts";
import { PasswordVerifier } from "./auth/passwords.ts";
import { Tokens } from "./auth/tokens.ts";
import { Users, type UserState, userStateLifetime } from "./auth/users.ts";
import type { ServiceConfig } from "./config/settings.ts";
import { serviceErrors } from "./errors.ts";
import { executionGauges } from "./executions/execution-gauges.ts";
import { ExecutionQueue } from "./executions/execution-queue.ts";
import { ExecutionSearch } from "./executions/execution-search.ts";
import { executionRoutes } from "./executions/execution-routes.ts";
import { Orchestrator } from "./executions/orchestrator.ts";
import { Gateway } from "./gateway/gateway.ts";
import { gatewayGauges } from "./gateway/gateway-gauges.ts";
import { gatewayRoutes, routing } from "./gateway/gateway-routes.ts";
import { type App, makeApp } from "./http/app.ts";
import { Metrics } from "./http/metrics.ts";
import { operationRoutes } from "./http/operation-routes.ts";
import { TwoLevelCache } from "./storage/cache.ts";
import { cacheNews } from "./storage/cache-news.ts";
import { Database } from "./storage/database.ts";
import { EmbeddedServer } from "./storage/embedded-server.ts";
import { migrate } from "./storage/migrate.ts";
import { migrations } from "./storage/migrations/index.ts";
import { News } from "./storage/news.ts";
import { RedisCache } from "./storage/redis-cache.ts";
import { storageGauges } from "./storage/storage-gauges.ts";

/** A lease is renewed so often before it would end. */
const renewalsOfALease = 3;
const lookAtMost = 2000;
const modelSilentAtMost = ms(60_000);

/** A running service. */
export interface Service extends AsyncDisposable {
  /** Where it listens: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Lets running requests end, for as long as the configuration allows, and stops. */
  close(): Promise<void>;
}

export interface ServiceOptions {
  readonly config: ServiceConfig;
  readonly clock?: Clock;
  /** Agent types beside the service's own. */
  readonly agentTypes?: readonly AgentType[];
  /** Told what happens while it starts. */
  readonly onProgress?: (what: string) => void;
}

/**
 * Starts the agent service: storage first, the port last, so that whoever reaches it is served.
 *
 * @throws MettleError of `serviceErrors`
 */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { config, clock = systemClock, onProgress } = options;
  await using starting = new AsyncDisposableStack();
  const metrics = new Metrics();
  const database = await openDatabase(starting, config, clock, onProgress);
  const news = starting.use(new News(database, clock));
  const background: { log?: App["log"] } = {};
  const onTrouble = (error: unknown): void => {
    if (background.log) background.log.error({ err: error }, "in the background");
    else onProgress?.(messageOf(error));
  };
  const redis =
    config.redisUrl === undefined
      ? undefined
      : starting.use(new RedisCache(config.redisUrl, clock, (error) => onTrouble(error)));
  const states = starting.use(
    new TwoLevelCache<UserState>({
      max: 50_000,
      lifetime: userStateLifetime,
      absentLifetime: ms(5000),
      news: cacheNews(news, "users", (error) => onTrouble(error)),
      ...(redis && { shared: redis }),
    }),
  );
  const users = new Users(database, states);
  const tokens = new Tokens(database, clock, { lifetime: config.tokenLifetime, keyLifetime: config.keyLifetime });
  const passwords = new PasswordVerifier({ remember: config.loginCacheLifetime });
  const lockout = new Lockout(database, clock, {
    failuresAllowed: config.loginFailuresAllowed,
    pause: config.loginLockout,
  });
  if (config.adminPassword !== undefined && (await users.createFirst(config.adminName, config.adminPassword))) {
    onProgress?.(`made the first administrator, ${config.adminName}`);
  }
  if (await users.none()) onProgress?.("nobody can log in: start it again with METTLE_ADMIN_PASSWORD set");
  metrics.add(...storageGauges(database, { users: states }));
  const app = await makeApp({ config, clock, metrics, authentication: new Authentication(tokens, users) });
  background.log = app.log;
  let draining = false;
  const schemas = new TaskSchemas();
  const model = modelOf(config, clock);
  if (model) metrics.add(...modelGauges(model));
  const agentTypes = agentTypesOf({
    schemas,
    model,
    sources: { databases: new ExecutionSearch(database) },
    ...(options.agentTypes && { further: options.agentTypes }),
  });
  const queue = new ExecutionQueue(database, clock, { lease: config.lease, attemptsAllowed: 3 });
  const orchestrator = starting.use(
    new Orchestrator({
      queue,
      news,
      clock,
      types: agentTypes,
      capacity: config.executions,
      renewEvery: ms(config.lease / renewalsOfALease),
      lookEvery: ms(Math.min(lookAtMost, config.lease / 2)),
      onTrouble,
    }),
  );
  metrics.add(...executionGauges(orchestrator));
  const gateway = starting.use(
    new Gateway({
      urls: config.orchestrators,
      clock,
      draining: () => draining,
      onChange: (instance, health, before) => app.log.warn({ instance, health, before }, "instance"),
    }),
  );
  metrics.add(...gatewayGauges(gateway));
  gatewayRoutes(app, gateway);
  executionRoutes(app, { queue, orchestrator, types: agentTypes, schemas, clock, routing: routing(gateway) });
  authRoutes(app, { users, tokens, passwords, lockout });
  operationRoutes(app, metrics, {
    draining: () => draining,
    checks: { database: async () => void (await database.query("SELECT 1")) },
  });
  const url = await listen(app, config);
  const running = starting.move();
  const close = async (): Promise<void> => {
    draining = true;
    gateway.drain();
    // First what runs, then those who wait for it: a caller that waits gets its answer.
    await orchestrator.close(config.drainTimeout);
    const drained = app.close();
    const limit = AbortSignal.timeout(config.drainTimeout);
    limit.addEventListener("abort", () => app.server.closeAllConnections(), { once: true });
    await drained;
    await running.disposeAsync();
  };
  let closing: Promise<void> | undefined;
  const closeOnce = (): Promise<void> => (closing ??= close());
  return { url, close: closeOnce, [Symbol.asyncDispose]: closeOnce };
}

function modelOf({ modelBaseUrl, modelName, modelApiKey }: ServiceConfig, clock: Clock): OpenAiModel | undefined {
  if (modelBaseUrl === undefined || modelName === undefined) return undefined;
  return new OpenAiModel({
    baseUrl: modelBaseUrl,
    name: modelName,
    clock,
    silentAtMost: modelSilentAtMost,
    ...(modelApiKey !== undefined && { apiKey: modelApiKey }),
  });
}

async function openDatabase(
  starting: AsyncDisposableStack,
  config: ServiceConfig,
  clock: Clock,
  onProgress: ServiceOptions["onProgress"],
): Promise<Database> {
  let connection: ConstructorParameters<typeof Database>[0] | undefined = config.databaseUrl;
  if (connection === undefined) {
    onProgress?.("starting the embedded PostgreSQL");
    const server = starting.use(await EmbeddedServer.start(config.dataFolder, onProgress));
    connection = server.connection;
  }
  const options = {
    min: config.poolMin,
    max: config.poolMax,
    acquireTimeout: config.poolAcquireTimeout,
    idleTimeout: config.poolIdleTimeout,
    statementTimeout: config.statementTimeout,
  };
  const database = starting.use(new Database(connection, options, clock));
  const applied = await migrate(database, migrations);
  if (applied.length > 0) onProgress?.(`brought the database up to ${applied.at(-1)}`);
  await database.warm();
  return database;
}

async function listen(app: App, { host, port }: ServiceConfig): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (cause) {
    await app.close();
    throw serviceErrors.create("SERVICE_LISTEN_FAILED", `Cannot listen on ${host}:${port}: ${messageOf(cause)}.`, {
      cause,
    });
  }
}
