import { once } from "node:events";
import { createInterface } from "node:readline";
import { decodeRun, findMeasurements } from "@mettle/results";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { outcomeOf, Project } from "./project.ts";

const script = `
import { agentSessions, agentTask, CostModel, defineLoad, mcp, openAiChat } from "${new URL("../../../load/dist/index.js", import.meta.url).href}";

const base = process.env.MODEL;
const chat = openAiChat({ url: base + "/v1", model: "m" });
const tools = mcp({ url: base + "/mcp" });
const options = { costs: new CostModel({ currency: "EUR", models: { m: { inputPerMillion: 1, outputPerMillion: 2 } } }) };

export default defineLoad({
  scenarios: {
    triage: { vus: 2, iterations: 10, run: async (user) => {
      const task = agentTask(user, "triage", options);
      const model = await chat.open(user.virtualUser);
      const server = await tools.open(user.virtualUser);
      const answer = await task.llm("m", model, { messages: [{ role: "user", content: "hi" }] });
      const found = await task.tool("echo", () => server.send({ tool: "echo", arguments: { query: answer.text } }, () => {}));
      task.finish(found.ok);
      await server.close();
      await model.close();
    } },
    sessions: { vus: 1, iterations: 4, run: agentSessions({
      name: "support", model: "m", seed: 1, driver: chat,
      profile: { turns: { kind: "constant", value: 3 }, toolCallProbability: 0 },
      step: ({ number }) => ({ messages: [{ role: "user", content: "turn " + number }] }),
    }) },
  },
});
`;

async function mockModel(project: Project, args: readonly string[]) {
  const child = project.start([
    "mock-model",
    "--port",
    "0",
    "--json",
    "--ttft",
    "1ms",
    "--gap",
    "0ms",
    "--output-tokens",
    "7",
    ...args,
  ]);
  const lines = createInterface({ input: child.stdout ?? expect.fail("no output") });
  const [first] = (await once(lines, "line")) as [string];
  return { child, url: (JSON.parse(first) as { url: string }).url };
}

test("tasks and sessions against the mock model, in worker threads, as a run document", async () => {
  using project = new Project({ "agents.load.ts": script });
  const { child, url } = await mockModel(project, []);
  const ended = outcomeOf(child);
  const run = await project.mettle(["load", "agents.load.ts", "--no-history", "--quiet"], { MODEL: url });
  child.kill("SIGINT");
  expect((await ended).exitCode).toBe(0);
  expect(run.stderr).not.toContain("INTERNAL");
  const document = decodeRun(readFileSync(project.path("mettle-out/run.json"), "utf8"));
  const total = (metric: string): number | undefined =>
    findMeasurements(document, { metric, tags: {} }).find(({ tags }) => Object.keys(tags).length === 0)?.summary.count;
  // 10 tasks of one request, 4 sessions of three; each session is a task too.
  expect(total("llm_ttft")).toBe(22);
  expect(total("agent_task_duration")).toBe(14);
  expect(total("agent_tool_duration")).toBe(10);
  expect(total("agent_session_duration")).toBe(4);
  expect(total("llm_cost")).toBe(10);
  // Seven tokens a reply make six gaps.
  expect(total("llm_itl")).toBeGreaterThan(0);
  expect(document.measurements.some(({ metric }) => metric === "llm_schedule_delay")).toBe(false);
});

test("an OpenAPI document becomes a script that runs", async () => {
  using project = new Project();
  const { child, url } = await mockModel(project, []);
  project.write(
    "api.yaml",
    `openapi: 3.1.0\ninfo: { title: Mock, version: "1" }\nservers: [{ url: "http://127.0.0.1:1" }]\npaths:\n  /v1/models: { get: { operationId: models, responses: { "200": {} } } }\n  /nothing: { get: { operationId: missing, responses: { "200": {} } } }\n`,
  );
  const converted = await project.mettle(["convert", "api.yaml"]);
  expect(converted.exitCode).toBe(0);
  const library = new URL("../../../load/dist/index.js", import.meta.url).href;
  project.write("api.load.ts", converted.stdout.replace("@mettle/load", library));
  // The address may be given from outside, and the test runner sets this variable to something else.
  await project.mettle(["load", "api.load.ts", "--no-history", "--quiet"], { BASE_URL: url });
  child.kill("SIGINT");
  await once(child, "exit");
  const document = decodeRun(readFileSync(project.path("mettle-out/run.json"), "utf8"));
  const checks = document.measurements.find(
    ({ metric, tags }) => metric === "checks" && Object.keys(tags).length === 0,
  );
  expect(checks?.summary).toMatchObject({ count: 2, rate: 0.5 });
});

