import { ManualClock, ms } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Fault, faultFor, parseFault } from "../../src/mock-model/faults.ts";
import { resolveMockModelOptions } from "../../src/mock-model/options.ts";
import { planReply, type ReplyRequest } from "../../src/mock-model/reply-plan.ts";
import { startMockModel } from "../../src/mock-model/server.ts";
import { TimerWheel } from "../../src/mock-model/timer-wheel.ts";
import { quick } from "./quick.ts";

const chat = (more: object = {}): RequestInit => ({
  method: "POST",
  body: JSON.stringify({ model: "m", messages: [{ role: "user", content: "hi" }], ...more }),
});

test("the wheel runs each entry within a millisecond after it is due, in order of ticks, whatever the distance", async () => {
  const clock = new ManualClock();
  const wheel = new TimerWheel(clock, (error) => {
    throw error;
  });
  const late: number[] = [];
  const dues = [0, 0.5, 1, 1.2, 7, 1023, 1024, 1025, 5000.5];
  for (const due of dues) {
    wheel.add(due, {
      due: (now) => {
        late.push(now - due);
        return Number.NaN;
      },
    });
  }
  const cancel = wheel.add(2, { due: () => late.push(99) });
  cancel();
  cancel();
  expect(wheel.size).toBe(dues.length);
  await clock.advance(ms(6000));
  expect(late).toHaveLength(dues.length);
  expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...late)).toBeLessThanOrEqual(1.5);
  expect(wheel.size).toBe(0);
  wheel.close();
});

test("an entry that throws ends alone", async () => {
  const clock = new ManualClock();
  const errors: unknown[] = [];
  const wheel = new TimerWheel(clock, (error) => errors.push(error));
  let ran = 0;
  wheel.add(1, {
    due: () => {
      throw new Error("broken");
    },
  });
  wheel.add(1, { due: () => (++ran < 3 ? ran + 1 : Number.NaN) });
  await clock.advance(ms(10));
  expect([errors.length, ran, wheel.size]).toEqual([1, 3, 0]);
});

describe("plans", () => {
  const request = (number: number): ReplyRequest => ({
    endpoint: "chat",
    number,
    inputTokens: 10,
    tools: [],
    toolChoice: "auto",
    toolRounds: 0,
  });

  test("the n-th request is answered the same, whatever came before, and another seed answers otherwise", () => {
    const model = resolveMockModelOptions({ seed: 3 });
    const drawn = (plan: ReturnType<typeof planReply>) => [
      plan.firstTokenAfterMs,
      plan.nextGap(),
      plan.nextGap(),
      plan.pieces,
    ];
    const forward = [1, 2, 3, 4].map((number) => drawn(planReply(model, request(number))));
    const backward = [4, 3, 2, 1].map((number) => drawn(planReply(model, request(number)))).toReversed();
    expect(forward).toEqual(backward);
    expect(drawn(planReply(resolveMockModelOptions({ seed: 4 }), request(1)))).not.toEqual(forward[0]);
  });

  test("one setting changed leaves the other draws as they were", () => {
    const before = planReply(resolveMockModelOptions({}), request(1));
    const after = planReply(
      resolveMockModelOptions({ gap: { kind: "constant", value: 1 }, faults: [{ kind: "reset", probability: 1 }] }),
      request(1),
    );
    expect([after.firstTokenAfterMs, after.pieces]).toEqual([before.firstTokenAfterMs, before.pieces]);
  });

  test("faults: by number, by turn, by endpoint, and by chance at about their probability", () => {
    const hits = (fault: Fault): number[] =>
      Array.from({ length: 2000 }, (_, index) => index + 1).filter((number) => faultFor([fault], 1, "chat", number));
    expect(hits(parseFault("reset #3,#7"))).toEqual([3, 7]);
    expect(hits(parseFault("stall=5s every 500"))).toEqual([500, 1000, 1500, 2000]);
    expect(hits(parseFault("truncate 100% mcp"))).toEqual([]);
    const share = hits(parseFault("status=429 10%")).length / 2000;
    expect(Math.abs(share - 0.1)).toBeLessThan(5 * Math.sqrt((0.1 * 0.9) / 2000));
    expect(parseFault("status=429 10% chat a2a")).toEqual({
      kind: "status",
      status: 429,
      probability: 0.1,
      endpoints: ["chat", "a2a"],
    });
  });

  test.each([
    "",
    "reset",
    "boom 1%",
    "status=200 1%",
    "stall=x 1%",
    "reset=1 1%",
    "reset 200%",
    "reset #0",
    "reset every 0",
    "reset 1% 2%",
  ])("refuses the fault %j", (text) =>
    expect(() => parseFault(text)).toThrow(expect.objectContaining({ code: "MOCK_FAULT_INVALID" })),
  );
});

