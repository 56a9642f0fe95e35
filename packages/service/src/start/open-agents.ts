import { type Clock, ms } from "@mettle/core";
import type { AgentType } from "../agents/agent-type.ts";
import { agentTypesOf } from "../agents/agent-types.ts";
import type { KnowledgeSearch } from "../agents/knowledge-search.ts";
import { modelGauges } from "../agents/model/model-gauges.ts";
import { OpenAiModel } from "../agents/model/openai-model.ts";
import { TaskSchemas } from "../agents/task-schemas.ts";
import type { ServiceConfig } from "../config/settings.ts";
import { executionGauges } from "../executions/execution-gauges.ts";
import { ExecutionQueue } from "../executions/execution-queue.ts";
import { ExecutionSearch } from "../executions/execution-search.ts";
import { Orchestrator } from "../executions/orchestrator.ts";
import type { Metrics } from "../http/metrics.ts";
import type { Timings } from "../telemetry/timings.ts";
import type { Storage } from "./open-storage.ts";

/** A lease is renewed so often before it would end. */
const renewalsOfALease = 3;
const lookAtMost = 2000;
/** An instance that was only slow counts as lost too: what it ran must not be given up for that. */
const attemptsAllowed = 5;
const modelSilentAtMost = ms(60_000);

export interface AgentsParts {
  readonly config: ServiceConfig;
  readonly clock: Clock;
  readonly storage: Storage;
  readonly metrics: Metrics;
  readonly timings: Timings;
  /** What research searches as `reports`. */
  readonly reports: KnowledgeSearch;
  /** Agent types beside the service's own. */
  readonly further: readonly AgentType[];
  readonly onTrouble: (error: unknown) => void;
}

export interface Agents {
  readonly types: readonly AgentType[];
  readonly schemas: TaskSchemas;
  readonly queue: ExecutionQueue;
  readonly orchestrator: Orchestrator;
}

/** What agents can do, and the orchestrator that has them do it: from here on this instance takes executions. */
export function openAgents(starting: AsyncDisposableStack, parts: AgentsParts): Agents {
  const { config, clock, storage, metrics, timings, reports, further, onTrouble } = parts;
  const schemas = new TaskSchemas();
  const model = modelOf(config, clock);
  if (model) metrics.add(...modelGauges(model));
  const sources = { databases: new ExecutionSearch(storage.database), reports };
  const types = agentTypesOf({ schemas, model, sources, further });
  const queue = new ExecutionQueue(storage.database, clock, { lease: config.lease, attemptsAllowed, timings });
  const orchestrator = starting.use(
    new Orchestrator({
      queue,
      news: storage.wakeUps,
      clock,
      types,
      capacity: config.executions,
      renewEvery: ms(config.lease / renewalsOfALease),
      lookEvery: ms(Math.min(lookAtMost, config.lease / 2)),
      timings,
      onTrouble,
    }),
  );
  metrics.add(...executionGauges(orchestrator));
  return { types, schemas, queue, orchestrator };
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
