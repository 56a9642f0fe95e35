import type { Milliseconds } from "@mettle/core";
import { duration, flag, integer, list, optionalText, secret, type Setting, size, text, url } from "./setting.ts";

const http = ["http:", "https:"];

/** The settings of one service, read and checked; `settings` says what each means. */
export interface ServiceConfig {
  readonly host: string;
  readonly port: number;
  readonly dataFolder: string;
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly natsUrl: string | undefined;
  readonly poolMin: number;
  readonly poolMax: number;
  readonly poolAcquireTimeout: Milliseconds;
  readonly poolIdleTimeout: Milliseconds;
  readonly statementTimeout: Milliseconds;
  readonly adminName: string;
  readonly adminPassword: string | undefined;
  readonly tokenLifetime: Milliseconds;
  readonly keyLifetime: Milliseconds;
  readonly loginCacheLifetime: Milliseconds;
  readonly loginFailuresAllowed: number;
  readonly loginLockout: Milliseconds;
  readonly rateLimit: number;
  readonly bodyLimit: number;
  readonly uploadLimit: number;
  readonly requestTimeout: Milliseconds;
  readonly connections: number;
  readonly trustProxy: boolean;
  readonly maxEventLoopDelay: Milliseconds;
  readonly drainTimeout: Milliseconds;
  readonly orchestrators: readonly string[];
  readonly executions: number;
  readonly lease: Milliseconds;
  readonly modelBaseUrl: string | undefined;
  readonly modelName: string | undefined;
  readonly modelApiKey: string | undefined;
  readonly embeddingBaseUrl: string | undefined;
  readonly embeddingName: string | undefined;
  readonly embeddingApiKey: string | undefined;
  readonly embeddingDimensions: number;
  readonly fetchOrigins: readonly string[];
  readonly toolsDisabled: string;
  readonly seedPassword: string | undefined;
  readonly logLevel: string;
}