test("what cannot be converted or served is refused with its code", async () => {
  using project = new Project({ "x.json": "{}", "broken.har": '{"log":{"entries":[{"request":{"url":"x"}}]}}' });
  expect(await project.mettle(["convert", "none"])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("CONVERT_UNREADABLE") as string,
  });
  expect(await project.mettle(["convert", "x.json"])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("CONVERT_UNSUPPORTED") as string,
  });
  expect(await project.mettle(["convert", "broken.har"])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("broken.har, log.entries[0].request.url") as string,
  });
  for (const [flags, code] of [
    [["--ttft", "fast"], "DISTRIBUTION_INVALID"],
    [["--fault", "boom 1%"], "MOCK_FAULT_INVALID"],
    [["--tool-calls", "2"], "MOCK_OPTIONS_INVALID"],
    [["--mcp-tool", "x"], "USAGE_VALUE_INVALID"],
  ] as const) {
    expect(await project.mettle(["mock-model", ...flags])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(code) as string,
    });
  }
});

test("a model at a URL by flags: a recorded load, objectives, prices, thresholds on the run's figures", async () => {
  using project = new Project({
    "trace.csv": [
      "TIMESTAMP,ContextTokens,GeneratedTokens",
      ...Array.from({ length: 8 }, (_, at) => `2023-11-16 18:00:0${at},${100 * (at + 1)},3`),
      "2023-11-16 18:09:00,1,1",
    ].join("\n"),
  });
  const { child, url } = await mockModel(project, []);
  const run = await project.mettle(
    [
      "load",
      `${url}/v1`,
      ..."--api chat --model m --trace trace.csv --speed 50 -d 1s".split(" "),
      ..."--objective ttft=30s --price input=1 --price output=1 --no-history".split(" "),
      "--threshold",
      "llm_goodput: value > 0",
    ],
    { NO_COLOR: "1" },
  );
  child.kill("SIGINT");
  await once(child, "exit");
  const document = decodeRun(readFileSync(project.path("mettle-out/run.json"), "utf8"));
  const [requests] = findMeasurements(document, { metric: "llm_requests", tags: { model: "m" } });
  // The one after nine minutes comes later than --duration allows.
  expect(requests?.summary.sum).toBe(8);
  const [tokens] = findMeasurements(document, { metric: "llm_output_tokens", tags: { model: "m" } });
  expect(tokens?.summary.sum).toBe(24);
  const [scheduled] = findMeasurements(document, { metric: "llm_ttft_scheduled", tags: { model: "m" } });
  expect(scheduled?.summary.count).toBe(8);
  expect(run.stdout).toMatch(/ m +8 +0\.00 /);
  expect(run.stdout).toMatch(/goodput/);
  expect(readFileSync(project.path("mettle-out/summary.md"), "utf8")).toContain("| m | 8 | 0.00 |");
  // A crowded machine may make the run invalid; nothing else may be wrong with it.
  expect([0, 5]).toContain(run.exitCode);
});

test("a HAR file is loaded as it stands; flags that make no sense are refused with advice", async () => {
  using project = new Project();
  const { child, url } = await mockModel(project, []);
  const entry = { request: { method: "GET", url: `${url}/v1/models`, headers: [] }, response: { status: 200 } };
  project.write("shop.har", JSON.stringify({ log: { entries: [entry] } }));
  await project.mettle(["load", "shop.har", "-i", "5", "--no-history", "--quiet"]);
  child.kill("SIGINT");
  await once(child, "exit");
  const document = decodeRun(readFileSync(project.path("mettle-out/run.json"), "utf8"));
  const [checks] = findMeasurements(document, { metric: "checks", tags: { check: "status is 200" } });
  expect(checks?.summary).toEqual({ count: 5, rate: 1 });

  for (const [args, said] of [
    [["shop.har", "--turns", "3"], "--turns needs a URL and --api"],
    [["http://127.0.0.1:1/", "--speed", "3"], "--speed needs --trace"],
    [["http://127.0.0.1:1/", "--trace", "none.csv"], "TRACE_UNREADABLE"],
    [["http://127.0.0.1:1/", "--trace", "shop.har"], "TRACE_FORMAT_UNKNOWN"],
    [["http://127.0.0.1:1/", "--trace", "shop.har", "-r", "5"], "--rate cannot stand beside --trace"],
    [["http://127.0.0.1:1/", "--api", "chat", "--objective", "speed=1s"], "is none of ttft"],
    [["http://127.0.0.1:1/", "--api", "chat", "--price", "input=x", "--price", "output=1"], "PRICE_INVALID"],
    [["http://127.0.0.1:1/", "--api", "chat", "--input-tokens", "many"], "DISTRIBUTION_INVALID"],
    [["http://127.0.0.1:1/", "--api", "mcp", "--tool-input", "[1]"], "is not a JSON object"],
  ] as const) {
    expect(await project.mettle(["load", ...args])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(said) as string,
    });
  }
});
