import type { LoadResponse, LoadUser, RequestOptions } from "@mettle/load";

/** Where the parts of the service are (S4-109). */
export interface ServiceEndpoints {
  readonly auth: string;
  readonly agents: string;
  readonly knowledge: string;
  readonly tools: string;
}

/** All below one base URL. */
export function serviceEndpoints(baseUrl: string): ServiceEndpoints {
  const base = baseUrl.replace(/\/+$/, "");
  return { auth: `${base}/auth`, agents: `${base}/agents`, knowledge: `${base}/knowledge`, tools: `${base}/tools` };
}

export interface Credentials {
  /** `{n}` stands for the user's number, `{n:5}` for the same in five digits. */
  readonly username: string;
  readonly password: string;
  /** How many users there are; virtual users share them beyond. */
  readonly users: number;
}

/** What every user of a service scenario is given by setup. */
export interface ServiceData {
  /** Of several users, so that not one of them makes all requests. */
  readonly tokens: readonly string[];
}

export type ServiceUser = LoadUser<ServiceData>;

/** A task as the service takes it (S4-030). */
export interface ServiceTask {
  readonly agentType: "text_processor" | "multi_step_processor" | "data_analyzer" | "workflow_orchestrator";
  readonly type: string;
  readonly input: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** S4-036. */
export const simpleTask: ServiceTask = {
  agentType: "text_processor",
  type: "summarize",
  input: "Agents measure what they do, and report what they measured.",
  parameters: { max_length: 100 },
};

/** S4-037. */
export const complexTask: ServiceTask = {
  agentType: "multi_step_processor",
  type: "research_and_analyze",
  input: "The market of agent platforms",
  parameters: { depth: "comprehensive", sources: ["web", "databases", "reports"], analysis_type: "competitive" },
};

/** A call of a tool (S4-033). */
export interface ServiceTool {
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

export const lightTool: ServiceTool = { tool: "calculator", arguments: { expression: "sqrt(2) * 10 ^ 3 + 7" } };

/** Some milliseconds of work in a sandbox of its own. */
export const heavyTool: ServiceTool = {
  tool: "run_code",
  arguments: { code: "let sum = 0; for (let i = 0; i < 100000; i++) sum += i % 7; sum" },
};

const queries: readonly string[] = [
  "how agents coordinate",
  "what a lease is",
  "limits of supervision",
  "cost of a variable update",
  "recovery after a failure",
];

/** The endpoints of the service as one user calls them; each call under one name in the results. */
export class ServiceSurface {
  readonly #endpoints: ServiceEndpoints;
  readonly #credentials: Credentials;
  readonly #thinkForMs: number | undefined;
  #begunAt: number | undefined;

  /** @param thinkForMs - of real time, from the first call of `begin`: after it nobody thinks any more */
  constructor(endpoints: ServiceEndpoints, credentials: Credentials, thinkForMs?: number) {
    this.#thinkForMs = thinkForMs;
    this.#endpoints = endpoints;
    this.#credentials = credentials;
  }

  /** Called before every iteration of any user. */
  begin(): void {
    this.#begunAt ??= performance.now();
  }

  /** Waits as a person does, evenly spread between two durations, ms. */
  async think(user: ServiceUser, leastMs: number, mostMs: number): Promise<void> {
    const drawn = leastMs + user.random.uniform() * (mostMs - leastMs);
    const left = this.#thinkForMs === undefined ? drawn : (this.#begunAt ?? 0) + this.#thinkForMs - performance.now();
    await user.sleep(Math.max(0, Math.min(drawn, left)));
  }

  /** @param number - of the user, from 1; beyond the number of users they begin again */
  login(user: LoadUser, number: number): Promise<LoadResponse> {
    const { username, password, users } = this.#credentials;
    const n = ((number - 1) % users) + 1;
    const body = { username: nthUser(username, n), password: nthUser(password, n) };
    return user.http.post(`${this.#endpoints.auth}/login`, body, { name: "POST /auth/login" });
  }

  execute(user: ServiceUser, { agentType, type, input, parameters }: ServiceTask): Promise<LoadResponse> {
    const body = { agent_type: agentType, task: { type, input, parameters } };
    return user.http.post(`${this.#endpoints.agents}/execute`, body, this.#as(user, "POST /agents/execute"));
  }

  status(user: ServiceUser): Promise<LoadResponse> {
    return user.http.get(`${this.#endpoints.agents}/status`, this.#as(user, "GET /agents/status"));
  }

  history(user: ServiceUser): Promise<LoadResponse> {
    return user.http.get(`${this.#endpoints.agents}/history`, this.#as(user, "GET /agents/history"));
  }

  search(user: ServiceUser): Promise<LoadResponse> {
    const query = queries[Math.floor(user.random.uniform() * queries.length)] ?? "";
    const body = { query, limit: 10 };
    return user.http.post(`${this.#endpoints.knowledge}/search`, body, this.#as(user, "POST /knowledge/search"));
  }

  tool(user: ServiceUser, { tool, arguments: input }: ServiceTool): Promise<LoadResponse> {
    const body = { tool, arguments: input };
    return user.http.post(`${this.#endpoints.tools}/execute`, body, this.#as(user, "POST /tools/execute"));
  }

  #as(user: ServiceUser, name: string): RequestOptions {
    return { name, headers: { Authorization: `Bearer ${tokenOf(user)}` } };
  }
}

/** A name or a password with the user's number in its place. */
export const nthUser = (text: string, n: number): string =>
  text.replaceAll(/\{n(?::(\d+))?\}/g, (_, digits: string | undefined) => String(n).padStart(Number(digits ?? 0), "0"));

/** The token that this user logged in for, or else one of those that setup got for all. */
function tokenOf(user: ServiceUser): string {
  const own = user.state["token"];
  if (typeof own === "string") return own;
  const { tokens } = user.data;
  return tokens[(user.id - 1) % tokens.length] ?? "";
}

/** A member of a JSON body that is a text; empty where there is none. */
export function textMember(response: LoadResponse, member: string): string {
  const body: unknown = response.json();
  const value: unknown =
    typeof body === "object" && body !== null ? (body as Readonly<Record<string, unknown>>)[member] : undefined;
  return typeof value === "string" ? value : "";
}
