import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { resolvePlan } from "../../src/engine/resolve-plan.ts";
import { type LoadResult, runLoad } from "../../src/engine/run-load.ts";
import { k6Load } from "../../src/k6/load-test.ts";
import { Bench } from "./harness.ts";
import { startServer, type TestServer } from "./server.ts";

let server: TestServer;
let bench: Bench;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

/** On the engine, in this thread. */
async function run(source: string): Promise<LoadResult> {
  bench.write({ "load.js": source });
  const test = await k6Load({ script: join(bench.folder, "load.js"), environment: { URL: server.url } });
  return runLoad({ name: "k6", plan: resolvePlan(test.options), from: { inline: { test } }, noiseProbe: false });
}

const total = ({ run }: LoadResult, metric: string): Readonly<Record<string, unknown>> | undefined =>
  run.measurements.find((each) => each.metric === metric && Object.keys(each.tags).length === 0)?.summary as never;

const head = `import http from "k6/http"; import { check, sleep } from "k6"; import exec from "k6/execution"; import { Gauge, Counter, Rate, Trend } from "k6/metrics";`;

test("test.abort ends the run for all users, with teardown, and what it cuts off falsifies nothing", async () => {
  const result = await run(`${head} const torn = new Counter("torn");
    export const options = { scenarios: { main: { executor: "constant-vus", vus: 4, duration: "30s" } } };
    export default function () {
      if (exec.vu.idInTest === 1 && __ITER === 3) exec.test.abort("enough");
      check(http.get(__ENV.URL + "/json"), { ok: (r) => r.status === 200 });
    }
    export function teardown() { torn.add(1); }`);
  expect(result.aborted).toBe(true);
  expect(result.run.durationMs).toBeLessThan(20_000);
  expect(result.troubles).toMatchObject([{ code: "K6_ABORTED", exitCode: 130, message: "test aborted: enough" }]);
  expect(total(result, "checks")).toMatchObject({ rate: 1 });
  expect(total(result, "http_req_failed")).toMatchObject({ rate: 0 });
  expect(total(result, "torn")).toMatchObject({ sum: 1 });
});

test("test.fail lets the run go on, which then has failed once", async () => {
  const result = await run(`${head}
    export const options = { scenarios: { main: { executor: "per-vu-iterations", vus: 2, iterations: 5 } } };
    export default function () { exec.test.fail("not good"); http.get(__ENV.URL + "/"); }`);
  expect(result.aborted).toBe(false);
  expect(result.troubles).toMatchObject([{ code: "K6_MARKED_FAILED", exitCode: 3, message: "not good" }]);
  expect(total(result, "iterations")).toMatchObject({ sum: 10 });
});

test("a script can ask where its scenario and its thread stand", async () => {
  const result = await run(`${head}
    const progress = new Trend("seen_progress"); const completed = new Trend("seen_completed");
    const active = new Gauge("seen_active"); const age = new Trend("seen_age", true); const same = new Rate("seen_same");
    export const options = { scenarios: { main: { executor: "shared-iterations", vus: 1, iterations: 4 } } };
    export default function () {
      http.get(__ENV.URL + "/");
      progress.add(exec.scenario.progress); completed.add(exec.instance.iterationsCompleted);
      active.add(exec.instance.vusActive);
      // The same age by the wall clock, to its whole milliseconds.
      const byWall = () => Date.now() - exec.scenario.startTime;
      const before = byWall(); const now = exec.instance.currentTestRunDuration; const after = byWall();
      age.add(now); same.add(before - 2 <= now && now <= after + 2);
    }`);
  expect(result.errors).toEqual([]);
  expect(total(result, "seen_progress")).toMatchObject({ min: 0, max: 0.75, mean: 0.375 });
  expect(total(result, "seen_completed")).toMatchObject({ min: 0, max: 3 });
  expect(total(result, "seen_active")).toMatchObject({ last: 1, max: 1 });
  const age = total(result, "seen_age") as { max: number };
  expect(age.max / 1e6).toBeLessThanOrEqual(result.run.durationMs);
  expect(age.max).toBeGreaterThan(0);
  expect(total(result, "seen_same")).toMatchObject({ count: 4, rate: 1 });
});

test("an iteration lasts at least minIterationDuration", async () => {
  const result = await run(`${head}
    export const options = { minIterationDuration: "120ms", scenarios: { main: { executor: "per-vu-iterations", vus: 2, iterations: 2 } } };
    export default function () { http.get(__ENV.URL + "/"); }`);
  const { min } = total(result, "iteration_duration") as { min: number };
  expect(min / 1e6).toBeGreaterThanOrEqual(120);
});

test("noVUConnectionReuse opens new connections for each iteration, and keeps them within one", async () => {
  const source = (option: boolean) => `${head}
    const opened = new Counter("opened");
    export const options = { noVUConnectionReuse: ${option}, scenarios: { main: { executor: "per-vu-iterations", vus: 1, iterations: 3 } } };
    export default function () { for (let i = 0; i < 2; i++) if (http.get(__ENV.URL + "/").timings.connecting > 0) opened.add(1); }`;
  expect(total(await run(source(true)), "opened")).toMatchObject({ sum: 3 });
  expect(total(await run(source(false)), "opened")).toMatchObject({ sum: 1 });
});

test("httpDebug shows what is sent and what comes back, without secrets", async () => {
  const { logs } = await bench.run(
    `import http from "k6/http"; export const options = { httpDebug: "full" };
     export default function () { http.post("${server.url}/echo", "body of token", { headers: { "X-A": "token" } }); }`,
    { secretSources: ["mock=key=token"] },
  );
  expect(logs[0]).toContain("POST /echo HTTP/1.1");
  expect(logs[0]).toContain("X-A: ***SECRET_REDACTED***");
  expect(logs[0]).toContain("body of ***SECRET_REDACTED***");
  expect(logs[1]).toMatch(/Response:\nHTTP\/1\.1 200 OK\n/);
  expect(logs[1]).toContain('"method":"POST"');
});
