import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { call, logIn, testService } from "../running.ts";
import { runningService } from "../running-service.ts";

const service = runningService({ METTLE_CONNECTIONS: "40" });

async function opened(url = service.url): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.on("error", () => undefined); // ended from the other side, as these tests want it
  await once(socket, "connect");
  return socket;
}

/** Sends a piece of text, then a byte of it again and again until the connection ends. @returns what the service said */
async function drip(socket: Socket, start: string, piece: string): Promise<string> {
  let said = "";
  socket.setEncoding("utf8").on("data", (text: string) => (said += text));
  socket.write(start);
  const timer = setInterval(() => socket.write(piece), 50);
  await new Promise((resolve) => socket.once("close", resolve));
  clearInterval(timer);
  return said;
}

test("a caller that sends its headers or body byte by byte is cut off", async () => {
  await using hasty = await testService(service.server, { METTLE_REQUEST_TIMEOUT: "400ms" });
  const login = "POST /auth/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n";
  const [headers, body] = await Promise.all([
    drip(await opened(hasty.url), "GET /health HTTP/1.1\r\nhost: a\r\nx: ", "y"),
    drip(await opened(hasty.url), login, " "),
  ]);
  // What is said last may be lost to a caller that goes on sending.
  for (const said of [headers, body]) expect(said).toMatch(/^(?:$|HTTP\/1\.1 408 )/);
});

test("while callers drip, others are served", async () => {
  const sockets = await Promise.all(Array.from({ length: 30 }, () => opened()));
  const slow = sockets.map((socket) => drip(socket, "GET /health HTTP/1.1\r\nhost: a\r\nx: ", "y"));
  for (let i = 0; i < 10; i++) expect((await call(service.url, "GET", "/health")).status).toBe(200);
  for (const socket of sockets) socket.destroy();
  expect(new Set(await Promise.all(slow))).toEqual(new Set([""])); // none was answered meanwhile
});

test("headers and bodies have a size", async () => {
  const headers = { "x-large": "y".repeat(20_000) };
  expect(await call(service.url, "GET", "/health", { headers })).toMatchObject({
    status: 431,
    body: { error: { type: "headers_too_large", code: "REQUEST_HEADERS_TOO_LARGE" } },
  });
  const body = { username: "a", password: "x".repeat(1_100_000) };
  expect((await call(service.url, "POST", "/auth/login", { body })).status).toBe(413);
});

test("what is no request, or has no address that can be read, is refused in the same form", async () => {
  const socket = await opened();
  const answer = once(socket, "data");
  socket.write("nonsense\r\n\r\n");
  const [head = "", body = ""] = String((await answer)[0]).split("\r\n\r\n");
  expect(head).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(JSON.parse(body)).toMatchObject({
    error: { type: "invalid_request", code: "REQUEST_UNREADABLE", details: {} },
  });
  expect(await call(service.url, "GET", "/agents/executions/%")).toMatchObject({
    status: 400,
    body: { error: { type: "invalid_request", code: "REQUEST_BAD_URL" } },
  });
  expect(await call(service.url, "GET", `/agents/executions/${"a".repeat(300)}`)).toMatchObject({
    status: 400,
    body: { error: { type: "invalid_request", code: "REQUEST_MAX_PARAM_LENGTH" } },
  });
});

test("connections beyond the limit are closed, those that are open work on", async () => {
  const sockets = await Promise.all(Array.from({ length: 60 }, () => opened()));
  const closed = sockets.filter((socket) => socket.readyState !== "open");
  const stillOpen = new Set(sockets);
  for (const socket of sockets) socket.once("close", () => stillOpen.delete(socket));
  while (stillOpen.size > 40) await new Promise(setImmediate);
  expect(closed.length).toBeLessThanOrEqual(20);
  const [first] = stillOpen;
  if (!first) expect.fail("none is open");
  first.write("GET /health HTTP/1.1\r\nhost: a\r\n\r\n");
  expect(String((await once(first, "data"))[0])).toMatch(/^HTTP\/1\.1 200 /);
  for (const socket of sockets) socket.destroy();
});

test("a service that is too busy refuses what can wait, never the question whether it lives", async () => {
  await using busy = await testService(service.server, { METTLE_MAX_EVENT_LOOP_DELAY: "1ms" });
  let refused = 0;
  let lives = 0;
  for (const until = Date.now() + 100_000; refused === 0 && Date.now() < until; ) {
    for (const stop = Date.now() + 300; Date.now() < stop; ); // holds up the event loop that the service shares
    const [other, health] = await Promise.all([call(busy.url, "GET", "/nothing"), call(busy.url, "GET", "/health")]);
    if (other.status === 503) {
      refused += 1;
      expect(other).toMatchObject({ body: { error: { code: "SERVICE_BUSY" } } });
      expect(other.headers.get("retry-after")).toBe("1");
      lives += health.status === 200 ? 1 : 0;
    }
  }
  expect([refused, lives]).toEqual([1, 1]);
});

test("whose token is refused is counted too, by address, and apart from users", async () => {
  await using strict = await testService(service.server, { METTLE_RATE_LIMIT: "5" });
  const token = await logIn(strict.url);
  const asked = async (given: string): Promise<number> =>
    (await call(strict.url, "GET", "/agents/status", { token: given })).status;
  for (let i = 0; i < 5; i++) expect(await asked("bogus")).toBe(401);
  const refused = await call(strict.url, "GET", "/agents/status", { token: "bogus" });
  expect(refused).toMatchObject({ status: 429, body: { error: { code: "RATE_LIMITED" } } });
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  for (let i = 0; i < 5; i++) expect(await asked(token)).toBe(200);
  expect(await asked(token)).toBe(429);
});
