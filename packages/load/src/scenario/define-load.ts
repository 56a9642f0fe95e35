import { type AgentDefaults, AgentTargets } from "../agent/user-agents.ts";
import type { LoadOptions, ScenarioOptions } from "../engine/load-options.ts";
import type { LoadTest } from "../engine/load-test.ts";
import type { HttpOptions } from "../http/http-options.ts";
import type { LoadUser } from "./load-user.ts";
import { ScenarioWorkload } from "./scenario-workload.ts";

/** What one iteration of a user does. */
export type UserFunction<Data = unknown> = (user: LoadUser<Data>) => unknown;

/** One scenario: who comes when, and what they do. Without `executor` it follows from what is given. */
export interface ScenarioDefinition<Data = unknown> extends Omit<ScenarioOptions, "executor" | "exec"> {
  /**
   * @defaultValue `constant-arrival-rate` with `rate`, `ramping-vus` with `stages`, `shared-iterations` with
   * `iterations`, else `constant-vus`
   */
  readonly executor?: ScenarioOptions["executor"];
  readonly run: UserFunction<Data>;
}

/** Requests of all scenarios. */
export interface HttpDefaults extends HttpOptions {
  /** What paths such as `/orders` are added to. */
  readonly baseUrl?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of each request, in ms. @defaultValue 60 000 */
  readonly timeoutMs?: number;
  /** Redirects followed. @defaultValue 10 */
  readonly maxRedirects?: number;
  /** Keep cookies from one iteration to the next; else each begins as a new visitor. @defaultValue false */
  readonly keepCookies?: boolean;
}

/** A load test as its author writes it. */
export interface LoadDefinition<Data = unknown>
  extends Omit<LoadOptions, "scenarios" | "vus" | "duration" | "iterations" | "stages" | "rate"> {
  readonly scenarios: Readonly<Record<string, ScenarioDefinition<Data>>>;
  readonly http?: HttpDefaults;
  /** Models, tools and agents, for `user.chat`, `user.respond`, `user.tool`, `user.message`; objectives and prices. */
  readonly agents?: AgentDefaults;
  /** Once, before all; what it returns reaches every user as a JSON copy. */
  readonly setup?: (user: LoadUser<undefined>) => Data | Promise<Data>;
  readonly teardown?: (user: LoadUser<Data>, data: Data) => unknown;
}

declare const kind: unique symbol;
/** What `defineLoad` returns, and a script exports as default. */
export interface DefinedLoad extends LoadTest {
  readonly [kind]?: "load";
}

/**
 * Defines a load test.
 *
 * @example
 * export default defineLoad({
 *   http: { baseUrl: "http://127.0.0.1:3000" },
 *   scenarios: {
 *     browse: { rate: 50, duration: "30s", run: async (user) => {
 *       const response = await user.http.get("/agents");
 *       user.check(response, { "is 200": (r) => r.status === 200 });
 *     } },
 *   },
 *   thresholds: { http_req_response_time: "p(95) < 200ms" },
 * });
 */
export function defineLoad<Data = undefined>(definition: LoadDefinition<Data>): DefinedLoad {
  const { scenarios, http = {}, agents, setup, teardown, ...options } = definition;
  const { baseUrl, headers, timeoutMs, maxRedirects, keepCookies, ...httpOptions } = http;
  const runs = new Map<string, UserFunction<Data>>();
  const planned: Record<string, ScenarioOptions> = {};
  for (const [name, { run, executor, ...scenario }] of Object.entries(scenarios)) {
    runs.set(name, run);
    planned[name] = { ...scenario, executor: executor ?? executorFor(scenario) };
  }
  return {
    options: { ...options, scenarios: planned },
    http: httpOptions,
    workload: new ScenarioWorkload<Data>({
      runs,
      ...(setup && { setup }),
      ...(teardown && { teardown }),
      seed: options.seed ?? 1,
      agents: new AgentTargets(agents),
      requests: {
        ...(baseUrl !== undefined && { baseUrl }),
        headers: headers ?? {},
        timeoutMs: timeoutMs ?? 60_000,
        maxRedirects: maxRedirects ?? 10,
        keepCookies: keepCookies ?? false,
      },
    }),
  };
}

function executorFor(scenario: Omit<ScenarioDefinition, "run">): ScenarioOptions["executor"] {
  if (scenario.times !== undefined) return "trace";
  if (scenario.shape !== undefined) return "gamma";
  if (scenario.rate !== undefined) return "constant-arrival-rate";
  if (scenario.startRate !== undefined) return "ramping-arrival-rate";
  if (scenario.stages !== undefined) return "ramping-vus";
  return scenario.iterations === undefined ? "constant-vus" : "shared-iterations";
}
