import { type Clock, messageOf, systemClock } from "@mettle/core";
import type { AgentType } from "./agents/agent-type.ts";
import { agentRoutes } from "./agents/set-up/agent-routes.ts";
import { AgentStore } from "./agents/set-up/agent-store.ts";
import { Authentication } from "./auth/authentication.ts";
import { authRoutes } from "./auth/auth-routes.ts";
import { peopleGauges } from "./auth/people-gauges.ts";
import type { ServiceConfig } from "./config/settings.ts";
import { serviceErrors } from "./errors.ts";
import { executionRoutes } from "./executions/execution-routes.ts";
import { Gateway } from "./gateway/gateway.ts";
import { gatewayGauges } from "./gateway/gateway-gauges.ts";
import { gatewayRoutes, routing } from "./gateway/gateway-routes.ts";
import { type App, makeApp } from "./http/app.ts";
import { Metrics } from "./http/metrics.ts";
import { operationRoutes } from "./http/operation-routes.ts";
import { knowledgeRoutes } from "./knowledge/knowledge-routes.ts";
import { openKnowledge } from "./knowledge/open-knowledge.ts";
import { a2aRoutes } from "./protocols/a2a-routes.ts";
import { mcpRoutes } from "./protocols/mcp-routes.ts";
import { seedData } from "./seed/seed-data.ts";
import { openAgents } from "./start/open-agents.ts";
import { openPeople } from "./start/open-people.ts";
import { openStorage } from "./start/open-storage.ts";
import { newsGauges, storageGauges } from "./storage/storage-gauges.ts";
import { processGauges } from "./telemetry/process-gauges.ts";
import { Timings } from "./telemetry/timings.ts";
import { openTools } from "./tools/open-tools.ts";
import { toolRoutes } from "./tools/tool-routes.ts";

/** The same test data everywhere. */
const seed = 1;

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
  /** Fills the first tenant with test data before anybody is served; 1 for all of it. */
  readonly seedScale?: number;
  /** Told what happens while it starts. */
  readonly onProgress?: (what: string) => void;
}

/**
 * Starts the agent service: storage first, the port last, so that whoever reaches it is served.
 *
 * @throws MettleError of `serviceErrors`
 */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { config, clock = systemClock, onProgress = () => undefined } = options;
  await using starting = new AsyncDisposableStack();
  const metrics = new Metrics();
  const timings = new Timings(clock);
  metrics.time(...timings.all());
  const background: { log?: App["log"] } = {};
  const onTrouble = (error: unknown): void => {
    if (background.log) background.log.error({ err: error }, "in the background");
    else onProgress(messageOf(error));
  };
  const onNode = (address: string, change: "added" | "removed"): void => {
    const what = `Redis node ${address} ${change}`;
    if (background.log) background.log.info(what);
    else onProgress(what);
  };
  const storage = await openStorage(starting, { config, clock, timings, onProgress, onTrouble, onNode });
  const { database, connection, news } = storage;
  const { shared } = storage.joined("knowledge");
  const people = await openPeople(starting, { config, clock, storage, timings, onProgress });
  const authentication = new Authentication(people.tokens, people.users, timings);
  const app = await makeApp({ config, clock, metrics, timings, authentication });
  background.log = app.log;
  const known = await openKnowledge(starting, { config, database, news, clock, timings, onTrouble, shared });
  const caches = { users: people.states, knowledge: known.answers };
  metrics.add(...processGauges, ...peopleGauges(people), ...storageGauges(database, caches), ...known.gauges);
  metrics.add(...newsGauges(storage.wakeUps));
  if (options.seedScale !== undefined) {
    const { seedPassword: password } = config;
    await seedData({ ...known, database, clock, scale: options.seedScale, seed, password, onProgress });
  }
  const tools = openTools(starting, { config, database, connection, clock });
  metrics.add(...tools.gauges);
  const agents = openAgents(starting, {
    config,
    clock,
    storage,
    metrics,
    timings,
    reports: known.search,
    further: options.agentTypes ?? [],
    onTrouble,
  });
  const ending = { draining: false };
  const gateway = openGateway(starting, { config, clock, app, metrics, ending });
  const setUp = new AgentStore(database);
  executionRoutes(app, { ...agents, agents: setUp, clock, routing: routing(gateway) });
  agentRoutes(app, { ...agents, agents: setUp, clock });
  await knowledgeRoutes(app, { ...known, uploadLimit: config.uploadLimit, timings });
  toolRoutes(app, tools.box);
  mcpRoutes(app, tools.box);
  a2aRoutes(app, agents.types, agents.orchestrator);
  authRoutes(app, people);
  operationRoutes(app, metrics, {
    draining: () => ending.draining,
    checks: { database: async () => void (await database.query("SELECT 1")) },
  });
  const url = await listen(app, config);
  const running = starting.move();
  const close = async (): Promise<void> => {
    ending.draining = true;
    gateway.drain();
    // First what runs, then those who wait for it: a caller that waits gets its answer.
    await agents.orchestrator.close(config.drainTimeout);
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

interface GatewayParts {
  readonly config: ServiceConfig;
  readonly clock: Clock;
  readonly app: App;
  readonly metrics: Metrics;
  readonly ending: { readonly draining: boolean };
}

function openGateway(starting: AsyncDisposableStack, { config, clock, app, metrics, ending }: GatewayParts): Gateway {
  const gateway = starting.use(
    new Gateway({
      urls: config.orchestrators,
      clock,
      draining: () => ending.draining,
      onChange: (instance, health, before) => app.log.warn({ instance, health, before }, "instance"),
    }),
  );
  metrics.add(...gatewayGauges(gateway));
  gatewayRoutes(app, gateway);
  return gateway;
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
