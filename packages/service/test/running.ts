import { loadConfig } from "../src/config/load-config.ts";
import type { Queries } from "../src/storage/database.ts";
import { type Service, type ServiceOptions, startService } from "../src/service.ts";
import { expectDocumented } from "./documented.ts";
import type { EmbeddedServer } from "../src/storage/embedded-server.ts";
import { emptyDatabaseUrl } from "./storage/server.ts";

export const adminPassword = "correct horse battery";

export { emptyDatabaseUrl as databaseUrl } from "./storage/server.ts";

/** A service with a database of its own on any free port. */
export async function testService(
  server: EmbeddedServer,
  environment: Readonly<Record<string, string | undefined>> = {},
  options: Omit<ServiceOptions, "config"> = {},
): Promise<Service> {
  const config = loadConfig({
    PORT: "0",
    LOG_LEVEL: "silent",
    DATABASE_URL: environment["DATABASE_URL"] ?? (await emptyDatabaseUrl(server)),
    METTLE_POOL_MIN: "1",
    METTLE_MAX_EVENT_LOOP_DELAY: "0s", // tests share their machine
    METTLE_ADMIN_PASSWORD: adminPassword,
    METTLE_DATA_FOLDER: "/nonexistent",
    ...environment,
  });
  return startService({ config, ...options });
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** One request; a body is sent as JSON. What is answered must be as the OpenAPI document says. */
export async function call(
  url: string,
  method: string,
  path: string,
  { token, body, headers = {} }: { token?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const response = await fetch(new URL(path, url), {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json") === true;
  const answer = isJson ? (JSON.parse(text) as Record<string, unknown>) : { text };
  expectDocumented({ method, path: new URL(path, url).pathname, status: response.status }, isJson ? answer : text);
  return { status: response.status, headers: response.headers, body: answer };
}

export async function logIn(url: string, username = "admin", password = adminPassword): Promise<string> {
  const { body } = await call(url, "POST", "/auth/login", { body: { username, password } });
  return String(body["token"]);
}

/** Makes a tenant of its own with the administrator "eve". @returns her token */
export async function logInElsewhere(url: string, token: string, database: Queries): Promise<string> {
  const body = { name: "eve", password: "a long pass phrase", role: "admin" };
  await call(url, "POST", "/users", { token, body });
  await database.run("INSERT INTO tenants (id, name) VALUES (gen_random_uuid(), 'other')");
  await database.run("UPDATE users SET tenant_id = (SELECT id FROM tenants WHERE name = 'other') WHERE name = 'eve'");
  return logIn(url, "eve", body.password);
}
