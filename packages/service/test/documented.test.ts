import { describe, expect, test } from "vitest";
import { expectDocumented } from "./documented.ts";

const hit = { tool: "calculator", output: 1, duration_ms: 2 };
const failure = { error: { type: "t", code: "C", message: "m", details: {}, request_id: "1" } };

describe("what tests hold answers to", () => {
  test("answers as documented pass, also failures and what has no document", () => {
    expectDocumented({ method: "POST", path: "/tools/execute", status: 200 }, hit);
    expectDocumented({ method: "POST", path: "/tools/execute", status: 422 }, failure);
    expectDocumented({ method: "GET", path: "/agents/executions/1/events", status: 200 }, "data: {}");
    expectDocumented({ method: "GET", path: "/nothing", status: 404 }, {});
    expectDocumented({ method: "DELETE", path: "/knowledge/documents/1", status: 204 }, "");
  });

  test.each([
    ["a property that lacks", "POST", "/tools/execute", 200, { tool: "calculator", output: 1 }],
    ["a property of another kind", "POST", "/tools/execute", 200, { ...hit, duration_ms: "2" }],
    ["a failure of another form", "POST", "/tools/execute", 500, { message: "m" }],
    ["a status that is not told of", "POST", "/tools/execute", 302, hit],
    ["within a shared schema", "GET", "/agents/executions/1", 200, { execution_id: "1" }],
  ])("%s does not", (_, method, path, status, body) => {
    expect(() => expectDocumented({ method, path, status }, body)).toThrow(/against its schema|does not have/);
  });
});