describe("the server in virtual time", () => {
  test("tokens come when they are due: first at 200 ms, then every 50 ms, the end with the last", async () => {
    const clock = new ManualClock();
    await using model = await startMockModel(
      {
        ...quick,
        timeToFirstToken: { kind: "constant", value: 200 },
        gap: { kind: "constant", value: 50 },
        outputTokens: { kind: "constant", value: 4 },
      },
      clock,
    );
    const response = await fetch(`${model.url}/v1/chat/completions`, chat({ stream: true }));
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await reader.read()).value ?? "";
    expect(text).toContain('"role":"assistant"');
    const contents = (): number => text.split('"content":"').length - 2;
    await clock.advance(ms(198));
    expect(contents()).toBe(0);
    // What is due is written within the tick; reading waits for the bytes, not for time.
    for (const expected of [1, 2, 3]) {
      await clock.advance(ms(expected === 1 ? 3 : 50));
      while (contents() < expected) text += (await reader.read()).value ?? "";
      expect(contents()).toBe(expected);
      expect(text).not.toContain("[DONE]");
    }
    await clock.advance(ms(50));
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
    expect(contents()).toBe(4);
    expect(text.trimEnd().endsWith("data: [DONE]")).toBe(true);
    expect(model.metrics().endpoints.chat).toMatchObject({ requests: 1, active: 0, completed: 1, tokens: 4 });
  });

  test("a stall holds a stream for as long as it says; a client that leaves is counted", async () => {
    const clock = new ManualClock();
    await using model = await startMockModel(
      {
        ...quick,
        faults: [
          { kind: "stall", stallMs: 5000, afterTokens: 1, requests: [1] },
          { kind: "stall", every: 1 },
        ],
      },
      clock,
    );
    const stalled = fetch(`${model.url}/v1/chat/completions`, chat({ stream: true })).then((response) =>
      response.text(),
    );
    while (model.metrics().endpoints.chat.requests < 1) await new Promise(setImmediate);
    await clock.advance(ms(4990));
    expect(model.metrics().endpoints.chat.completed).toBe(0);
    await clock.advance(ms(20));
    expect(await stalled).toContain("[DONE]");
    expect(model.metrics().endpoints.chat.faults.stall).toBe(1);
    const leaving = new AbortController();
    const gone = fetch(`${model.url}/v1/chat/completions`, { ...chat(), signal: leaving.signal });
    while (model.metrics().endpoints.chat.requests < 2) await new Promise(setImmediate);
    leaving.abort();
    await expect(gone).rejects.toThrow();
    while (model.metrics().endpoints.chat.disconnected < 1) await new Promise(setImmediate);
    expect(model.metrics().endpoints.chat.active).toBe(0);
  });
});

