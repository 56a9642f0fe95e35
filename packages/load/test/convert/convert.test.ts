import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MettleError } from "@mettle/core";
import { convertToScenario } from "../../src/convert/convert.ts";
import { scenarioFromHar } from "../../src/convert/har.ts";
import { scenarioFromOpenApi } from "../../src/convert/openapi.ts";
import { scenarioFromPostman } from "../../src/convert/postman.ts";
import type { RequestStep, ScenarioModel } from "../../src/convert/scenario-model.ts";
import { runPrinted } from "./run-printed.ts";

const requests = (scenario: ScenarioModel): RequestStep[] =>
  scenario.steps.filter((step): step is RequestStep => step.kind === "request");

const entry = (second: number, url: string, more: object = {}): object => ({
  pageref: "p1",
  startedDateTime: new Date(1_700_000_000_000 + second * 1000).toISOString(),
  time: 200,
  request: { method: "GET", url, headers: [], ...more },
  response: { status: 200, content: { mimeType: "application/json" } },
});
const har = (entries: readonly object[]): object => ({
  log: { version: "1.2", pages: [{ id: "p1", title: "Shop" }], entries },
});

describe("HAR", () => {
  test("requests, pauses, pages, bodies; credentials and cookies stay out", async () => {
    const document = har([
      entry(0, "https://shop.test/", {
        headers: [
          { name: ":authority", value: "shop.test" },
          { name: "Accept", value: "text/html" },
        ],
      }),
      entry(0.1, "https://shop.test/api?q=%C3%BC#top", {
        headers: [
          { name: "Authorization", value: "Bearer secret" },
          { name: "Cookie", value: "id=secret" },
        ],
      }),
      entry(3, "https://shop.test/cart", {
        method: "POST",
        postData: { mimeType: "application/json", text: '{"item":1}' },
      }),
      entry(60, "https://shop.test/form", {
        method: "POST",
        postData: { mimeType: "application/x-www-form-urlencoded", params: [{ name: "a b", value: "ü" }] },
      }),
      entry(60, "data:text/plain,x"),
    ]);
    const { code, format, scenario } = convertToScenario(JSON.stringify(document), { source: "shop.har" });
    expect(format).toBe("har");
    expect(code).not.toContain("secret");
    expect(scenario.notes).toHaveLength(3);
    const { names, done } = await runPrinted(code, { AUTHORIZATION: "Bearer mine" });
    expect(names).toEqual(["Shop"]);
    expect(done.map(({ kind, call }) => (kind === "think" ? call[0] : call[1]))).toEqual([
      "https://shop.test/",
      "https://shop.test/api?q=%C3%BC",
      // 3 s − the end of the request before it, at 0.3 s; then no more than the cap.
      2700,
      "https://shop.test/cart",
      15_000,
      "https://shop.test/form",
    ]);
    expect(done[1]?.call[3]).toMatchObject({
      name: "GET /api",
      headers: { Authorization: "Bearer mine" },
      expect: [200],
    });
    expect(done.flatMap(({ call }) => call[2] ?? [])).toEqual(['{"item":1}', "a+b=%C3%BC"]);
    expect(done.filter(({ kind }) => kind === "request").every(({ groups }) => groups[0] === "Shop")).toBe(true);
  });

  test("filters, and what is wrong with a file", () => {
    const image = {
      ...entry(0, "https://a.test/x.png"),
      response: { status: 200, content: { mimeType: "image/png" } },
    };
    const all = har([image, entry(1, "https://b.test/")]);
    expect(requests(scenarioFromHar(all))).toHaveLength(1);
    expect(requests(scenarioFromHar(all, { assets: true, hosts: ["a.test"] }))).toHaveLength(1);
    expect(() => scenarioFromHar(all, { hosts: ["c.test"] })).toThrow(
      expect.objectContaining({ code: "CONVERT_EMPTY" }),
    );
    expect(() => scenarioFromHar(har([entry(0, "nowhere")]), { source: "x.har" })).toThrow(
      'x.har, log.entries[0].request.url: "nowhere" is no http address.',
    );
    expect(() => scenarioFromHar({ log: { version: "2.0", entries: [] } })).toThrow(
      expect.objectContaining({ code: "CONVERT_UNSUPPORTED" }),
    );
    expect(() => scenarioFromHar(har([entry(0, "http://a.test", { method: "GET /\r\nX: y" })]))).toThrow(/no method/);
  });
});

