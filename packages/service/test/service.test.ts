import { expect, test } from "vitest";
import { call, logIn, testService } from "./running.ts";
import { runningService } from "./running-service.ts";

const service = runningService();

test("S4-028 logs in with a name and a password, and knows who asks by the token", async () => {
  const token = await logIn(service.url);
  const { status, body } = await call(service.url, "GET", "/users", { token });
  expect(status).toBe(200);
  expect(body).toEqual([{ id: expect.any(String) as string, name: "admin", role: "admin" }]);
});

test("a service without users says how to make the first", async () => {
  const told: string[] = [];
  const settings = { METTLE_ADMIN_PASSWORD: undefined };
  await using nobody = await testService(service.server, settings, { onProgress: (what) => told.push(what) });
  expect(told).toContain("nobody can log in: start it again with METTLE_ADMIN_PASSWORD set");
  expect(await call(nobody.url, "GET", "/ready")).toMatchObject({ status: 200 });
});

test("S4-029 every other route asks for a token, and takes no other", async () => {
  const { body } = await call(service.url, "GET", "/openapi.json");
  const { paths } = body as { readonly paths: Record<string, Record<string, { readonly security?: unknown }>> };
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security }]) => ({ method: method.toUpperCase(), path, security })),
  );
  const open = routes.filter(({ security }) => security === undefined);
  expect(open.map(({ path }) => path).toSorted()).toEqual(["/auth/login", "/health", "/ready"]);
  const closed = routes.filter(({ security }) => security !== undefined);
  expect(closed.length).toBeGreaterThan(20);
  const id = "00000000-0000-4000-8000-000000000000";
  for (const { method, path } of closed) {
    const at = path.replaceAll(/\{\w+\}/g, id);
    // Without a body: who asks is looked at before what is asked.
    expect([path, (await call(service.url, method, at)).status]).toEqual([path, 401]);
    expect([path, (await call(service.url, method, at, { token: "a.b.c" })).status]).toEqual([path, 401]);
  }
});

test("health, readiness, metrics and the OpenAPI document ask for no token", async () => {
  const { url } = service;
  expect(await call(url, "GET", "/health")).toMatchObject({ status: 200, body: { status: "ok" } });
  expect(await call(url, "GET", "/ready")).toMatchObject({
    status: 200,
    body: { status: "ready", checks: { database: "ok" } },
  });
  const metrics = await call(url, "GET", "/metrics");
  expect(metrics.headers.get("content-type")).toContain("application/openmetrics-text");
  expect(metrics.body["text"]).toMatch(/database_pool_connections\{state="max"\} 20\n[\s\S]*# EOF\n$/);
  expect(metrics.body["text"]).toContain(
    'http_server_request_duration_seconds_count{method="GET",route="/health",status="200"} 1',
  );
  const { body } = await call(url, "GET", "/openapi.json");
  expect(body).toMatchObject({ openapi: "3.1.0", paths: { "/auth/login": {}, "/users": {} } });
});

test("every failure has the same form, with the request's id", async () => {
  const failing = [
    ["GET", "/nothing", {}, 404, "ROUTE_NOT_FOUND"],
    ["GET", "/users", {}, 401, "AUTH_TOKEN_MISSING"],
    ["GET", "/users", { token: "x.y.z" }, 401, "AUTH_TOKEN_INVALID"],
    ["POST", "/auth/login", { body: { username: "admin" } }, 400, "REQUEST_INVALID"],
    [
      "POST",
      "/auth/login",
      { body: "{", headers: { "content-type": "application/json" } },
      400,
      "REQUEST_INVALID_JSON_BODY",
    ],
    ["POST", "/auth/login", { body: "a", headers: { "content-type": "text/csv" } }, 415, "REQUEST_INVALID_MEDIA_TYPE"],
    ["POST", "/auth/login", { body: { username: "admin", password: "x", role: "admin" } }, 400, "REQUEST_INVALID"],
    ["POST", "/auth/login", { body: { username: "admin", password: "x".repeat(2e6) } }, 413, "REQUEST_BODY_TOO_LARGE"],
  ] as const;
  for (const [method, path, options, status, code] of failing) {
    const answer = await call(service.url, method, path, {
      ...options,
      headers: { "x-request-id": "mine-1", ...("headers" in options ? options.headers : {}) },
    });
    expect([code, answer.status]).toEqual([code, status]);
    expect(answer.body).toEqual({
      error: {
        type: expect.any(String) as string,
        code,
        message: expect.any(String) as string,
        details: expect.any(Object) as object,
        request_id: "mine-1",
      },
    });
    expect(answer.headers.get("x-request-id")).toBe("mine-1");
    expect(answer.headers.get("traceparent")).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-0[01]$/);
  }
});

test("an administrator makes users, who may not; changed ones must log in again", async () => {
  const { url } = service;
  const token = await logIn(url);
  const member = { name: "Ada", password: "a long pass phrase", role: "member" };
  const made = await call(url, "POST", "/users", { token, body: member });
  expect(made).toMatchObject({ status: 201, body: { name: "Ada", role: "member" } });
  expect(await call(url, "POST", "/users", { token, body: { ...member, name: "ada" } })).toMatchObject({
    status: 409,
    body: { error: { code: "USER_EXISTS" } },
  });
  const adas = await logIn(url, "ada", member.password);
  expect(await call(url, "POST", "/users", { token: adas, body: { ...member, name: "Eve" } })).toMatchObject({
    status: 403,
    body: { error: { code: "AUTH_ROLE_TOO_LOW" } },
  });
  const change = { password: "another long phrase" };
  expect(await call(url, "PATCH", `/users/${String(made.body["id"])}`, { token, body: change })).toMatchObject({
    status: 204,
  });
  expect(await call(url, "GET", "/users", { token: adas })).toMatchObject({ status: 401 });
  expect(
    await call(url, "POST", "/auth/login", { body: { username: "ada", password: member.password } }),
  ).toMatchObject({
    status: 401,
    body: { error: { code: "AUTH_LOGIN_FAILED" } },
  });
});
