import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { resolvePlan } from "../../src/engine/resolve-plan.ts";
import { type LoadResult, runLoad } from "../../src/engine/run-load.ts";
import { declarativeLoad } from "../../src/scenario/declarative.ts";
import { fillIn, fillInAll, valueAt } from "../../src/scenario/fill-in.ts";
import { measured } from "../engine/virtual-run.ts";

const folder = mkdtempSync(join(tmpdir(), "mettle-yaml-"));
const received: { method: string; url: string; token: string; body: string }[] = [];

const server = createServer((request, response) => {
  let body = "";
  request.on("data", (part: Buffer) => (body += part.toString()));
  request.on("end", () => {
    const { method = "", url = "", headers } = request;
    received.push({ method, url, token: headers.authorization ?? "", body });
    response.setHeader("x-kind", "test");
    if (url === "/login") response.end('{"token":"t1"}');
    else if (url === "/items") response.end('{"items":[{"id":7},{"id":8}]}');
    else {
      response.statusCode = url === "/items/7" ? 200 : 404;
      response.end("plain");
    }
  });
});

beforeAll(async () => {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
});
afterAll(() => {
  server.close();
});

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function play(text: string): Promise<LoadResult> {
  received.length = 0;
  const { port } = server.address() as AddressInfo;
  const load = declarativeLoad({ file: file("test.yaml", text), env: { HOST: `127.0.0.1:${port}` } });
  return runLoad({
    name: "yaml",
    plan: resolvePlan(load.options),
    from: { inline: { test: load } },
    noiseProbe: false,
    revision: { commit: "0".repeat(40), dirty: false },
  });
}

describe("the declarative form", () => {
  test("setup, captures, data rows, checks, groups, choices and repetition", async () => {
    file("users.csv", "name\nann\nbob\n");
    const run = await play(`
http:
  baseUrl: http://\${HOST}
variables: { kind: text }
data: { people: users.csv }
setup:
  - post: /login
    json: { user: admin, n: 1 }
    capture: { token: json.token }
scenarios:
  shop:
    iterations: 2
    steps:
      - get: /items
        headers: { Authorization: "Bearer \${token}" }
        check: { status: 200, below: 5s, contains: items, json: { "items[1].id": 8 }, header: { x-kind: test } }
        capture: { id: "json.items[0].id", kindOf: header.x-kind }
      - group: details
        steps:
          - get: /items/\${id}
            name: one item
          - repeat: 2
            steps: [{ get: "/missing?who=\${people.name}", check: { status: [404, 410] } }]
      - choose:
          - { weight: 1, steps: [{ post: /orders, json: { id: "\${id}", name: "\${people.name} \${kind}" } }] }
          - { weight: 0, steps: [{ get: /never }] }
      - think: 1ms-2ms
thresholds: { checks: rate == 1 }
`);
    expect(run.errors).toEqual([]);
    expect(received.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "POST /login",
      ...["ann", "bob"].flatMap((who) => [
        "GET /items",
        "GET /items/7",
        `GET /missing?who=${who}`,
        `GET /missing?who=${who}`,
        "POST /orders",
      ]),
    ]);
    expect(received[0]?.body).toBe('{"user":"admin","n":1}');
    expect(received[1]?.token).toBe("Bearer t1");
    expect(received[5]?.body).toBe('{"id":7,"name":"ann text"}');
    expect(measured(run, "checks").summary).toMatchObject({ rate: 1, count: 14 });
    // 404 was expected where it was checked for; the POST's 404 was not.
    expect(measured(run, "http_req_failed", { scenario: "shop", name: "GET /missing" }).summary.rate).toBe(0);
    expect(measured(run, "http_req_failed", { scenario: "shop", name: "POST /orders" }).summary.rate).toBe(1);
    expect(measured(run, "http_reqs", { scenario: "shop", name: "one item" }).summary.sum).toBe(2);
    expect(measured(run, "group_duration", { group: "::details" }).summary.count).toBe(2);
  });

  test("a name that is not known fails its iteration with the name", async () => {
    const run = await play(`
scenarios:
  a:
    iterations: 1
    steps: [{ get: "http://\${HOST}/\${nobody}" }]
`);
    expect(run.errors.map(({ message }) => message)).toEqual(["${nobody} is not known here"]);
  });

  test.each([
    ["scenarios: {}", /scenarios must NOT have fewer/],
    ["scenarios:\n  a:\n    steps:\n      - got: /x\n", /line 4: .*has no setting "got"/],
    ["scenarios:\n  a:\n    vus: many\n    steps: [{ get: /x }]\n", /line 3: .*vus must be integer/],
    ["scenarios: [", /line \d+, column \d+/],
    ["scenarioz: {}", /has no setting "scenarioz"/],
    [
      'http: { baseUrl: "http://${NOBODY_KNOWS}" }\nscenarios: { a: { steps: [{ get: /x }] } }',
      /NOBODY_KNOWS\} is not known/,
    ],
  ])("what is wrong is refused with its line: %j", (text, reason) => {
    expect(() => declarativeLoad({ file: file("bad.yaml", text), env: {} })).toThrow(
      expect.objectContaining({ code: "LOAD_SCRIPT_INVALID", message: expect.stringMatching(reason) }),
    );
  });

  test("a file that is not there is said", () => {
    expect(() => declarativeLoad({ file: join(folder, "none.yaml"), env: {} })).toThrow(
      expect.objectContaining({ code: "LOAD_SCRIPT_UNREADABLE" }),
    );
  });
});

describe("filling in", () => {
  const scope = new Map<string, unknown>([
    ["a", 1],
    ["row", { name: "ann", deep: [{ x: true }] }],
    ["with.dot", "d"],
  ]);

  test("names, paths, and names with dots", () => {
    expect(fillIn("${a}-${row.name}-${row.deep[0].x}-${with.dot}", scope)).toBe("1-ann-true-d");
    expect(fillIn("no placeholder $ { }", scope)).toBe("no placeholder $ { }");
    expect(() => fillIn("${row}", scope)).toThrow(/is no text/);
    expect(() => fillIn("${b}", scope)).toThrow(/is not known/);
  });

  test("a text that is one placeholder becomes the value, within lists and objects too", () => {
    expect(fillInAll({ list: ["${a}", "x${a}"], row: "${row}" }, scope)).toEqual({
      list: [1, "x1"],
      row: { name: "ann", deep: [{ x: true }] },
    });
    expect(() => fillInAll(["${b}"], scope)).toThrow(/is not known/);
  });

  test("paths lead only to what an object has itself", () => {
    expect(valueAt({ a: [1, { b: 2 }] }, "a[1].b")).toBe(2);
    expect(valueAt({ a: 1 }, "constructor")).toBeUndefined();
    expect(valueAt({ a: 1 }, "a.b.c")).toBeUndefined();
  });
});