const collection = {
  info: { name: "Agents", schema: "https://schema.getpostman.com/json/collection/v2.1.0/collection.json" },
  auth: { type: "bearer", bearer: [{ key: "token", value: "{{token}}" }] },
  variable: [{ key: "host", value: "http://127.0.0.1:1" }],
  item: [
    {
      name: "Run",
      item: [
        {
          name: "execute",
          request: {
            method: "POST",
            url: { raw: "{{host}}/agents/:id/run?x={{q}}", variable: [{ key: "id", value: "7" }] },
            header: [{ key: "X-Off", value: "1", disabled: true }],
            body: { mode: "raw", raw: '{"q":"{{q}}"}', options: { raw: { language: "json" } } },
          },
          event: [
            { listen: "test", script: { exec: ['pm.test("ok", () => {', "pm.response.to.have.status(201);", "})"] } },
          ],
        },
      ],
    },
    { name: "status", request: "http://127.0.0.1:1/status" },
    {
      name: "form",
      request: {
        method: "POST",
        auth: {
          type: "apikey",
          apikey: [
            { key: "key", value: "k" },
            { key: "value", value: "written out" },
            { key: "in", value: "query" },
          ],
        },
        url: "http://127.0.0.1:1/form",
        body: {
          mode: "urlencoded",
          urlencoded: [
            { key: "a b", value: "{{q}}&" },
            { key: "no", value: "", disabled: true },
          ],
        },
      },
    },
  ],
};

describe("Postman", () => {
  test("folders, variables, bodies, authorization and tests of the status", async () => {
    const { code, format } = convertToScenario(JSON.stringify(collection), { source: "agents.json" });
    expect(format).toBe("postman");
    expect(code).not.toContain("written out");
    const { done } = await runPrinted(code, { API_KEY: "mine" });
    expect(done.map(({ groups, call }) => [groups, ...call])).toEqual([
      [
        ["Run"],
        "POST",
        "http://127.0.0.1:1/agents/7/run?x=",
        '{"q":""}',
        { name: "execute", headers: { Authorization: "Bearer ", "Content-Type": "application/json" }, expect: [201] },
      ],
      [[], "GET", "http://127.0.0.1:1/status", undefined, { name: "status", headers: { Authorization: "Bearer " } }],
      [
        [],
        "POST",
        "http://127.0.0.1:1/form?k=mine",
        "a%20b=%26",
        { name: "form", headers: { "Content-Type": "application/x-www-form-urlencoded" } },
      ],
    ]);
  });

  test("what is wrong with a collection", () => {
    const of = (changes: object) => () => scenarioFromPostman({ ...collection, ...changes }, { source: "c" });
    expect(of({ info: { schema: "v1" } })).toThrow(expect.objectContaining({ code: "CONVERT_UNSUPPORTED" }));
    expect(of({ item: [] })).toThrow(expect.objectContaining({ code: "CONVERT_EMPTY" }));
    expect(of({ item: [{ name: "x" }] })).toThrow("c, item[0].request: it is absent, not an object.");
    expect(of({ item: [{ item: [{ request: { url: 5 } }] }] })).toThrow(
      "c, item[0].item[0].request.url: it is 5, not text.",
    );
  });
});

const api = `
openapi: 3.1.0
info: { title: Agents, version: "1" }
servers: [{ url: "http://{host}/v1", variables: { host: { default: "127.0.0.1:1" } } }]
security: [{ token: [] }]
paths:
  /agents/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: string, example: a/b } }]
    get:
      operationId: getAgent
      tags: [agents]
      parameters:
        - { name: verbose, in: query, required: true, schema: { type: boolean, default: true } }
        - { name: page, in: query, schema: { type: integer } }
        - $ref: "#/components/parameters/Trace"
      responses: { "404": {}, "200": {} }
    post:
      security: []
      requestBody:
        content:
          application/json:
            schema: { $ref: "#/components/schemas/Task" }
      responses: { "202": {} }
components:
  parameters:
    Trace: { name: X-Trace, in: header, required: true, example: t1, schema: { type: string } }
  securitySchemes:
    token: { type: http, scheme: bearer }
  schemas:
    Base: { type: object, required: [kind], properties: { kind: { type: string, enum: [task] } } }
    Task:
      allOf:
        - $ref: "#/components/schemas/Base"
        - type: object
          required: [depth, child]
          properties:
            depth: { type: integer, minimum: 3, maximum: 3 }
            child: { $ref: "#/components/schemas/Task" }
`;

