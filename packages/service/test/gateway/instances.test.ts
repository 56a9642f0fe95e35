import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Service } from "../../src/service.ts";
import { type Answer, call, databaseUrl, logIn, testService } from "../running.ts";
import { testServer } from "../storage/server.ts";

let postgres: Awaited<ReturnType<typeof testServer>>;
const workers: Service[] = [];
let gateway: Service;
let token = "";
beforeAll(async () => {
  postgres = await testServer();
  const shared = { DATABASE_URL: await databaseUrl(postgres.server) };
  for (let i = 0; i < 2; i++) workers.push(await testService(postgres.server, shared));
  const urls = workers.map(({ url }) => url).join(",");
  gateway = await testService(postgres.server, { ...shared, METTLE_ORCHESTRATORS: urls });
  token = await logIn(gateway.url);
});
afterAll(async () => {
  await gateway.close();
  for (const worker of workers) await worker.close();
  await postgres[Symbol.asyncDispose]();
});

const execute = (text: string, headers = {}): Promise<Answer> =>
  call(gateway.url, "POST", "/agents/execute", {
    token,
    headers,
    body: { agent_type: "text_processor", task: { type: "summarize", input: text } },
  });

test("S4-086 equal instances are given equal numbers", async () => {
  for (let i = 0; i < 30; i++) expect((await execute(`One by one ${i}.`)).status).toBe(200);
  const { body } = await call(gateway.url, "GET", "/gateway/instances", { token });
  expect(body).toMatchObject([
    { instance: "here", given: 10, health: "healthy" },
    { instance: workers[0]?.url, given: 10, failed: 0, breaker: "closed" },
    { instance: workers[1]?.url, given: 10, failed: 0, outstanding: 0 },
  ]);
});

test("many at once are each answered once, with the caller's ids, whichever instance does it", async () => {
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, i) => execute(`Mill number ${i} grinds.`, { "x-request-id": `r${i}` })),
  );
  expect(answers.map(({ body }) => (body["result"] as { summary: string }).summary)).toEqual(
    Array.from({ length: 60 }, (_, i) => `Mill number ${i} grinds.`),
  );
  expect(answers.map(({ headers }) => headers.get("x-request-id"))).toEqual(
    Array.from({ length: 60 }, (_, i) => `r${i}`),
  );
  const { body: page } = await call(gateway.url, "GET", "/agents/history?limit=100", { token });
  expect(page["executions"]).toHaveLength(90);
});

test("refusals of another instance come back as they are", async () => {
  const answers = await Promise.all([1, 2, 3].map(() => execute("")));
  for (const { status, body, headers } of answers) {
    expect([status, (body["error"] as { code: string }).code]).toEqual([400, "TASK_INVALID"]);
    expect(headers.get("content-type")).toContain("application/json");
  }
});

test("the same key is one execution, whichever instance it reaches", async () => {
  const answers = await Promise.all([1, 2, 3, 4].map(() => execute("Once.", { "idempotency-key": "k" })));
  expect(new Set(answers.map(({ body }) => body["execution_id"])).size).toBe(1);
});

test("tasks over A2A are handed to instances as well", async () => {
  const parts = [{ kind: "text", text: "The mill grinds wheat." }];
  const metadata = { skill: "text_processor.summarize" };
  for (const messageId of ["m-1", "m-2", "m-3"]) {
    const params = { message: { kind: "message", role: "user", messageId, parts, metadata } };
    const body = { jsonrpc: "2.0", id: 1, method: "message/send", params };
    expect(await call(gateway.url, "POST", "/a2a", { token, body })).toMatchObject({
      status: 200,
      body: { result: { status: { state: "completed" } } },
    });
  }
  const { body } = await call(gateway.url, "GET", "/gateway/instances", { token });
  const instances = body as unknown as readonly { outstanding: number; failed: number }[];
  expect(instances.map(({ outstanding, failed }) => [outstanding, failed])).toEqual([
    [0, 0],
    [0, 0],
    [0, 0],
  ]);
});

test("an address that names its host is the same address, and no instance's failure", async () => {
  const body = { agent_type: "text_processor", task: { type: "summarize", input: "Named." } };
  const { hostname, port, host } = new URL(gateway.url);
  for (let i = 0; i < 3; i++) {
    const asked = request({
      method: "POST",
      hostname,
      port,
      path: `http://${host}/agents/execute`,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    });
    asked.end(JSON.stringify(body));
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    answer.resume();
    expect(answer.statusCode).toBe(200);
  }
  const { body: instances } = await call(gateway.url, "GET", "/gateway/instances", { token });
  expect((instances as unknown as readonly { failed: number }[]).map(({ failed }) => failed)).toEqual([0, 0, 0]);
});

test("an instance that has ended is not missed", async () => {
  await workers[0]?.close();
  const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => execute(`Then ${i}.`)));
  expect(answers.map(({ body }) => body["status"])).toEqual(Array.from({ length: 30 }, () => "succeeded"));
});

test("a user who is disabled here is refused by the other instances before their caches end", async () => {
  const other = workers[1]?.url ?? "";
  const user = { name: "eve", password: "a long pass phrase", role: "member" };
  const { body } = await call(gateway.url, "POST", "/users", { token, body: user });
  const eves = await logIn(other, user.name, user.password);
  const status = async (): Promise<number> => (await call(other, "GET", "/agents/history", { token: eves })).status;
  expect(await status()).toBe(200); // its state is in that instance's cache now, for 30 s
  await call(gateway.url, "PATCH", `/users/${String(body["id"])}`, { token, body: { disabled: true } });
  const from = Date.now();
  while ((await status()) === 200);
  expect(Date.now() - from).toBeLessThan(15_000);
});

test("members see no instances", async () => {
  await call(gateway.url, "POST", "/users", {
    token,
    body: { name: "m", password: "a long pass phrase", role: "member" },
  });
  const member = await logIn(gateway.url, "m", "a long pass phrase");
  expect(await call(gateway.url, "GET", "/gateway/instances", { token: member })).toMatchObject({ status: 403 });
});
