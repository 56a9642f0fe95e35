import { describe, expect, test } from "vitest";
import { urlLoad } from "../../src/scenario/url-load.ts";
import { runHere } from "../agent/run-load-here.ts";
import { measured } from "../engine/virtual-run.ts";
import { rawServer } from "../http/servers.ts";

describe("an answer with a good status and a broken body is a failure of the server", () => {
  test.each<[string, string]>([
    ["shorter than its length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"],
    ["with a malformed chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
  ])("%s", async (_, answer) => {
    await using server = await rawServer((socket) => {
      socket.once("data", () => socket.end(answer));
    });
    for (const rps of [{}, { rps: 1000 }]) {
      const { run } = await runHere(
        urlLoad({
          request: { method: "GET", url: server.url },
          options: { scenarios: { s: { executor: "shared-iterations", vus: 1, iterations: 3 } }, ...rps },
        }),
      );
      expect(measured({ run }, "http_req_failed").summary).toEqual({ count: 3, rate: 1 });
    }
  });
});
