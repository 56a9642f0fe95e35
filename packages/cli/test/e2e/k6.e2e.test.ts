import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { readRun } from "@mettle/results";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Outcome, Project } from "./project.ts";

let server: Server;
let url: string;
beforeAll(async () => {
  server = createServer((request, response) => {
    response.statusCode = request.url?.startsWith("/fail") ? 500 : 200;
    response.end("hello");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const script = `import http from "k6/http";
import { check, group } from "k6";
import { Counter } from "k6/metrics";
import secrets from "k6/secrets";
const counted = new Counter("counted");
export const options = { thresholds: { checks: ["rate==1"], ...(__ENV.BREAK && { "http_req_failed{kind:broken}": ["rate<0.5"] }) } };
export function setup() { return { path: "/page" }; }
export default async function (data) {
  group("pages", () => { check(http.get(__ENV.URL + data.path), { "is 200": (r) => r.status === 200 }); });
  if (__ENV.BREAK) http.get(__ENV.URL + "/fail", { tags: { kind: "broken" } });
  counted.add(2);
  if (__ENV.SECRET) console.log("token", await secrets.get("token"));
}`;
const withSummary = `${script}
export function handleSummary(data) {
  return { stdout: "pages: " + data.metrics.counted.values.count + " " + data.metrics.checks.thresholds["rate==1"].ok + " " + data.setup_data.path + "\\n",
    stderr: "told\\n", "reports/own.json": JSON.stringify(data) };
}`;

const quiet: readonly string[] = ["--no-history", "--quiet"];

/** A machine at its limits may call the run invalid, which then outranks all else. */
async function expectExit(project: Project, { exitCode }: Outcome, expected: number): Promise<void> {
  const run = await readRun(project.path("mettle-out/run.json"));
  expect(exitCode).toBe(run.validity.state === "invalid" ? 5 : expected);
}

test("a k6 script is known by its imports, and its handleSummary takes the place of our summary", async () => {
  using project = new Project({ "test.js": withSummary });
  const outcome = await project.mettle(["load", "test.js", "-i", "6", "--env", `URL=${url}`, ...quiet]);
  expect(outcome.stderr).toBe("told\n");
  expect(outcome.stdout).toBe("pages: 12 true /page\n");
  await expectExit(project, outcome, 0);
  const data = JSON.parse(readFileSync(project.path("reports/own.json"), "utf8")) as {
    root_group: { groups: { name: string; checks: { passes: number }[] }[] };
  };
  expect(data.root_group.groups[0]).toMatchObject({ name: "pages", checks: [{ name: "is 200", passes: 6 }] });
});

test("k6's variables count: load, outputs, exports; a missed threshold of a submetric exits with 3", async () => {
  using project = new Project({ "test.ts": script });
  const outcome = await project.mettle(["load", "test.ts", ...quiet, "--k6-summary"], {
    K6_ITERATIONS: "4",
    K6_VUS: "2",
    K6_OUT: "json=samples.json",
    K6_SUMMARY_EXPORT: "export.json",
    URL: url,
    BREAK: "1",
  });
  await expectExit(project, outcome, 3);
  expect(outcome.stdout).toMatch(/█ pages\n\n.*✓ is 200/s);
  expect(outcome.stdout).toMatch(/✗ {3}\{kind:broken\}\.+: 100\.00% ✓ 4 ✗ 0/);
  expect(JSON.parse(readFileSync(project.path("export.json"), "utf8"))).toMatchObject({
    metrics: {
      iterations: { count: 4 },
      counted: { count: 8 },
      "http_req_failed{kind:broken}": { thresholds: { "rate<0.5": true } },
    },
  });
  const samples = readFileSync(project.path("samples.json"), "utf8").trimEnd().split("\n");
  expect(samples.filter((line) => line.includes('"metric":"checks"') && line.includes('"Point"'))).toHaveLength(4);
});

test("flags that only k6 has: secrets stay out of the log, no summary, no thresholds, options from a file", async () => {
  using project = new Project({ "test.js": withSummary, "options.json": '{ "iterations": 3, "vus": 1 }' });
  const flags = ["--secret-source=mock=token=hush", "--no-summary", "--no-thresholds", "--k6-config", "options.json"];
  const outcome = await project.mettle(["load", "test.js", ...flags, ...quiet, "-e", `URL=${url}`, "-e", "SECRET=1"]);
  await expectExit(project, outcome, 0);
  expect(outcome.stdout).toBe("");
  expect(outcome.stderr).toBe("INFO    token ***SECRET_REDACTED***\n".repeat(3));
  expect(existsSync(project.path("reports"))).toBe(false);
});

test("what cannot run says so before any load", async () => {
  using project = new Project({
    "refused.js": `import http from "k6/http";\nconst o = { get x() { return http.get("u"); } };\nexport default function () {}`,
  });
  for (const [args, code, message] of [
    [["refused.js"], "K6_REFUSED", /refused\.js:2:\d+: a getter cannot wait/],
    [["refused.js", "--execution-segment=0:1/2"], "USAGE_FLAG_UNKNOWN", /execution-segment/],
    [["refused.js", "--http-debug=loud"], "USAGE_VALUE_INVALID", /headers, full/],
  ] as const) {
    const { exitCode, stderr } = await project.mettle(["load", ...args, ...quiet]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(code);
    expect(stderr).toMatch(message);
  }
  expect(existsSync(project.path("mettle-out"))).toBe(false);
});