describe("bad input", () => {
  test.each([
    ["POST", "/v1/chat/completions", "{", 400],
    ["POST", "/v1/chat/completions", "[]", 400],
    ["POST", "/v1/chat/completions", '{"model":"m","messages":[{}]}', 400],
    ["POST", "/v1/responses", '{"model":"m"}', 400],
    ["POST", "/v1/responses", '{"model":"m","input":"x","max_output_tokens":0}', 400],
    ["GET", "/nowhere", undefined, 404],
    ["POST", "/mcp", '{"jsonrpc":"2.0","id":1,"method":"tools/list"}', 400],
    ["PUT", "/mcp", undefined, 405],
    ["DELETE", "/mcp", undefined, 400],
    ["POST", "/a2a/rest/message:send", "{}", 400],
    ["GET", "/a2a/rest/tasks/none", undefined, 404],
  ])("%s %s %s is %i", async (method, path, body, status) => {
    await using model = await startMockModel(quick);
    const headers = { accept: "application/json, text/event-stream" };
    const response = await fetch(model.url + path, { method, headers, ...(body !== undefined && { body }) });
    expect(response.status).toBe(status);
    await response.text();
    expect(model.metrics().internalErrors).toBe(0);
  });

  test("a body beyond the limit is refused; JSON nested very deeply does not end the server", async () => {
    await using model = await startMockModel({ ...quick, maxBodyBytes: 1_000_000 });
    const url = `${model.url}/v1/chat/completions`;
    expect((await fetch(url, { method: "POST", body: "x".repeat(1_000_001) })).status).toBe(413);
    const deep = `{"model":"m","messages":[{"role":"user","content":${"[".repeat(3000)}"x"${"]".repeat(3000)}}]}`;
    expect((await fetch(url, { method: "POST", body: deep })).status).toBe(200);
    expect(model.metrics().internalErrors).toBe(0);
  });

  test("MCP of 2026-07-28: headers must match the body, versions must be known", async () => {
    await using model = await startMockModel(quick);
    const meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientCapabilities": {},
    };
    const call = (headers: Record<string, string>, params: object = { name: "echo", _meta: meta }) =>
      fetch(`${model.url}/mcp`, {
        method: "POST",
        headers: {
          accept: "application/json, text/event-stream",
          "mcp-protocol-version": "2026-07-28",
          "mcp-method": "tools/call",
          "mcp-name": "echo",
          ...headers,
        },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params }),
      }).then(async (response) => [
        response.status,
        ((await response.json()) as { error?: { code: number } }).error?.code,
      ]);
    expect(await call({})).toEqual([200, undefined]);
    expect(await call({ "mcp-method": "tools/list" })).toEqual([400, -32020]);
    expect(await call({ "mcp-name": "other" })).toEqual([400, -32020]);
    expect(await call({ "mcp-protocol-version": "2025-11-25" })).toEqual([400, -32020]);
    expect(
      await call(
        { "mcp-protocol-version": "1900-01-01" },
        { name: "echo", _meta: { ...meta, "io.modelcontextprotocol/protocolVersion": "1900-01-01" } },
      ),
    ).toEqual([400, -32022]);
    expect(
      await call({}, { name: "echo", _meta: { "io.modelcontextprotocol/protocolVersion": "2026-07-28" } }),
    ).toEqual([400, -32602]);
    expect(await call({ origin: "https://evil.test" })).toEqual([403, -32600]);
    expect(await call({ accept: "application/json" })).toEqual([406, -32600]);
  });

  test("any JSON posted anywhere is answered, and never an internal error", async () => {
    await using model = await startMockModel({ ...quick, toolCallProbability: 1 });
    const paths = ["/v1/chat/completions", "/v1/responses", "/mcp", "/a2a", "/a2a/rest/message:send"];
    const wrapped = fc.oneof(
      fc.jsonValue(),
      fc.record({
        model: fc.constant("m"),
        messages: fc.jsonValue(),
        input: fc.jsonValue(),
        tools: fc.jsonValue(),
        tool_choice: fc.jsonValue(),
      }),
      fc.record({
        jsonrpc: fc.constant("2.0"),
        id: fc.jsonValue(),
        method: fc.constantFrom("SendMessage", "GetTask", "tools/call", "initialize", "ListTasks"),
        params: fc.jsonValue(),
      }),
      fc.record({ message: fc.jsonValue() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), wrapped, async (path, body) => {
        const headers = { accept: "application/json, text/event-stream" };
        const response = await fetch(model.url + path, { method: "POST", headers, body: JSON.stringify(body) });
        await response.text();
        expect(response.status).toBeLessThan(500);
      }),
      { numRuns: 200 },
    );
    expect(model.metrics().internalErrors).toBe(0);
  });

  test("options: every problem at once; an address in use", async () => {
    expect(() =>
      resolveMockModelOptions({ port: 99_999, tokensPerChunk: 0, toolCallProbability: 2, faults: [{ kind: "reset" }] }),
    ).toThrow(/tokensPerChunk.*port.*toolCallProbability.*fault 1|port.*tokensPerChunk.*toolCallProbability.*fault 1/);
    await using model = await startMockModel(quick);
    await expect(startMockModel({ ...quick, port: model.port })).rejects.toMatchObject({ code: "MOCK_LISTEN_FAILED" });
    await model.close();
    await model.close();
  });
});
