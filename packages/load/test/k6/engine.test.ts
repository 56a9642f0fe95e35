import { join } from "node:path";
import type { Measurement } from "@mettle/results";
import { afterAll, beforeAll, expect, test } from "vitest";
import { k6Load } from "../../src/k6/load-test.ts";
import { summaryDataOf } from "../../src/k6/summary/from-run.ts";
import { textSummary } from "../../src/k6/summary/text.ts";
import { resolvePlan } from "../../src/engine/resolve-plan.ts";
import { runLoad } from "../../src/engine/run-load.ts";
import { loadK6Script } from "../../src/k6/script.ts";
import { Bench } from "./harness.ts";
import { startServer, type TestServer } from "./server.ts";

let server: TestServer;
let bench: Bench;
beforeAll(async () => {
  server = await startServer();
  bench = new Bench();
});
afterAll(async () => {
  bench.close();
  await server.close();
});

const source = `import http from "k6/http"; import { check, group } from "k6"; import { Counter } from "k6/metrics";
  export const options = { scenarios: { main: { executor: "per-vu-iterations", vus: 3, iterations: 4 } }, thresholds: { "http_req_duration{status:404}": ["p(95)<10000"], checks: ["rate==1"] } };
  const calls = new Counter("my_calls");
  function fetchOne(path) { const r = http.get(__ENV.URL + path); calls.add(1); return r; }
  export function setup() { return { path: "/json" }; }
  export default function (data) {
    group("one", () => { const r = fetchOne(data.path); check(r, { "is 200": (x) => x.status === 200, "has body": (x) => x.body.length > 10 }); });
    const missing = fetchOne("/status/404"); check(missing, { "is 404": (x) => x.status === 200 });
  }`;

test("a k6 script runs on the engine, over its own HTTP client, to the figures that it must have", async () => {
  bench.write({ "load.js": source });
  const script = join(bench.folder, "load.js");
  const parameters = { script, environment: { URL: server.url } };
  const loaded = await k6Load(parameters);
  const { run, errors, setupData } = await runLoad({
    name: "k6",
    plan: resolvePlan(loaded.options),
    from: {
      source: { module: new URL("../../src/k6/load-test.ts", import.meta.url).href, factory: "k6Load", parameters },
    },
    submetrics: [{ metric: "http_req_duration", tags: { status: "404" } }],
    noiseProbe: false,
  });
  expect(errors).toEqual([]);
  const total = (metric: string): Record<string, unknown> =>
    run.measurements.find((each) => each.metric === metric && Object.keys(each.tags).length === 0)?.summary as never;
  expect(total("http_reqs")).toMatchObject({ sum: 24 });
  expect(total("iterations")).toMatchObject({ sum: 12 });
  expect(total("my_calls")).toMatchObject({ sum: 24 });
  expect(total("http_req_failed")).toMatchObject({ rate: 0.5 });
  expect(total("checks")).toMatchObject({ count: 36, rate: 2 / 3 });

  const timesOf = (path: string): Measurement | undefined =>
    run.measurements.find(
      ({ metric, tags }) => metric === "http_req_duration" && tags["name"] === `${server.url}${path}`,
    );
  for (const path of ["/json", "/status/404"]) {
    const { slowest = [], summary } = timesOf(path) ?? {};
    expect(slowest, path).toHaveLength(5);
    expect(slowest[0]?.value, path).toBe(summary?.max);
    expect(slowest.map(({ value }) => value)).toEqual(slowest.map(({ value }) => value).toSorted((a, b) => b - a));
    for (const { label, phases, value } of slowest) {
      expect(label).toMatch(/^GET http:\/\/\S+ → (?:200|404)$/);
      expect(phases.map(([name]) => name).every((name) => ["send", "wait", "receive"].includes(name))).toBe(true);
      expect(phases.reduce((sum, [, part]) => sum + part, 0)).toBeLessThanOrEqual(value * 1.000001);
    }
  }
  expect(timesOf("/json")?.errors).toBeUndefined();
  expect(timesOf("/status/404")?.errors).toMatchObject({
    count: 12,
    kinds: { "status 404": 12 },
    examples: [{ kind: "status 404", label: `GET ${server.url}/status/404 → 404` }],
  });

  const { options } = await loadK6Script(script, { environment: parameters.environment });
  const data = summaryDataOf(run, {
    options,
    thresholds: { "http_req_duration{status:404}": { "p(95)<10000": true }, checks: { "rate==1": false } },
    setupData,
    noColor: true,
    isStdOutTTY: false,
    isStdErrTTY: false,
  });
  expect(data.setup_data).toEqual({ path: "/json" });
  expect(data.metrics["http_req_duration{status:404}"]?.thresholds).toEqual({ "p(95)<10000": { ok: true } });
  expect(data.metrics["checks"]).toMatchObject({ type: "rate", values: { rate: 2 / 3, passes: 24, fails: 12 } });
  expect(data.root_group.checks.map(({ name, passes, fails }) => [name, passes, fails])).toEqual([["is 404", 0, 12]]);
  expect(
    data.root_group.groups.map(({ name, checks }) => [name, checks.map((check) => [check.name, check.passes])]),
  ).toEqual([
    [
      "one",
      [
        ["is 200", 12],
        ["has body", 12],
      ],
    ],
  ]);
  const text = textSummary(data);
  expect(text).toMatch(/█ one\n\n.*✓ is 200/s);
  expect(text).toMatch(/✗ is 404\n.*↳ {2}0% — ✓ 0 \/ ✗ 12/);
  expect(text).toMatch(/✗ checks\.+: 66\.66% ✓ 24 ✗ 12/);
  expect(text).toMatch(/http_req_duration\.+: avg=\S+ +min=\S+ +med=\S+ +max=\S+ +p\(90\)=\S+ +p\(95\)=\S+/);
});
