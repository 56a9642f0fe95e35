import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Bench } from "./harness.ts";

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

describe("the stages of a test", () => {
  test("setup's data reaches users and teardown as a copy by JSON", async () => {
    const source = `export function setup() { return { when: new Date(0), lost: undefined, list: [1] }; }
      export default function (data) { console.log(JSON.stringify(data), __VU, __ITER); data.list.push(2); }
      export function teardown(data) { console.log("teardown", JSON.stringify(data)); }`;
    const { logs, setupData } = await bench.run(source, { users: 2, iterations: 2 });
    expect(setupData).toEqual({ when: "1970-01-01T00:00:00.000Z", list: [1] });
    const copy = (list: string): string => `{"when":"1970-01-01T00:00:00.000Z","list":[${list}]}`;
    expect(logs).toEqual([
      `info ${copy("1")} 1 0`,
      `info ${copy("1,2")} 1 1`,
      `info ${copy("1")} 2 0`,
      `info ${copy("1,2")} 2 1`,
      `info teardown ${copy("1")}`,
    ]);
  });

  test("setup is called without a group and may be left out", async () => {
    const source = `import { check } from "k6"; export function setup() { check(1, { s: true }); return 1; } export default function (d) { console.log(d); } export function teardown() { console.log("t"); }`;
    await bench.run(source);
    expect(bench.recorder.tags("checks", "group")).toEqual(["::setup"]);
    const { logs } = await bench.run(source, { noSetup: true, noTeardown: true });
    expect(logs.slice(-1)).toEqual(["info undefined"]);
  });

  test("setup that throws or takes too long says so with the user's line", async () => {
    const source = `import { sleep } from "k6";\nexport function setup() {\n  sleep(1);\n  throw new Error("no");\n}\nexport default function () {}`;
    await expect(bench.run(source)).rejects.toMatchObject({
      code: "K6_STAGE_FAILED",
      message: expect.stringMatching(/no\n\s+at (async )?(Object\.)?setup \(script\.js:4:9\)/) as string,
    });
    await expect(
      bench.run(
        `export const options = { setupTimeout: "1ms" }; export function setup() { return new Promise(() => {}); } export default function () {}`,
      ),
    ).rejects.toThrow(/took longer than its timeout of 1 ms/);
  });

  test("handleSummary renders the data that it is given", async () => {
    const script = await bench.load(
      `export default function () {} export function handleSummary(data) { return { stdout: "n=" + data.metrics.http_reqs.values.count, "out.json": JSON.stringify(data.options) }; }`,
    );
    const data = {
      root_group: { name: "", path: "", id: "", groups: [], checks: [] },
      metrics: { http_reqs: { type: "counter", contains: "default", values: { count: 3, rate: 1 } } },
      options: { summaryTrendStats: ["avg"], summaryTimeUnit: "", noColor: true },
      state: { isStdErrTTY: false, isStdOutTTY: false, testRunDurationMs: 1 },
    } as const;
    expect(await script.handleSummary?.(data)).toEqual({
      stdout: "n=3",
      "out.json": '{"summaryTrendStats":["avg"],"summaryTimeUnit":"","noColor":true}',
    });
  });
});

describe("users", () => {
  test("have module state of their own, in every module", async () => {
    const source = `import { bump, count } from "./state.js"; let own = 0; export default function () { own++; bump(); console.log(own, count); }`;
    const { logs } = await bench.run(source, {
      users: 2,
      iterations: 2,
      files: { "state.js": "export let count = 0; export function bump() { count++; }" },
    });
    expect(logs).toEqual(["info 1 1", "info 2 2", "info 1 1", "info 2 2"]);
  });

  test("run the function of their scenario, with its environment", async () => {
    const source = `export const options = { scenarios: { a: { executor: "per-vu-iterations", exec: "first", env: { WHO: "a" } }, b: { executor: "constant-vus", duration: "1s", exec: "second" } } };
      export function first() { console.log("first", __ENV.WHO); } export function second() { console.log("second", __ENV.WHO); }`;
    await bench.run(source, { scenario: "a", environment: { WHO: "all" } });
    const { logs } = await bench.run(source, { scenario: "b", environment: { WHO: "all" } });
    expect(logs).toEqual(["info first a", "info second all"]);
  });

  test("throw with the user's own lines, through helpers that block", async () => {
    const source = `import { sleep } from "k6";\nimport { helper } from "./lib/helper.js";\nexport default function () {\n  sleep(1); helper();\n}\n`;
    const { errors } = await bench.run(source, {
      files: {
        "lib/helper.js": `import { sleep } from "k6";\nexport function helper() {\n  sleep(1); throw new Error("deep");\n}\n`,
      },
    });
    const { stack } = errors[0] as Error;
    expect(stack).toMatch(
      /^Error: deep\n\s+at (async )?(Object\.)?helper \(lib\/helper\.js:3:19\)\n\s+at async (Object\.)?default \(script\.js:4:13\)/,
    );
  });

  test("may throw what is no error", async () => {
    const { errors } = await bench.run(`export default function () { throw "text"; }`);
    expect(errors).toEqual(["text"]);
  });
});

