import type { Clock } from "@mettle/core";
import type { PoolConfig } from "pg";
import type { ServiceConfig } from "../config/settings.ts";
import { serviceErrors } from "../errors.ts";
import type { Gauge } from "../http/metrics.ts";
import { IsolatedWorkers } from "../isolation/isolated-workers.ts";
import type { Database } from "../storage/database.ts";
import type { CodeInput, CodeOutput } from "./code/code-task.ts";
import { runCode } from "./code/run-code.ts";
import { calculator } from "./light/calculator.ts";
import { dateTool } from "./light/date-tool.ts";
import { jsonQuery } from "./light/json-query.ts";
import type { JsonQueryInput } from "./light/json-query-task.ts";
import { textTool } from "./light/text-tool.ts";
import { sqlQuery } from "./sql/sql-query.ts";
import { TenantReaders } from "./sql/tenant-readers.ts";
import type { Tool } from "./tool.ts";
import { ToolBox } from "./tool-box.ts";
import { systemResolve } from "./web/guarded-request.ts";
import { webFetch } from "./web/web-fetch.ts";

export interface ToolSurroundings {
  readonly config: ServiceConfig;
  readonly database: Database;
  /** How the service itself connects. */
  readonly connection: string | PoolConfig;
  readonly clock: Clock;
}

const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
const moduleOf = (path: string): URL => new URL(`${path}${extension}`, import.meta.url);

/** All tools but those that the configuration takes away. Threads are closed with `stack`. */
export function openTools(
  stack: AsyncDisposableStack,
  { config, database, connection, clock }: ToolSurroundings,
): { readonly box: ToolBox; readonly gauges: readonly Gauge[] } {
  const queries = stack.use(
    new IsolatedWorkers<JsonQueryInput, string>({
      module: moduleOf("./light/json-query-task"),
      processes: 1,
      waiting: 200,
      heapMb: 64,
      clock,
    }),
  );
  const scripts = stack.use(
    new IsolatedWorkers<CodeInput, CodeOutput>({
      module: moduleOf("./code/code-task"),
      processes: 2,
      waiting: 50,
      heapMb: 128,
      clock,
    }),
  );
  const guard = { origins: new Set(config.fetchOrigins.map((one) => new URL(one).origin)), resolve: systemResolve };
  const tools = [
    calculator,
    dateTool(clock),
    textTool,
    jsonQuery(queries),
    webFetch(guard),
    sqlQuery({ readers: new TenantReaders(database), connection }),
    runCode(scripts),
  ];
  const box = new ToolBox(without(tools, config.toolsDisabled), clock);
  return { box, gauges: toolGauges(box) };
}

function without(tools: readonly Tool[], disabled: string): readonly Tool[] {
  const names = disabled.split(",").flatMap((name) => (name.trim() === "" ? [] : [name.trim()]));
  const unknown = names.filter((name) => !tools.some((tool) => tool.name === name));
  if (unknown.length > 0) {
    const there = tools.map(({ name }) => name).join(", ");
    throw serviceErrors.create(
      "SERVICE_CONFIG_INVALID",
      `METTLE_TOOLS_DISABLED: there is no ${unknown.join(", ")} among ${there}.`,
    );
  }
  return tools.filter(({ name }) => !names.includes(name));
}

const toolGauges = (box: ToolBox): readonly Gauge[] => [
  {
    name: "tool_calls",
    help: "Calls of a tool.",
    kind: "counter",
    label: "tool",
    read: () => box.statisticsOf(({ calls }) => calls),
  },
  {
    name: "tool_failures",
    help: "Calls that had no result.",
    kind: "counter",
    label: "tool",
    read: () => box.statisticsOf(({ failures }) => failures),
  },
  {
    name: "tool_running",
    help: "Calls under way.",
    kind: "gauge",
    label: "tool",
    read: () => box.statisticsOf(({ running }) => running),
  },
];
