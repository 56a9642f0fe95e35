import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ModelLoadParameters, modelLoad } from "../../src/agent/model-load.ts";
import { convertFormatOf, convertToScenario } from "../../src/convert/convert.ts";
import { loadOfScenario } from "../../src/convert/converted-load.ts";
import { type MockModel, startMockModel } from "../../src/mock-model/server.ts";
import { readTraceFile } from "../../src/traces/trace-file.ts";
import { measured } from "../engine/virtual-run.ts";
import { quick } from "../mock-model/quick.ts";
import { runHere } from "./run-load-here.ts";

let model: MockModel;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mettle-model-"));
  model = await startMockModel(quick);
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await model.close();
});

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const fixture = (name: string): string => new URL(`../traces/fixtures/${name}`, import.meta.url).pathname;

const parameters = (more: Partial<ModelLoadParameters>): ModelLoadParameters => ({
  api: "chat",
  url: `${model.url}/v1`,
  model: "m",
  seed: 1,
  options: { vus: 2, iterations: 6 },
  ...more,
});

describe("a model at a URL", () => {
  test.each([
    ["chat", "/v1"],
    ["responses", "/v1"],
    ["a2a", "/a2a"],
  ] as const)("%s: every iteration is one request", async (api, path) => {
    const run = await runHere(await modelLoad(parameters({ api, url: model.url + path })));
    expect(run.errors).toEqual([]);
    expect(measured(run, "llm_requests", { model: "m" }).summary.sum).toBe(6);
    expect(measured(run, "llm_failed").summary.rate).toBe(0);
    expect(measured(run, "llm_ttft").summary.count).toBe(6);
  });

  test("mcp: every iteration calls the tool", async () => {
    const run = await runHere(
      await modelLoad(parameters({ api: "mcp", url: `${model.url}/mcp`, tool: "broken", toolInput: { query: "x" } })),
    );
    expect(measured(run, "agent_tool_failed", { tool: "broken" }).summary).toEqual({ count: 6, rate: 1 });
  });

  test("prompts have about the tokens asked for, other ones each time, and the most that may come is asked", async () => {
    const run = await runHere(
      await modelLoad(
        parameters({
          inputTokens: { kind: "constant", value: 400 },
          outputTokens: { kind: "constant", value: 3 },
        }),
      ),
    );
    const input = (measured(run, "llm_input_tokens").summary.sum ?? 0) / 6;
    expect(Math.abs(input - 400)).toBeLessThan(8);
    expect(measured(run, "llm_output_tokens").summary.sum).toBe(18);
  });

  test("conversations grow by what was said before", async () => {
    const run = await runHere(
      await modelLoad(
        parameters({
          options: { vus: 1, iterations: 2 },
          turns: { kind: "constant", value: 3 },
          inputTokens: { kind: "constant", value: 100 },
        }),
      ),
    );
    expect(run.errors).toEqual([]);
    expect(measured(run, "agent_session_completed").summary).toMatchObject({ count: 2, mean: 3 });
    // 100, 200 and 300 tokens of prompts, and the answers between them.
    const input = measured(run, "llm_input_tokens").summary.sum ?? 0;
    expect(input / 2).toBeGreaterThan(600);
    expect(input / 2).toBeLessThan(720);
  });

  test("goodput and cost from flags", async () => {
    const run = await runHere(
      await modelLoad(
        parameters({
          objectives: { timeToFirstTokenMs: 60_000 },
          prices: { currency: "EUR", models: { m: { inputPerMillion: 0, outputPerMillion: 1e6 } } },
        }),
      ),
    );
    expect(measured(run, "llm_good").summary).toEqual({ count: 6, rate: 1 });
    expect(measured(run, "llm_goodput").summary.last).toBeGreaterThan(0);
    expect(measured(run, "llm_cost").summary).toMatchObject({ count: 6, mean: 5 });
    await expect(
      modelLoad(parameters({ objectives: { timeToFirstTokenMs: -1 } })).then(runHere),
    ).resolves.toMatchObject({
      errors: [{ message: expect.stringContaining("Objectives") as string }],
    });
  });
});

