import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { providedModules, refusedModules } from "../../src/k6/modules/registry.ts";
import { Bench } from "./harness.ts";

let bench: Bench;
beforeAll(() => {
  bench = new Bench();
});
afterAll(() => {
  bench.close();
});

const head = `import http from "k6/http"; import { sleep, check, group } from "k6";\n`;

/** `line:column reason` of each refusal. */
async function refusals(body: string): Promise<string[]> {
  try {
    await bench.load(`${head}${body}\nexport default function () {}`);
  } catch (error) {
    const { code, details } = error as {
      code: string;
      details: { refusals: { file: string; line: number; column: number; reason: string }[] };
    };
    expect(code).toBe("K6_REFUSED");
    return details.refusals.map(({ line, column, reason }) => `${line}:${column} ${reason}`);
  }
  return [];
}

describe("what cannot wait is refused with its place", () => {
  test.each([
    ["a getter", `const o = { get x() { return http.get("u"); } };`, /^2:30 a getter/],
    ["a setter", `class C { set x(v) { sleep(v); } }`, /^2:22 a setter/],
    ["a constructor", `class C { constructor() { this.r = http.get("u"); } }`, /^2:36 a constructor/],
    [
      "a constructor through a method",
      `class C { constructor() { this.init(); } init() { http.get("u"); } }`,
      /^2:27 a constructor/,
    ],
    ["a function used with new", `function F() { this.r = http.get("u"); }\nconst f = new F();`, /^3:11 `new`/],
    ["a class field", `class C { r = http.get("u"); }`, /^2:15 a class field/],
    ["a static block", `class C { static { sleep(1); } }`, /^2:20 a class field or static block/],
    ["a generator", `function* g() { yield http.get("u"); }`, /^2:23 a generator/],
    [
      "a comparator",
      `const load = (a, b) => http.get(a).status - http.get(b).status;\nfunction f(list) { return list.sort(load); }`,
      /^3:37 a comparator/,
    ],
    ["a replacer", `function f(s) { return s.replace(/x/, () => http.get("u").body); }`, /^2:39 `replace`/],
    ["toString", `const o = { toString() { return http.get("u").body; } };`, /^2:21 `toString`/],
    ["an iterator", `const o = { [Symbol.iterator]() { return http.get("u"); } };`, /by its symbol/],
    [
      "a promise's executor",
      `function f() { return new Promise((done) => { sleep(1); done(); }); }`,
      /^2:35 this would call/,
    ],
    ["a proxy's trap", `function f() { return new Proxy({}, { get: () => http.get("u") }); }`, /would call/],
    [
      "an optional chain",
      `function f(o) { return o?.load(http.get("u")).x; }\nconst o = { load() { return http.get("u"); } };`,
      /^2:24 a blocking call within an optional chain/,
    ],
    [
      "an async function that is not awaited",
      `async function load() { http.get("u"); }\nfunction f() { load(); load(); }`,
      /^3:16 an async function that makes blocking calls is started without `await`/,
    ],
    [
      "several at once",
      `async function load() { http.get("u"); }\nasync function f() { await Promise.all([load(), load()]); }`,
      /without `await`/,
    ],
    [
      "async callbacks of arrays",
      `async function f(list) { await Promise.all(list.map(async (u) => http.get(u))); }`,
      /cannot be called by this/,
    ],
    ["eval", `function f(s) { eval(s); }`, /^2:17 `eval`/],
    ["require of what is not fixed", `function f(s) { return require(s); }`, /^2:24 `require`/],
  ])("%s", async (_, body, expected) => {
    const found = await refusals(body);
    expect(found[0]).toMatch(expected);
  });

  test.each([
    [
      "sorting with a comparator that does not block",
      `function f(list) { http.get("u"); return list.sort((a, b) => a - b); }`,
    ],
    ["a getter that blocks nothing", `class C { load() { return http.get("u"); } get x() { return this.n; } }`],
    [
      "an async function that is awaited or returned",
      `async function load() { http.get("u"); }\nasync function f() { await load(); return load(); }`,
    ],
    [
      "a promise whose executor only starts a timer",
      `function f() { return new Promise((done) => { setTimeout(() => { sleep(1); done(); }, 1); }); }`,
    ],
    [
      "an optional call as the last of its chain",
      `const o = { load() { return http.get("u"); } };\nfunction f() { return o?.load(); }`,
    ],
    [
      "functions kept for later",
      `const list = []; list.push(() => http.get("u")); new Map([["a", () => http.get("u")]]);`,
    ],
  ])("but not %s", async (_, body) => {
    expect(await refusals(body)).toEqual([]);
  });
});

test.each([...Object.keys(refusedModules), "k6/x/sql", "k6/nothing"])(
  "importing %s is refused with a reason",
  async (name) => {
    await expect(bench.load(`\nimport x from "${name}";\nexport default function () {}`)).rejects.toMatchObject({
      code: "K6_REFUSED",
      message: expect.stringMatching(/^script\.js:2:1: .{10,}/) as string,
    });
  },
);

test("every provided module can be imported whole", async () => {
  const names = providedModules.map((name) => name.replace(/^jslib:(.*)$/, "https://jslib.k6.io/$1/1.0.0/index.js"));
  const source = `${names.map((name, i) => `import * as m${i} from "${name}"; import d${i} from "${name}";`).join("\n")}
    export default function () { console.log([${names.map((_, i) => `m${i}.default === d${i}`).join()}].every(Boolean)); }`;
  const { logs } = await bench.run(source);
  expect(logs).toEqual(["info true"]);
});

test("a call that escaped the analysis is an error when it runs, not a wrong result", async () => {
  // A getter made by a descriptor that the analysis does not connect with the object.
  const source = `${head}const o = {}; const descriptor = { get: () => http.get("http://127.0.0.1:1/").status };
    Object.defineProperty(o, "x", descriptor); export default function () { const x = o.x; console.log("wrong", x); }`;
  const before = bench.logs.length;
  const { errors, logs } = await bench.run(source);
  expect(errors).toMatchObject([
    { code: "K6_OVERLAP", message: expect.stringMatching(/console\.log was reached while http\.get/) as string },
  ]);
  expect(logs.slice(before).filter((line) => line.includes("wrong"))).toEqual([]);
});
