import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
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

const head = `import http from "k6/http"; import { sleep, check } from "k6"; import { Counter } from "k6/metrics";`;

/** On the engine: in this thread, or in one of its own, which can be ended whatever it does. */
async function run(source: string, own?: { readonly stuckMs: number }): Promise<LoadResult> {
  bench.write({ "load.js": `${head}\n${source}` });
  const parameters = { script: join(bench.folder, "load.js"), environment: { URL: server.url } };
  const test = await k6Load(parameters);
  const module = new URL("../../src/k6/load-test.ts", import.meta.url).href;
  return runLoad({
    name: "k6",
    plan: resolvePlan(test.options),
    from: own ? { source: { module, factory: "k6Load", parameters } } : { inline: { test } },
    noiseProbe: false,
    ...own,
  });
}

const total = ({ run }: LoadResult, metric: string): Readonly<Record<string, unknown>> | undefined =>
  run.measurements.find((each) => each.metric === metric && Object.keys(each.tags).length === 0)?.summary as never;

describe("a top level", () => {
  test("without an end is given up", async () => {
    const source = `while (true) {} export default function () {}`;
    await expect(bench.load(source, { initTimeoutMs: 50 })).rejects.toMatchObject({
      code: "K6_INIT_FAILED",
      exitCode: 2,
      message: expect.stringContaining("timed out after 50ms") as string,
    });
  });

  test("that throws says what and where", async () => {
    await expect(bench.load(`const users = null;\nusers.length;\nexport default function () {}`)).rejects.toMatchObject(
      {
        code: "K6_INIT_FAILED",
        message: expect.stringMatching(/Cannot read properties of null[\s\S]*script\.js:2:7/) as string,
      },
    );
    await expect(bench.load(`throw "words";`)).rejects.toMatchObject({ code: "K6_INIT_FAILED" });
    await expect(bench.load(`throw null;`)).rejects.toMatchObject({ code: "K6_INIT_FAILED" });
  });

  test("that asks for more than there can be is an error, not the end of the process", async () => {
    await expect(bench.load(`"x".repeat(2 ** 40); export default function () {}`)).rejects.toMatchObject({
      code: "K6_INIT_FAILED",
      message: expect.stringContaining("Invalid string length") as string,
    });
    await expect(
      bench.load(`const deep = () => deep() + 1; deep(); export default function () {}`),
    ).rejects.toMatchObject({
      code: "K6_INIT_FAILED",
      message: expect.stringContaining("Maximum call stack size exceeded") as string,
    });
  });

  test.each([
    ["nothing that runs", `export const options = {};`, "K6_OPTIONS_INVALID"],
    ["options that are none", `export const options = 7; export default function () {}`, "K6_OPTIONS_INVALID"],
    ["a load without a time", `export const options = { vus: 3 }; export default function () {}`, "K6_OPTIONS_INVALID"],
    ["a syntax error", `export default function () {`, "K6_SYNTAX"],
    [
      "a module that is not there",
      `import x from "no-such-package-here"; export default function () {}`,
      "K6_MODULE_NOT_FOUND",
    ],
    ["a URL", `import x from "https://example.com/x.js"; export default function () {}`, "K6_MODULE_NOT_FOUND"],
    ["a file that is not there", `open("nowhere.txt"); export default function () {}`, "K6_INIT_FAILED"],
    ["a browser", `import { browser } from "k6/browser"; export default function () {}`, "K6_REFUSED"],
  ])("with %s has its code", async (_, source, code) => {
    await expect(bench.load(source)).rejects.toMatchObject({ code, exitCode: 2 });
  });
});

describe("an iteration", () => {
  test("without an end, and without a pause, costs its thread and not the run", async () => {
    const result = await run(
      `export const options = { scenarios: { main: { executor: "constant-vus", vus: 1, duration: "1s" } } };
       export default function () { while (true) {} }`,
      { stuckMs: 500 },
    );
    expect(result.run.validity).toMatchObject({ state: "invalid" });
    expect(result.run.validity.reasons.join()).toMatch(/endless loop/);
  });

  test("without an end, but with requests, ends with the run, even where it catches everything", async () => {
    const result = await run(
      `export const options = { scenarios: { main: { executor: "constant-vus", vus: 2, duration: "2s", gracefulStop: "100ms" } } };
       export default function () { while (true) { try { check(http.get(__ENV.URL + "/"), { ok: (r) => r.status === 200 }); } catch (e) { sleep(0); } } }`,
    );
    expect(result.errors).toEqual([]);
    expect(total(result, "interrupted_iterations")).toMatchObject({ sum: 2 });
    // What was cut off was not the server's fault.
    expect(total(result, "http_req_failed")).toMatchObject({ rate: 0 });
    expect(total(result, "checks")).toMatchObject({ rate: 1 });
  });

  test("that waits for what never comes is interrupted", async () => {
    const result = await run(
      `export const options = { scenarios: {
         promise: { executor: "constant-vus", vus: 1, duration: "200ms", gracefulStop: "50ms", exec: "never" },
         timer: { executor: "constant-vus", vus: 1, duration: "200ms", gracefulStop: "50ms", exec: "always" },
         sleeper: { executor: "constant-vus", vus: 1, duration: "200ms", gracefulStop: "50ms", exec: "sleeper" } } };
       export async function never() { await new Promise(() => {}); }
       export function always() { setInterval(() => {}, 5); }
       export function sleeper() { sleep(3_000_000); }`,
    );
    expect(total(result, "interrupted_iterations")).toMatchObject({ sum: 3 });
    expect(result.run.durationMs).toBeLessThan(10_000);
  });

  test("may throw anything; each is counted by its words", async () => {
    const result = await run(
      `export const options = { scenarios: { main: { executor: "per-vu-iterations", vus: 1, iterations: 5 } } };
       export default function () { const deep = () => deep() + 1; throw [null, "words", { a: 1 }, new Error("error"), undefined][__ITER]; }`,
    );
    expect(result.errors.reduce((sum, { count }) => sum + count, 0)).toBe(5);
    expect(result.errors.map(({ message }) => message)).toEqual(expect.arrayContaining(["words", "error"]));
    expect(total(result, "iterations")).toMatchObject({ sum: 5 });
    expect(total(result, "iteration_failed")).toMatchObject({ rate: 1 });
  });

  test("may log what is no JSON", async () => {
    const { logs, errors } = await bench.run(
      `export default function () { const o = { n: 1 }; o.self = o; console.log(o); console.log({ big: 1n }); console.log("100%", 5); }`,
    );
    expect(errors).toEqual([]);
    expect(logs).toEqual(["info <ref *1> { n: 1, self: [Circular *1] }", "info { big: 1n }", "info 100% 5"]);
  });

  test("cannot disturb another user by what it changes", async () => {
    const { logs } = await bench.run(
      `import { SharedArray } from "k6/data"; let mine = 0; const rows = new SharedArray("rows", () => [{ n: 1 }]);
       export const options = { tags: { a: "1" } };
       export function setup() { return { list: [] }; }
       export default function (data) { mine++; data.list.push(__VU); __ENV.SEEN = (__ENV.SEEN ?? "") + __VU; console.log(mine, data.list.length, __ENV.SEEN, Object.isFrozen(rows[0])); }`,
      { users: 2 },
    );
    expect(logs).toEqual(["info 1 1 1 true", "info 1 1 2 true"]);
  });
});