describe("recorded load", () => {
  test("each request has the tokens of its row", async () => {
    const path = file(
      "a.csv",
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:00:00.0,400,2\n2023-11-16 18:00:00.1,40,4\n2023-11-16 18:00:00.3,800,1\n",
    );
    const trace = await readTraceFile(path);
    expect(trace).toMatchObject({ format: "azure", times: [0, 100, 300] });
    const run = await runHere(
      await modelLoad(
        parameters({
          options: { scenarios: { default: { executor: "trace", times: trace.times, speed: 10 } } },
          trace: { file: path, speed: 10 },
        }),
      ),
    );
    expect(run.errors).toEqual([]);
    expect(measured(run, "llm_output_tokens").summary.sum).toBe(2 + 4 + 1);
    expect(Math.abs((measured(run, "llm_input_tokens").summary.sum ?? 0) - 1240)).toBeLessThan(20);
    expect(measured(run, "llm_schedule_delay").summary.count).toBe(3);
  });

  test("sessions of an agent trace: calls of models are made, tools take their time, one task each", async () => {
    const trace = await readTraceFile(fixture("agents-otlp.jsonl"));
    expect(trace.format).toBe("otel");
    const calls = trace.sessions.flatMap(({ calls: each }) => each);
    const run = await runHere(
      await modelLoad(
        parameters({
          options: { scenarios: { default: { executor: "trace", times: trace.times, speed: 1000 } } },
          trace: { file: fixture("agents-otlp.jsonl"), speed: 1000 },
        }),
      ),
    );
    expect(run.errors).toEqual([]);
    expect(measured(run, "agent_task_passed", { task: "replay" }).summary).toEqual({
      count: trace.sessions.length,
      rate: 1,
    });
    expect(measured(run, "llm_requests").summary.sum).toBe(calls.filter(({ kind }) => kind === "llm").length);
    const tools = calls.filter(({ kind }) => kind === "tool").length;
    expect(tools).toBeGreaterThan(0);
    expect(measured(run, "agent_tool_duration").summary.count).toBe(tools);
  });

  test.each([
    ["azure-shape.csv", "azure"],
    ["mooncake-shape.csv", "mooncake-compact"],
    ["mooncake-shape.jsonl", "mooncake"],
    ["agents-otlp.jsonl", "otel"],
  ])("%s is told from its beginning", async (name, format) => {
    const trace = await readTraceFile(fixture(name), { limit: 2 });
    expect(trace.format).toBe(format);
    expect(trace.times.length).toBeGreaterThan(0);
    expect(trace.times.length).toBeLessThanOrEqual(2);
    expect(trace.times.length).toBe(trace.requests.length + trace.sessions.length);
  });

  test("files that are none: codes, not crashes", async () => {
    const refusal = (path: string, format?: "azure"): Promise<unknown> =>
      readTraceFile(path, format ? { format } : {}).catch((error: { code?: string }) => error.code);
    expect(await refusal(join(folder, "none"))).toBe("TRACE_UNREADABLE");
    expect(await refusal(folder)).toBe("TRACE_UNREADABLE");
    expect(await refusal(file("empty", ""))).toBe("TRACE_FORMAT_UNKNOWN");
    expect(await refusal(file("x.csv", "a,b\n1,2\n"))).toBe("TRACE_FORMAT_UNKNOWN");
    expect(await refusal(file("bin", "\u0000\u0001\uffff"))).toBe("TRACE_FORMAT_UNKNOWN");
    expect(await refusal(file("head.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n"))).toBe("TRACE_EMPTY");
    expect(await refusal(file("y.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\nnow,1,2\n"))).toBe("TRACE_INVALID");
    expect(await refusal(file("z.csv", "a,b\n1,2\n"), "azure")).toBe("TRACE_INVALID");
  });
});

describe("documents of other tools, without a script in between", () => {
  const openapi = (url: string): string =>
    JSON.stringify({
      openapi: "3.1.0",
      info: { title: "Mock", version: "1" },
      servers: [{ url }],
      paths: {
        "/v1/models": { get: { operationId: "models", tags: ["a"], responses: { "200": {} } } },
        "/nothing": { get: { operationId: "missing", tags: ["a"], responses: { "200": {} } } },
      },
    });

  test("requests are made, named and checked as the printed script would", async () => {
    const { scenario } = convertToScenario(openapi(model.url), { source: "api.json" });
    const run = await runHere(loadOfScenario(scenario, { BASE_URL: model.url }));
    expect(run.errors).toEqual([]);
    expect(measured(run, "http_reqs").summary.sum).toBe(2);
    expect(measured(run, "checks").summary).toEqual({ count: 2, rate: 0.5 });
    expect(measured(run, "http_req_failed").summary.rate).toBe(0.5);
  });

  test("what they are is told from what is in them", () => {
    expect(convertFormatOf(openapi("http://x"))).toBe("openapi");
    expect(convertFormatOf('{"log":{}}')).toBe("har");
    expect(convertFormatOf('{"info":{},"item":[]}')).toBe("postman");
    expect(convertFormatOf("scenarios:\n  a: {}\n")).toBeUndefined();
    for (const text of ["", "null", "[]", "{", "a: [", "\u0000"]) expect(convertFormatOf(text)).toBeUndefined();
  });
});