/** All that the service can be told, in the order of its reference. */
export const settings: { readonly [K in keyof ServiceConfig]: Setting<ServiceConfig[K]> } = {
  host: text({ variable: "METTLE_HOST", default: "127.0.0.1", help: "address to listen on" }),
  port: integer({
    variable: "PORT",
    default: 8080,
    from: 0,
    to: 65_535,
    help: "port to listen on; 0 for any free one",
  }),
  dataFolder: text({
    variable: "METTLE_DATA_FOLDER",
    default: ".mettle/service",
    help: "where the embedded database and uploads live",
  }),
  databaseUrl: url({
    variable: "DATABASE_URL",
    protocols: ["postgres:", "postgresql:"],
    help: "PostgreSQL 15 or newer; without it an embedded one is started",
  }),
  redisUrl: url({
    variable: "REDIS_URL",
    protocols: ["redis:", "rediss:"],
    nodes: true,
    help: "shared second level of the caches of several instances; several URLs are nodes of a cluster; without it each has its own",
  }),
  natsUrl: url({
    variable: "NATS_URL",
    protocols: ["nats:", "tls:"],
    help: "wakes instances when something is queued, told or ended; without it, or while it is away, PostgreSQL's NOTIFY does",
  }),
  poolMin: integer({
    variable: "METTLE_POOL_MIN",
    default: 5,
    from: 0,
    to: 1000,
    help: "database connections kept open",
  }),
  poolMax: integer({
    variable: "METTLE_POOL_MAX",
    default: 20,
    from: 1,
    to: 1000,
    help: "database connections at most",
  }),
  poolAcquireTimeout: duration({
    variable: "METTLE_POOL_ACQUIRE_TIMEOUT",
    default: "10s",
    least: "1ms",
    help: "longest wait for a free connection",
  }),
  poolIdleTimeout: duration({
    variable: "METTLE_POOL_IDLE_TIMEOUT",
    default: "30s",
    help: "how long a connection beyond the kept ones stays open unused",
  }),
  statementTimeout: duration({
    variable: "METTLE_STATEMENT_TIMEOUT",
    default: "30s",
    least: "1ms",
    help: "the database ends statements that take longer",
  }),
  adminName: text({ variable: "METTLE_ADMIN_NAME", default: "admin", help: "name of the first administrator" }),
  adminPassword: secret({
    variable: "METTLE_ADMIN_PASSWORD",
    least: 12,
    help: "password of the first administrator, who is made when there is no user yet; there is no default",
  }),
  tokenLifetime: duration({
    variable: "METTLE_TOKEN_LIFETIME",
    default: "1h",
    least: "1s",
    help: "how long a token is good for",
  }),
  keyLifetime: duration({
    variable: "METTLE_KEY_LIFETIME",
    default: "30d",
    least: "1m",
    help: "after this a new key signs tokens; the old one verifies until its tokens have expired",
  }),
  loginCacheLifetime: duration({
    variable: "METTLE_LOGIN_CACHE_LIFETIME",
    default: "1m",
    help: "how long a verified password need not be hashed again (docs/security.md); 0s turns this off",
  }),
  loginFailuresAllowed: integer({
    variable: "METTLE_LOGIN_FAILURES",
    default: 10,
    from: 1,
    to: 1000,
    help: "failed logins of a user or address before a pause",
  }),
  loginLockout: duration({
    variable: "METTLE_LOGIN_LOCKOUT",
    default: "15m",
    least: "1s",
    help: "length of that pause, and of the time in which failures count",
  }),
  rateLimit: integer({
    variable: "METTLE_RATE_LIMIT",
    default: 6000,
    from: 1,
    to: 100_000_000,
    help: "requests a minute of one user to one instance; without a token, of one address",
  }),
  bodyLimit: size({
    variable: "METTLE_BODY_LIMIT",
    default: "1 MB",
    help: "largest body of a request other than an upload",
  }),
  uploadLimit: size({ variable: "METTLE_UPLOAD_LIMIT", default: "20 MB", help: "largest uploaded document" }),
  requestTimeout: duration({
    variable: "METTLE_REQUEST_TIMEOUT",
    default: "30s",
    least: "100ms",
    help: "in which a request must have arrived as a whole",
  }),
  connections: integer({
    variable: "METTLE_CONNECTIONS",
    default: 20_000,
    from: 1,
    to: 1_000_000,
    help: "open connections at most; further ones are closed at once",
  }),
  trustProxy: flag({
    variable: "METTLE_TRUST_PROXY",
    default: false,
    help: "take the caller's address from X-Forwarded-For; only behind a proxy that sets it",
  }),
  maxEventLoopDelay: duration({
    variable: "METTLE_MAX_EVENT_LOOP_DELAY",
    default: "1s",
    help: "beyond this the service answers 503 rather than later; 0s turns this off",
  }),
  drainTimeout: duration({
    variable: "METTLE_DRAIN_TIMEOUT",
    default: "20s",
    help: "at SIGTERM: how long running requests and executions may take to end",
  }),
  orchestrators: list({
    variable: "METTLE_ORCHESTRATORS",
    protocols: http,
    help: "further instances that executions are handed to, besides this one",
  }),
  executions: integer({
    variable: "METTLE_EXECUTIONS",
    default: 100,
    from: 1,
    to: 10_000,
    help: "executions at once in this instance",
  }),
  lease: duration({
    variable: "METTLE_LEASE",
    default: "15s",
    least: "1s",
    help: "an instance that is not heard of for so long is taken for dead, and others run its executions",
  }),
  modelBaseUrl: url({
    variable: "MODEL_BASE_URL",
    protocols: http,
    help: "an OpenAI-compatible model for the agents; without it they use their own algorithms",
  }),
  modelName: optionalText({ variable: "MODEL_NAME", help: "the model's name there" }),
  modelApiKey: secret({ variable: "MODEL_API_KEY", least: 1, help: "its key" }),
  embeddingBaseUrl: url({
    variable: "EMBEDDING_BASE_URL",
    protocols: http,
    help: "an OpenAI-compatible embedding model; without it an embedded algorithm serves",
  }),
  embeddingName: optionalText({ variable: "EMBEDDING_NAME", help: "that model's name" }),
  embeddingApiKey: secret({ variable: "EMBEDDING_API_KEY", least: 1, help: "its key" }),
  embeddingDimensions: integer({
    variable: "EMBEDDING_DIMENSIONS",
    default: 384,
    from: 128,
    to: 4096,
    help: "numbers in a vector; what a configured model gives",
  }),
  fetchOrigins: list({
    variable: "METTLE_FETCH_ORIGINS",
    protocols: http,
    help: "origins such as http://wiki.internal:8080 that the web tool may reach although they are not public",
  }),
  toolsDisabled: text({
    variable: "METTLE_TOOLS_DISABLED",
    default: "",
    help: "names of tools that nobody may use, with commas",
  }),
  seedPassword: secret({
    variable: "METTLE_SEED_PASSWORD",
    least: 12,
    help: "password of the users that --seed-data makes; without it nobody can log in as one of them",
  }),
  logLevel: text({ variable: "LOG_LEVEL", default: "info", help: "fatal, error, warn, info, debug, trace or silent" }),
};
