import { afterAll, beforeAll, expect, test } from "vitest";
import { call, logIn, testService } from "../running.ts";
import { testServer } from "../storage/server.ts";

let postgres: Awaited<ReturnType<typeof testServer>>;
let service: Awaited<ReturnType<typeof testService>>;
let token: string;

beforeAll(async () => {
  postgres = await testServer();
  service = await testService(postgres.server);
  token = await logIn(service.url);
});
afterAll(async () => {
  await service.close();
  await postgres[Symbol.asyncDispose]();
});

/** All of one moment, in which no statement is under way: one is counted when it begins, and timed when it ends. */
async function counts(...names: readonly string[]): Promise<readonly number[]> {
  for (;;) {
    const { body } = await call(service.url, "GET", "/metrics");
    const lines = String(body["text"]).split("\n");
    const valueOf = (name: string): number =>
      Number(lines.find((each) => each.startsWith(`${name} `))?.split(" ")[1] ?? Number.NaN);
    if (valueOf("db_queries_total") === valueOf("db_query_duration_count")) return names.map(valueOf);
  }
}

/** How much each of these counts rises while `work` is done. */
async function risen(names: readonly string[], work: () => Promise<unknown>): Promise<readonly number[]> {
  const before = await counts(...names);
  await work();
  const after = await counts(...names);
  return after.map((value, i) => value - (before[i] ?? Number.NaN));
}

test("each request with a token is timed once by each part of the gateway, and no other request", async () => {
  const gateway = ["routing", "token_validation", "rate_limit"].map((part) => `gateway_${part}_seconds_count`);
  const status = (): Promise<unknown> => call(service.url, "GET", "/agents/status", { token });
  expect(
    await risen(gateway, async () => {
      for (let i = 0; i < 5; i++) await status();
    }),
  ).toEqual([5, 5, 5]);
  expect(await risen(gateway, () => call(service.url, "GET", "/health"))).toEqual([0, 0, 0]);
  // Refused before it is routed: only the token was looked at.
  expect(await risen(gateway, () => call(service.url, "GET", "/agents/status", { token: "x.y.z" }))).toEqual([0, 1, 0]);
  expect(await risen(['auth_tokens_total{by="cache"}', 'cache_lookup_seconds_count{cache="users"}'], status)).toEqual([
    1, 1,
  ]);
});

test("an execution is timed from queue to ending", async () => {
  const execute = () =>
    call(service.url, "POST", "/agents/execute", {
      token,
      body: {
        agent_type: "text_processor",
        task: { type: "summarize", input: "The mill grinds. The baker bakes.", parameters: { max_length: 4 } },
      },
    });
  const parts = ["queue", "scheduling", "persistence"].map((part) => `execution_${part}_seconds_count`);
  // Stored when queued and when ended.
  expect(await risen(parts, execute)).toEqual([1, 1, 2]);
  // Whoever waits for the answer is told it; whoever looks has it read.
  let id: unknown;
  const counters = ["execution_retrieval_seconds_count", "db_queries_total", "db_query_errors_total"];
  const [read, statements = 0, failed] = await risen(counters, async () => {
    id = (await execute()).body["execution_id"];
  });
  expect([read, failed]).toEqual([0, 0]);
  expect(statements).toBeGreaterThanOrEqual(2);
  const look = () => call(service.url, "GET", `/agents/executions/${String(id)}`, { token });
  expect(await risen(counters.slice(0, 1), look)).toEqual([1]);
});

test("a search is timed by its parts once, and then found in the cache", async () => {
  await call(service.url, "POST", "/knowledge/documents", {
    token,
    headers: { "content-type": "text/plain" },
    body: "A lease ends by itself when nobody renews it.",
  });
  const search = (): Promise<unknown> =>
    call(service.url, "POST", "/knowledge/search", { token, body: { query: "lease" } });
  const parts = ["embedding", "similarity", "scoring"].map((part) => `knowledge_${part}_seconds_count`);
  const names = [...parts, 'cache_lookup_seconds_count{cache="knowledge"}'];
  expect(await risen(names, search)).toEqual([1, 1, 1, 0]);
  expect(await risen(names, search)).toEqual([0, 0, 0, 1]);
  expect(
    await risen(["knowledge_context_seconds_count"], () =>
      call(service.url, "POST", "/knowledge/context", { token, body: { query: "lease" } }),
    ),
  ).toEqual([1]);
});

test("S4-133 each statement is counted and timed, and so is the wait for its connection; failures are counted", async () => {
  const names = [
    "db_connection_acquisition_time_count",
    "db_query_duration_count",
    "db_queries_total",
    "db_query_errors_total",
  ];
  const status = (): Promise<unknown> => call(service.url, "GET", "/agents/status", { token });
  const [waits = 0, timed = 0, statements = 0, failed] = await risen(names, status);
  expect(waits).toBeGreaterThanOrEqual(1);
  expect(timed).toBe(statements);
  expect(statements).toBeGreaterThanOrEqual(1);
  expect(failed).toBe(0);
});

test("what the process takes of the machine", async () => {
  const [memory, cpu] = await counts("process_resident_memory_bytes", "process_cpu_seconds_total");
  expect(memory).toBeGreaterThan(20e6);
  expect(cpu).toBeGreaterThan(0.1);
});
