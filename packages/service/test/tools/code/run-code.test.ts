import { afterAll, describe, expect, test } from "vitest";
import { systemClock } from "@mettle/core";
import { IsolatedWorkers } from "../../../src/isolation/isolated-workers.ts";
import type { CodeInput, CodeOutput } from "../../../src/tools/code/code-task.ts";
import { runCode } from "../../../src/tools/code/run-code.ts";
import { ToolBox } from "../../../src/tools/tool-box.ts";

const workers = new IsolatedWorkers<CodeInput, CodeOutput>({
  module: new URL("../../../src/tools/code/code-task.ts", import.meta.url),
  processes: 1,
  waiting: 10,
  heapMb: 128,
  clock: systemClock,
});
afterAll(() => workers.close());
const box = new ToolBox([runCode(workers)], systemClock);
const run = async (code: string, more: object = {}): Promise<Record<string, unknown>> =>
  (await box.call({ name: "run_code", input: { code, time_ms: 10_000, ...more }, tenantId: "t" })).output as Record<
    string,
    unknown
  >;

test("the last value is the result, and what it prints is kept", async () => {
  expect(
    await run("print('sum', input.a + 1); console.log([1]); input.list.map(x => x * 2)", {
      input: { a: 1, list: [1, 2] },
    }),
  ).toEqual({
    result: [2, 4],
    printed: "sum 2\n[1]\n",
  });
  expect(await run("(async () => 7)()")).toMatchObject({ result: 7 });
  expect(await run("undefined")).toMatchObject({ result: null });
});

describe("the outside is not there", () => {
  test.each([
    "process",
    "require",
    "fetch",
    "XMLHttpRequest",
    "WebAssembly",
    "setTimeout",
    "Buffer",
    "Deno",
    "std",
    "os",
    "Worker",
    "SharedArrayBuffer && Atomics.wait && process",
    "globalThis.process",
    "globalThis.constructor.constructor('return process')()",
    "print.constructor('return process')()",
    "(function(){ return this.process.env })()",
    "input.constructor.constructor('return fetch')()",
    "[].constructor.constructor('return this')().process.mainModule",
    "import('node:fs')",
    "new Function('return require')()('fs')",
  ])("%s", async (code) => {
    const outcome = await run(code).then(
      ({ result }) => result,
      (error: { readonly code: string }) => error.code,
    );
    expect([null, "TOOL_FAILED"]).toContain(outcome);
  });

  test("calls leave nothing for the next one", async () => {
    await run("globalThis.left = 'secret'; Object.prototype.left = 'secret'; Array.prototype.map = () => 'mine'; 1");
    expect(await run("[typeof left, ({}).left === undefined, [1].map(x => x)]")).toMatchObject({
      result: ["undefined", true, [1]],
    });
  });

  test("what the code does to JSON and to prototypes stays in there", async () => {
    expect(await run("JSON.stringify = () => 'not json at all'; ({ a: 1 })")).toMatchObject({ result: { a: 1 } });
    expect(await run("Object.prototype.toJSON = () => 'mine'; ({ a: 1 })")).toMatchObject({ result: "mine" });
  });
});

describe("limits", () => {
  // For what ends by its time, which must be short. What ends otherwise has as much as may be, so that it is not over before.
  const brief = { time_ms: 200 };
  test.each([
    ["for (;;) ;", brief, /too long/],
    ["while (true) try { (function f() { f() })() } catch {}", brief, /too long/],
    ["/(a+)+$/.test('a'.repeat(40) + 'b')", brief, /too long/],
    ["const held = []; for (;;) held.push(new Array(10000).fill(1))", brief, /memory|long/],
    ["'x'.repeat(2 ** 29)", {}, /memory|invalid/i],
    ["(function f() { return f() + 1 })()", {}, /stack/i],
    ["new Promise(() => {})", {}, /never comes/],
    ["'x'.repeat(2e6)", {}, /more than 1000000 characters/],
    ["throw { toString() { for (;;); }, get message() { for (;;); } }", brief, /./],
    ["syntax error here", {}, /SyntaxError/],
  ])("%s", async (code, time, message) => {
    await expect(run(code, time)).rejects.toMatchObject({
      type: "unprocessable",
      message: expect.stringMatching(message) as string,
    });
    expect(await run("1 + 1")).toMatchObject({ result: 2 });
  });

  test("printing without end keeps its begin", async () => {
    const { printed } = await run("for (let i = 0; i < 100000; i++) print('line'); 1");
    expect(String(printed).length).toBeLessThan(20_100);
  });
});