describe("modules", () => {
  test("export, import again and import each other as the language has it", async () => {
    const files = {
      "a.js": `import { b } from "./b.js"; export const a = "a"; export default class Thing { name = "thing"; } export function useB() { return b(); } export { a as "odd name" };`,
      "b.js": `import { a } from "./a.js"; export function b() { return "b" + a; }`,
      "c.js": `export * from "./a.js"; export * as ns from "./b.js"; export { default as Thing } from "./a.js";`,
    };
    const source = `import { useB, ns, Thing, a as renamed, "odd name" as odd } from "./c.js"; import * as all from "./c.js";
      export default () => { const a = { renamed }; console.log(useB(), ns.b(), new Thing().name, a.renamed, odd, Object.keys(all).sort().join()); };`;
    const { logs } = await bench.run(source, { files });
    expect(logs).toEqual(["info ba ba thing a a Thing,a,ns,odd name,useB"]);
  });

  test("may be CommonJS, by import and by require", async () => {
    const files = {
      "c.js": `var other = require("./d.js"); exports.value = 1; exports.twice = function (x) { return other(x) * 2; };`,
      "d.js": `module.exports = function (x) { return x + 1; };`,
    };
    const source = `import { twice } from "./c.js"; import c from "./c.js"; const d = require("./d.js"); const http = require("k6/http");
      export default function () { console.log(twice(1), c.value, d(1), typeof http.get); }`;
    const { logs } = await bench.run(source, { files });
    expect(logs).toEqual(["info 4 1 2 function"]);
  });

  test("blocking helpers of other modules are waited for, through classes, callbacks and namespaces", async () => {
    const files = {
      "client.js": `import { sleep } from "k6"; export class Client { constructor(n) { this.n = n; } call() { sleep(this.n); return this; } get name() { return "n" + this.n; } }
        export const each = (list, f) => list.map((x) => f(x)); export default { make: (n) => new Client(n).call() };`,
    };
    const source = `import lib, { Client, each } from "./client.js"; import * as ns from "./client.js";
      export default function () { console.log(new Client(1).call().call().name, lib.make(2).name, each([3, 4], (n) => lib.make(n)).map((c) => c.name).join(), new ns.Client(5).call().n); }`;
    const { logs } = await bench.run(source, { files });
    expect(logs).toEqual(["info n1 n2 n3,n4 5"]);
    expect(bench.slept).toEqual([1000, 1000, 2000, 3000, 4000, 5000]);
  });

  test("of npm and Node work", async () => {
    const source = `import { readFileSync } from "node:fs"; import path from "node:path"; const os = require("node:os"); export default function () { console.log(typeof readFileSync, path.join("a", "b"), typeof os.cpus); }`;
    const { logs } = await bench.run(source);
    expect(logs).toEqual(["info function a/b function"]);
    await expect(bench.load(`import "no-such-package-at-all"; export default () => {}`)).rejects.toMatchObject({
      code: "K6_MODULE_NOT_FOUND",
    });
  });

  test("TypeScript runs without its types, and top-level await works", async () => {
    const source = `import { sleep } from "k6"; interface T { n: number }\nconst value: T = await Promise.resolve({ n: 1 });\nsleep(0.1);\nexport default function (): void { const f = <X,>(x: X): X => { sleep(1); return x; }; console.log(f<number>(value.n), (value as T).n!); }`;
    const { logs } = await bench.run(source, { file: "script.ts" });
    expect(logs).toEqual(["info 1 1"]);
    await expect(bench.load(`export default function () {}\nenum E { A }`, { file: "e.ts" })).rejects.toMatchObject({
      code: "K6_SYNTAX",
      message: expect.stringMatching(/^e\.ts:2:1: .*enum/) as string,
    });
  });
});

describe("scripts that cannot run say where and why", () => {
  test.each([
    [
      "a syntax error",
      `export default function () {\n  let x = ;\n}`,
      "K6_SYNTAX",
      /^script\.js:2:11: Unexpected token/,
    ],
    ["no default function", `export const x = 1;`, "K6_OPTIONS_INVALID", /exports no default function/],
    [
      "a missing function of a scenario",
      `export const options = { scenarios: { s: { executor: "constant-vus", duration: "1s", exec: "nope" } } };`,
      "K6_OPTIONS_INVALID",
      /scenario s: the script exports no function nope/,
    ],
    [
      "a missing file",
      `import "./nope.js"; export default () => {}`,
      "K6_MODULE_NOT_FOUND",
      /^script\.js:1:1: .*there is no file/,
    ],
    [
      "a missing export",
      `import { nope } from "k6/http"; export default () => {}`,
      "K6_REFUSED",
      /^script\.js:1:10: "k6\/http" has no export named nope/,
    ],
    [
      "the top level that throws",
      `\nthrow new TypeError("bad");\nexport default () => {}`,
      "K6_INIT_FAILED",
      /bad\n\s+at script\.js:2:7/,
    ],
    [
      "bad options",
      `export const options = { vus: -1, duraton: "1s", stages: [] }; export default () => {}`,
      "K6_OPTIONS_INVALID",
      /vus must be.*stages must be.*duraton is not an option/,
    ],
  ])("%s", async (_, source, code, message) => {
    await expect(bench.load(source)).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  });
});
