import { expect, test } from "vitest";
import { call } from "../running.ts";
import { runningService } from "../running-service.ts";
import { StepAgent } from "./step-agent.ts";

const agent = new StepAgent();
const service = runningService({}, { agentTypes: [agent.type] });

const walk = (...steps: string[]): object => ({ agent_type: "stepper", task: { type: "walk", input: { steps } } });

async function started(...steps: string[]): Promise<string> {
  const headers = { prefer: "respond-async" };
  const { body } = await call(service.url, "POST", "/agents/execute", {
    token: service.token,
    body: walk(...steps),
    headers,
  });
  return String(body["execution_id"]);
}

interface Told {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** The events of a stream, as they come. */
async function* events(id: string, lastEventId?: string): AsyncGenerator<Told> {
  const response = await fetch(new URL(`/agents/executions/${id}/events`, service.url), {
    headers: {
      authorization: `Bearer ${service.token}`,
      ...(lastEventId !== undefined && { "last-event-id": lastEventId }),
    },
  });
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  let text = "";
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const parts = (text + chunk).split("\n\n");
    text = parts.pop() ?? "";
    for (const part of parts) {
      const fields = new Map(part.split("\n").map((line) => line.split(/: (.*)/s, 2) as [string, string]));
      const event = fields.get("event");
      if (event === undefined) continue;
      yield { id: fields.get("id"), event, data: JSON.parse(fields.get("data") ?? "") as Told["data"] };
    }
  }
}

test("tells progress and tokens while the execution runs, then its end", async () => {
  const id = await started("one", "two");
  const stream = events(id);
  agent.let("one");
  const first: Told[] = [];
  for await (const told of stream) {
    first.push(told);
    if (told.event === "token") break; // the second step has not been allowed yet
  }
  expect(first.map(({ event, data }) => [event, data])).toEqual([
    ["attempt", {}],
    ["progress", { share: 0.5, note: "one" }],
    ["token", { text: "one" }],
  ]);
  agent.let("two");
  const rest: Told[] = [];
  for await (const told of events(id, first.at(-1)?.id)) rest.push(told);
  expect(rest.map(({ event }) => event)).toEqual(["progress", "token", "end"]);
  expect(rest.at(-1)?.data).toMatchObject({ execution_id: id, status: "succeeded", result: { walked: 2 } });
});

test("an execution that has ended is told from its beginning", async () => {
  agent.let("done");
  const { body } = await call(service.url, "POST", "/agents/execute", { token: service.token, body: walk("done") });
  const told: string[] = [];
  for await (const { event } of events(String(body["execution_id"]))) told.push(event);
  expect(told).toEqual(["attempt", "progress", "token", "end"]);
});

test("refuses places it never gave, unknown executions, and those without a token", async () => {
  agent.let("x");
  const id = await started("x");
  for await (const { event } of events(id)) if (event === "end") break; // so that it runs beside nothing else
  const path = `/agents/executions/${id}/events`;
  const headers = { "last-event-id": "all" };
  expect(await call(service.url, "GET", path, { token: service.token, headers })).toMatchObject({
    status: 400,
    body: { error: { code: "EVENT_ID_INVALID" } },
  });
  const unknown = "/agents/executions/01a1ff15-bbd5-77c8-93d1-45b14a5485f7/events";
  expect(await call(service.url, "GET", unknown, { token: service.token })).toMatchObject({ status: 404 });
  expect(await call(service.url, "GET", path)).toMatchObject({ status: 401 });
});

test("S4-090 a hundred executions run at once; what is beyond waits its turn", async () => {
  const ids = await Promise.all(Array.from({ length: 120 }, () => started("crowd")));
  const status = async (): Promise<Record<string, unknown>> =>
    (await call(service.url, "GET", "/agents/status", { token: service.token })).body;
  let seen = await status();
  // The database may say that one runs before the instance has heard so.
  while (Number((seen["here"] as { running: unknown }).running) < 100 || seen["running"] !== 100) seen = await status();
  expect(seen).toEqual({ queued: 20, running: 100, here: { running: 100, capacity: 100 } });
  agent.let("crowd");
  const ended = await Promise.all(
    ids.slice(0, 40).map(async (id) => {
      let last: Told | undefined;
      for await (const told of events(id)) last = told;
      return last?.data["status"];
    }),
  );
  expect(new Set(ended)).toEqual(new Set(["succeeded"]));
  while (Number(seen["running"]) + Number(seen["queued"]) > 0) seen = await status();
});
