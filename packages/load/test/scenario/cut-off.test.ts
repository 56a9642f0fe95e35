import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { LoadTest } from "../../src/engine/load-test.ts";
import { defineLoad } from "../../src/scenario/define-load.ts";
import { urlLoad } from "../../src/scenario/url-load.ts";
import { runHere } from "../agent/run-load-here.ts";
import { measured } from "../engine/virtual-run.ts";

/** Answers `/now` at once, and nothing else ever. */
let server: Server;
let base: string;
let asked: () => void = () => undefined;
beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === "/now") response.end("ok");
    else asked();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const ends = { vus: 3, duration: "1h", gracefulStop: 0 } as const;

test.each<[string, number, () => LoadTest]>([
  [
    "of a URL",
    0,
    () =>
      urlLoad({
        request: { method: "GET", url: `${base}/never` },
        options: { scenarios: { s: { executor: "constant-vus", ...ends } } },
      }),
  ],
  [
    "of a script",
    3,
    () =>
      defineLoad({
        scenarios: {
          s: {
            ...ends,
            run: async (user) => {
              await user.http.get(`${base}/now`);
              await user.http.get(`${base}/never`);
            },
          },
        },
      }),
  ],
])("a request %s that the end of the run cuts off is no failure of the server", async (_, answered, load) => {
  // It ends when each user waits for an answer that never comes.
  const end = new AbortController();
  let waiting = 0;
  asked = () => {
    waiting += 1;
    if (waiting === ends.vus) end.abort();
  };
  const run = await runHere(load(), { stop: end.signal });
  expect(measured(run, "interrupted_iterations").summary.sum).toBe(3);
  const total = (metric: string) =>
    run.run.measurements.find((one) => one.metric === metric && Object.keys(one.tags).length === 0)?.summary;
  expect(total("http_reqs")?.sum ?? 0).toBe(answered);
  expect(total("http_req_failed")?.rate ?? 0).toBe(0);
});
