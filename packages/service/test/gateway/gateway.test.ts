import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "@mettle/core";
import { afterEach, expect, test } from "vitest";
import { Gateway, type Passed, routedHeader } from "../../src/gateway/gateway.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

/** An instance whose answers to executions are the test's; it is ready. */
async function instance(handle: Handler): Promise<{ url: string; asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    if (request.url === "/ready") {
      response.end("{}");
      return;
    }
    asked.push(request);
    request.resume().on("end", () => handle(request, response));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  ending.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const answers =
  (status: number, body = "{}"): Handler =>
  (_request, response) =>
    void response.writeHead(status, { "content-type": "application/json" }).end(body);
const cutsOff: Handler = (_request, response) => {
  response.writeHead(200, { "content-length": "100" }).write("{");
  setImmediate(() => response.destroy());
};

function gatewayOver(...urls: readonly string[]): Gateway {
  const gateway = new Gateway({ urls, clock: systemClock, draining: () => true });
  gateway.drain(); // only the others
  ending.push(() => gateway[Symbol.asyncDispose]());
  return gateway;
}
const passed = (change: Partial<Passed> = {}): Passed => ({
  path: "/agents/execute",
  waits: true,
  headers: { authorization: "Bearer t" },
  body: "{}",
  signal: new AbortController().signal,
  ...change,
});

test("an instance's answer is the answer, whatever it is", async () => {
  for (const status of [200, 400, 401, 409, 422, 429, 500]) {
    const one = await instance(answers(status, `{"n":${status}}`));
    const gateway = gatewayOver(one.url);
    const routed = await gateway.route(passed());
    expect("answer" in routed && [routed.answer.status, String(routed.answer.body)]).toEqual([
      status,
      `{"n":${status}}`,
    ]);
    expect([one.asked.length, gateway.retries]).toEqual([1, 0]);
    expect(one.asked[0]?.headers).toMatchObject({ authorization: "Bearer t", [routedHeader]: "1" });
  }
});

test.each([
  ["refuses to take it", answers(503)],
  ["cannot reach its own", answers(502)],
  ["breaks off", cutsOff],
  ["ends before the execution does", answers(202)],
] as const)("where an instance %s, another is asked with the same key", async (_name, handle) => {
  const [bad, good] = [await instance(handle), await instance(answers(200, '"done"'))];
  const gateway = gatewayOver(bad.url, good.url);
  const routed = [await gateway.route(passed()), await gateway.route(passed())];
  for (const one of routed) expect("answer" in one && String(one.answer.body)).toBe('"done"');
  const keys = (asked: readonly IncomingMessage[]): unknown[] => asked.map(({ headers }) => headers["idempotency-key"]);
  expect(bad.asked.length).toBeGreaterThan(0);
  expect(keys(good.asked)).toEqual(expect.arrayContaining(keys(bad.asked)));
  expect(new Set(keys(good.asked)).size).toBe(2);
  expect(gateway.retries).toBe(bad.asked.length);
});

test("the caller's own key is kept; one that does not wait gets its 202", async () => {
  const one = await instance(answers(202));
  const gateway = gatewayOver(one.url);
  const headers = { "idempotency-key": "mine", prefer: "respond-async" };
  const routed = await gateway.route(passed({ waits: false, headers }));
  expect("answer" in routed && routed.answer.status).toBe(202);
  expect(one.asked[0]?.headers).toMatchObject(headers);
});

test("what no instance takes is answered as the last one did, or with 503", async () => {
  const busy = await instance(answers(503, '"busy"'));
  const routed = await gatewayOver(busy.url).route(passed());
  expect("answer" in routed && String(routed.answer.body)).toBe('"busy"');
  const gone = await instance(answers(200));
  await ending.pop()?.();
  await expect(gatewayOver(gone.url).route(passed())).rejects.toMatchObject({ code: "INSTANCES_UNAVAILABLE" });
});

test("an instance that keeps failing is left alone", async () => {
  const [bad, good] = [await instance(answers(503)), await instance(answers(200))];
  const gateway = gatewayOver(bad.url, good.url);
  for (let i = 0; i < 30; i++) await gateway.route(passed());
  expect(bad.asked).toHaveLength(5); // as many as open a breaker
  expect(good.asked).toHaveLength(30);
  expect(gateway.instances.find(({ url }) => url === bad.url)).toMatchObject({ available: false, outstanding: 0 });
});

test("what is with an instance when it stops answering is asked elsewhere", async () => {
  const hung = Promise.withResolvers<void>();
  const [bad, good] = [await instance(() => hung.resolve()), await instance(answers(200, '"done"'))];
  const gateway = gatewayOver(bad.url, good.url);
  const routing = [gateway.route(passed()), gateway.route(passed())];
  await hung.promise;
  const lost = gateway.instances.find(({ url }) => url === bad.url);
  if (lost) lost.health = "unhealthy"; // as the health checks say after two misses
  for (const one of await Promise.all(routing)) expect("answer" in one && String(one.answer.body)).toBe('"done"');
});

test("a caller that hangs up ends its request, and that is nobody's failure", async () => {
  let controller = new AbortController();
  const one = await instance(() => controller.abort(new Error("gone")));
  const gateway = gatewayOver(one.url);
  // More than the failures that open a circuit breaker.
  for (let i = 0; i < 6; i++) {
    controller = new AbortController();
    await expect(gateway.route(passed({ signal: controller.signal }))).rejects.toThrow("gone");
  }
  expect(gateway.instances.at(-1)).toMatchObject({ failed: 0, outstanding: 0, available: true });
});

test("what falls back to this instance carries the key under which another may have begun it", async () => {
  const bad = await instance(answers(503));
  const gateway = new Gateway({ urls: [bad.url], clock: systemClock, draining: () => false });
  ending.push(() => gateway[Symbol.asyncDispose]());
  const routed = [await gateway.route(passed()), await gateway.route(passed())];
  const keys = routed.map((one) => ("idempotencyKey" in one ? one.idempotencyKey : undefined));
  expect(keys).toContain(bad.asked[0]?.headers["idempotency-key"]);
  expect(gateway.instances[0]?.outstanding).toBe(2);
  for (const one of routed) if ("release" in one) one.release();
  expect(gateway.instances[0]?.outstanding).toBe(0);
});