describe("OpenAPI", () => {
  test("operations with examples, from YAML, recursive schemas included", async () => {
    const { code, format } = convertToScenario(api, { source: "api.yaml" });
    expect(format).toBe("openapi");
    const { done } = await runPrinted(code, { TOKEN: "t" });
    const [get, post] = done;
    expect(get).toMatchObject({
      groups: ["agents"],
      call: [
        "GET",
        "http://127.0.0.1:1/v1/agents/a%2Fb?verbose=true",
        undefined,
        { name: "getAgent", headers: { "X-Trace": "t1", Authorization: "Bearer t" }, expect: [200] },
      ],
    });
    expect(post?.call.slice(0, 2)).toEqual(["POST", "http://127.0.0.1:1/v1/agents/a%2Fb"]);
    expect(post?.call[3]).toEqual({
      name: "POST /agents/{id}",
      headers: { "Content-Type": "application/json" },
      expect: [202],
    });
    expect(JSON.parse(String(post?.call[2]))).toMatchObject({
      kind: "task",
      depth: 3,
      child: { kind: "task", depth: 3 },
    });
  });

  test("what is wrong with a document", () => {
    const of = (document: unknown) => () => scenarioFromOpenApi(document, { source: "a" });
    expect(of({ swagger: "2.0" })).toThrow(/Swagger "2.0"/);
    expect(of({ openapi: "3.0.0", paths: {} })).toThrow(expect.objectContaining({ code: "CONVERT_EMPTY" }));
    expect(of({ openapi: "3.0.0", paths: { "/x": { get: { parameters: [{ $ref: "#/no" }] } } } })).toThrow(
      'a, paths["/x"].get.parameters[0], #/no: it is absent, not an object.',
    );
    expect(() => convertToScenario("openapi: [", { source: "a" })).toThrow(/a, line 1, column \d+: it is not YAML/);
    expect(() => convertToScenario("{", { source: "a" })).toThrow(expect.objectContaining({ code: "CONVERT_INVALID" }));
    expect(() => convertToScenario("x: 1", { source: "a" })).toThrow(
      expect.objectContaining({ code: "CONVERT_UNSUPPORTED" }),
    );
  });
});

test("documents of any shape give a scenario or an error with a code", () => {
  const shapes = [har([entry(0, "http://a.test/")]), collection, convertible()];
  fc.assert(
    fc.property(
      fc.constantFrom(...shapes),
      fc.array(fc.tuple(fc.nat(200), fc.jsonValue()), { minLength: 1, maxLength: 4 }),
      (shape, changes) => {
        const document = structuredClone(shape) as Record<string, unknown>;
        for (const [at, value] of changes) {
          const holders = holdersOf(document);
          const [holder, key] = holders[at % holders.length] ?? [];
          if (holder && key !== undefined) holder[key] = value;
        }
        try {
          convertToScenario(JSON.stringify(document), { source: "fuzz" });
        } catch (error) {
          expect(error).toBeInstanceOf(MettleError);
        }
      },
    ),
    { numRuns: 1500 },
  );
});

function convertible(): object {
  return {
    openapi: "3.0.3",
    servers: [{ url: "http://{h}", variables: { h: { default: "x" } } }],
    security: [{ s: [] }],
    paths: {
      "/{a}": {
        get: {
          parameters: [{ name: "a", in: "path" }],
          requestBody: { content: { "application/json": { schema: { allOf: [{}] } } } },
        },
      },
    },
    components: { securitySchemes: { s: { type: "apiKey", in: "query", name: "k" } } },
  };
}

function holdersOf(root: Record<string, unknown>): [Record<string, unknown>, string][] {
  return Object.entries(root).flatMap(([key, value]) => [
    [root, key] as [Record<string, unknown>, string],
    ...(typeof value === "object" && value !== null ? holdersOf(value as Record<string, unknown>) : []),
  ]);
}
