import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Database, poolDefaults } from "../../../src/storage/database.ts";
import { systemClock } from "@mettle/core";
import { type Answer, call, databaseUrl, logIn, logInElsewhere, testService } from "../../running.ts";
import { testServer } from "../../storage/server.ts";
import { says, scriptedModel } from "../model/scripted-model.ts";

let postgres: Awaited<ReturnType<typeof testServer>>;
let model: Awaited<ReturnType<typeof scriptedModel>>;
let service: Awaited<ReturnType<typeof testService>>;
let database: Database;
let token = "";
let others = "";
beforeAll(async () => {
  postgres = await testServer();
  model = await scriptedModel(says(["Mills grind."]));
  const DATABASE_URL = await databaseUrl(postgres.server);
  service = await testService(postgres.server, { DATABASE_URL, MODEL_BASE_URL: model.url, MODEL_NAME: "m" });
  database = new Database(DATABASE_URL, { ...poolDefaults, min: 0, max: 1 }, systemClock);
  token = await logIn(service.url);
  others = await logInElsewhere(service.url, token, database);
});
afterAll(async () => {
  await service.close();
  await database.close();
  await model[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

const configuration = { timeout_seconds: 40, max_tokens: 7, temperature: 0.5 };
const setUp = async (name: string, change: object = {}, as = token): Promise<Answer> =>
  call(service.url, "POST", "/agents", {
    token: as,
    body: { name, agent_type: "text_processor", configuration, ...change },
  });
const idOf = ({ body }: Answer): string => String(body["agent_id"]);
const task = { type: "summarize", input: "The mill grinds wheat. Bakers make bread.", parameters: { max_length: 3 } };
const execute = (body: object, as = token): Promise<Answer> =>
  call(service.url, "POST", "/agents/execute", { token: as, body: { task, ...body } });
const codeOf = ({ body }: Answer): unknown => (body["error"] as { readonly code: unknown } | undefined)?.code;

describe("agents that a tenant has set up", () => {
  test("are made, looked at, listed page by page and forgotten", async () => {
    const made = await setUp("first");
    expect(made).toMatchObject({ status: 201, body: { name: "first", agent_type: "text_processor", configuration } });
    expect(made.headers.get("location")).toBe(`/agents/${idOf(made)}`);
    expect((await call(service.url, "GET", `/agents/${idOf(made)}`, { token })).body).toEqual(made.body);
    await setUp("second", { agent_type: "data_analyzer" });
    await setUp("third");
    const page = async (query: string): Promise<readonly unknown[]> => {
      const { body } = await call(service.url, "GET", `/agents?${query}`, { token });
      const agents = body["agents"] as readonly { readonly name: string }[];
      return [agents.map(({ name }) => name), body["next"]];
    };
    const [names, next] = await page("limit=2");
    expect(names).toEqual(["third", "second"]);
    expect(await page(`limit=2&after=${String(next)}`)).toEqual([["first"], undefined]);
    expect(await page("agent_type=data_analyzer")).toEqual([["second"], undefined]);
    expect(await call(service.url, "DELETE", `/agents/${idOf(made)}`, { token })).toMatchObject({ status: 204 });
    expect(codeOf(await call(service.url, "DELETE", `/agents/${idOf(made)}`, { token }))).toBe("AGENT_UNKNOWN");
  });

  test("do tasks their own way: the model is asked with their settings, for as long as they may take", async () => {
    const id = idOf(await setUp("warm"));
    const done = await execute({ agent_id: id });
    expect(done).toMatchObject({
      status: 200,
      body: { status: "succeeded", agent_id: id, agent_type: "text_processor", result: { summary: "Mills grind." } },
    });
    expect(model.calls.at(-1)?.body).toMatchObject({ max_tokens: 7, temperature: 0.5 });
    const seconds = async (answer: Answer): Promise<number> => {
      const [row] = await database.query<{ seconds: string }>(
        "SELECT extract(epoch FROM deadline_at - created_at) AS seconds FROM executions WHERE id = $1",
        [answer.body["execution_id"]],
      );
      return Math.round(Number(row?.seconds));
    };
    expect(await seconds(done)).toBe(40);
    expect(await seconds(await execute({ agent_id: id, timeout_ms: 9000 }))).toBe(9);
    // Without an agent as before.
    expect((await execute({ agent_type: "text_processor" })).body["agent_id"]).toBeNull();
    expect(model.calls.at(-1)?.body).toMatchObject({ max_tokens: 59, temperature: 0 });
  });

  test("what an execution was done by stays with it when the agent is forgotten", async () => {
    const id = idOf(await setUp("brief"));
    const { body } = await execute({ agent_id: id });
    await call(service.url, "DELETE", `/agents/${id}`, { token });
    const path = `/agents/executions/${String(body["execution_id"])}`;
    expect((await call(service.url, "GET", path, { token })).body).toMatchObject({ agent_id: id, status: "succeeded" });
    expect(codeOf(await execute({ agent_id: id }))).toBe("AGENT_UNKNOWN");
  });

  test.each([
    ["neither type nor agent", {}, 400, "REQUEST_INVALID"],
    ["both", { agent_type: "text_processor", agent_id: randomUUID() }, 400, "REQUEST_INVALID"],
    ["an agent that is not there", { agent_id: randomUUID() }, 404, "AGENT_UNKNOWN"],
    ["no id", { agent_id: "../1" }, 400, "REQUEST_INVALID"],
  ])("an execution by %s is refused", async (_, body, status, code) => {
    const answer = await execute(body);
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
  });

  test.each([
    ["of no type that is there", { agent_type: "poet" }, 422, "AGENT_TYPE_UNKNOWN"],
    ["with a setting that is not offered", { configuration: { ...configuration, tools: [] } }, 400, "REQUEST_INVALID"],
    ["too hot", { configuration: { ...configuration, temperature: 3 } }, 400, "REQUEST_INVALID"],
    ["with a name of control characters", { name: "a\u0000b" }, 400, "REQUEST_INVALID"],
    ["of another tenant", { tenant_id: randomUUID() }, 400, "REQUEST_INVALID"],
  ])("an agent %s is refused", async (_, change, status, code) => {
    const answer = await setUp("x", change);
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
  });

  test("belong to their tenant; members use them, operators set them up", async () => {
    const id = idOf(await setUp("mine"));
    for (const [method, path] of [
      ["GET", `/agents/${id}`],
      ["DELETE", `/agents/${id}`],
    ] as const)
      expect(codeOf(await call(service.url, method, path, { token: others }))).toBe("AGENT_UNKNOWN");
    expect(codeOf(await execute({ agent_id: id }, others))).toBe("AGENT_UNKNOWN");
    expect((await call(service.url, "GET", "/agents", { token: others })).body["agents"]).toEqual([]);
    const member = { name: "ada", password: "a long pass phrase", role: "member" };
    await call(service.url, "POST", "/users", { token, body: member });
    const adas = await logIn(service.url, "ada", member.password);
    expect(await execute({ agent_id: id }, adas)).toMatchObject({ status: 200, body: { status: "succeeded" } });
    expect(codeOf(await setUp("hers", {}, adas))).toBe("AUTH_ROLE_TOO_LOW");
    expect(codeOf(await call(service.url, "DELETE", `/agents/${id}`, { token: adas }))).toBe("AUTH_ROLE_TOO_LOW");
  });
});
