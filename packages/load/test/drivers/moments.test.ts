import { describe, expect, test } from "vitest";
import { a2a } from "../../src/drivers/a2a.ts";
import type { Driver, StepEvent } from "../../src/drivers/driver.ts";
import { mcp } from "../../src/drivers/mcp.ts";
import { openAiChat } from "../../src/drivers/openai-chat.ts";
import type { HttpClient, HttpResponse } from "../../src/http/exchange.ts";
import { fakeUser } from "../fake-user.ts";

/** Sent at 1000, waited 30 ms for a connection, and was over 10 ms later. */
const timings: HttpResponse["timings"] = {
  scheduledAt: 1000,
  startedAt: 1000,
  blocked: 30,
  lookingUp: 0,
  connecting: 30,
  tlsHandshaking: 0,
  sending: 1,
  waiting: 8,
  receiving: 1,
  duration: 10,
};

function clientThat(answer: Partial<HttpResponse>, body?: string): HttpClient {
  return {
    send: (_, onChunk) => {
      if (body !== undefined) onChunk?.(new TextEncoder().encode(body), 1040, answer.status ?? 0);
      const none: HttpResponse = {
        status: 0,
        statusText: "",
        protocol: "HTTP/1.1",
        headers: [],
        bytesSent: 0,
        bytesReceived: 0,
        timings,
      };
      return Promise.resolve({ ...none, ...answer });
    },
    closeIdle: () => {},
    close: () => {},
  };
}

async function send<Step>(driver: Driver<Step>, step: Step, client: HttpClient) {
  const events: StepEvent[] = [];
  const session = await driver.open(fakeUser(client));
  const outcome = await session.send(step, (event) => events.push(event));
  return { outcome, at: events.map(({ type, at }) => [type, at]) };
}

describe("the wait for a connection is part of a step's time", () => {
  test("where no answer came", async () => {
    const failure = { code: 1050, message: "request timeout" };
    const chat = openAiChat({ url: "http://127.0.0.1:1/v1", model: "m" });
    const { outcome, at } = await send(chat, { messages: [{ role: "user", content: "hi" }] }, clientThat({ failure }));
    expect(outcome).toMatchObject({ ok: false, startedAt: 1000, endedAt: 1040 });
    expect(at).toEqual([["error", 1040]]);
  });

  test("where the answer of a tool or an agent came in one piece", async () => {
    const result = { content: [{ type: "text", text: "42" }] };
    const tool = await send(
      mcp({ url: "http://127.0.0.1:1/mcp", version: "2026-07-28" }),
      { tool: "add" },
      clientThat({ status: 200 }, JSON.stringify({ jsonrpc: "2.0", id: 1, result })),
    );
    const agent = await send(
      a2a({ url: "http://127.0.0.1:1/a2a", stream: false }),
      { text: "hi" },
      clientThat(
        { status: 200 },
        JSON.stringify({ jsonrpc: "2.0", id: 1, result: { message: { parts: [{ text: "42" }] } } }),
      ),
    );
    for (const { outcome, at } of [tool, agent]) {
      expect(outcome).toMatchObject({ ok: true, endedAt: 1040, text: "42" });
      expect(new Set(at.map(([, when]) => when))).toEqual(new Set([1040]));
    }
  });
});
