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
  /** `{n}` stands for the user's number. */
  readonly username: string;
  readonly password: string;
  /** How many users there are; virtual users share them beyond. */
  readonly users: number;
}

/** What every user of a service scenario is given by setup. */
export interface ServiceData {
  readonly token: string;
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

  constructor(endpoints: ServiceEndpoints, credentials: Credentials) {
    this.#endpoints = endpoints;
    this.#credentials = credentials;
  }

  /** @param number - of the user, from 1; beyond the number of users they begin again */
  login(user: LoadUser, number: number): Promise<LoadResponse> {
    const { username, password, users } = this.#credentials;
    const n = String(((number - 1) % users) + 1);
    const body = { username: username.replaceAll("{n}", n), password: password.replaceAll("{n}", n) };
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

  #as(user: ServiceUser, name: string): RequestOptions {
    return { name, headers: { Authorization: `Bearer ${tokenOf(user)}` } };
  }
}

/** The token that this user logged in for, or else the one that setup got for all. */
function tokenOf(user: ServiceUser): string {
  const own = user.state["token"];
  return typeof own === "string" ? own : user.data.token;
}

/** A member of a JSON body that is a text; empty where there is none. */
export function textMember(response: LoadResponse, member: string): string {
  const body: unknown = response.json();
  const value: unknown =
    typeof body === "object" && body !== null ? (body as Readonly<Record<string, unknown>>)[member] : undefined;
  return typeof value === "string" ? value : "";
}
