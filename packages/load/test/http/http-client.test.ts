import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { HttpRequest } from "../../src/http/exchange.ts";
import { Exchange } from "../../src/http/exchange-record.ts";
import { HttpEngine } from "../../src/http/http-client.ts";
import type { HttpOptions } from "../../src/http/http-options.ts";
import { nodeZlib } from "../../src/http/node-parts.ts";
import { answering, ok, rawServer, serving } from "./servers.ts";

const engines: HttpEngine[] = [];
function clientOf(options: HttpOptions = {}): ReturnType<HttpEngine["client"]> {
  const engine = new HttpEngine(options);
  engines.push(engine);
  return engine.client();
}
afterEach(() => {
  for (const engine of engines.splice(0)) engine.close();
});

const get = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => ({ method: "GET", url, ...more });

describe("requests", () => {
  test("are sent as written, with what HTTP needs", async () => {
    const requests: string[] = [];
    await using server = await rawServer((socket) => {
      socket.on("data", (chunk: Buffer) => {
        requests.push(chunk.toString());
        socket.write(ok(""));
      });
    });
    const client = clientOf();
    await client.send(
      get(`${server.url}/a?b=c#d`, {
        headers: [
          ["X-A", "1"],
          ["x-b", "ü"],
        ],
      }),
    );
    await client.send({ method: "POST", url: server.url, body: "äb" });
    await client.send({ method: "POST", url: server.url });
    await client.send({ method: "PUT", url: server.url, body: "abc", headers: [["Transfer-Encoding", "chunked"]] });
    await client.send(get(server.url.replace("//", "//us%65r:p%zz@"), { headers: [["host", "other.test"]] }));
    const host = `127.0.0.1:${server.port}`;
    expect(requests).toEqual([
      `GET /a?b=c HTTP/1.1\r\nHost: ${host}\r\nX-A: 1\r\nx-b: ü\r\n\r\n`,
      `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 3\r\n\r\näb`,
      `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\n\r\n`,
      `PUT / HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
      `GET / HTTP/1.1\r\nhost: other.test\r\nAuthorization: Basic ${Buffer.from("user:p%zz").toString("base64")}\r\n\r\n`,
    ]);
  });

  test("like the last are not laid out anew, and what differs is seen", async () => {
    const requests: string[] = [];
    await using server = await answering((request) => {
      requests.push(request.replace(/Host: .*\r\n/, ""));
      return ok("");
    });
    const client = clientOf();
    const headers: [string, string][] = [["A", "1"]];
    expect(client.prepare(get(server.url, { headers }))).toBe(
      client.prepare(get(server.url, { headers: [["A", "1"]] })),
    );
    await client.send(get(server.url, { headers }));
    headers[0] = ["A", "2"];
    await client.send(get(server.url, { headers }));
    await client.send({ method: "PUT", url: server.url, headers });
    const body = Buffer.from("x");
    await client.send({ method: "PUT", url: server.url, body });
    body[0] = 0x79;
    const bodies = client.prepare({ method: "PUT", url: server.url, body }).bytes.toString("latin1");
    expect(requests).toEqual([
      "GET / HTTP/1.1\r\nA: 1\r\n\r\n",
      "GET / HTTP/1.1\r\nA: 2\r\n\r\n",
      "PUT / HTTP/1.1\r\nA: 2\r\nContent-Length: 0\r\n\r\n",
      "PUT / HTTP/1.1\r\nContent-Length: 1\r\n\r\n",
    ]);
    expect(bodies.endsWith("\r\n\r\ny")).toBe(true);
    expect(client.prepare(get(server.url))).not.toBe(client.prepare(get(server.url, { responseBody: "none" })));
  });

  test("that cannot be sent fail with a code and open no connection", async () => {
    await using server = await answering(() => ok(""));
    const client = clientOf();
    const codes = await Promise.all(
      [
        get("not a url"),
        get("ftp://127.0.0.1/"),
        get(server.url, { headers: [["A", "b\r\nC: d"]] }),
        get(server.url, { headers: [["A b", "c"]] }),
        { method: "GE T", url: server.url },
        get(server.url, { signal: AbortSignal.abort() }),
      ].map(async (request) => (await client.send(request)).failure?.code),
    );
    expect(codes).toEqual([1020, 1020, 1000, 1000, 1000, 1000]);
    expect(server.accepted()).toBe(0);
  });

  test("tell when each part happened, in an order that adds up", async () => {
    let sendRest = (): void => undefined;
    await using server = await answering((_, socket) => {
      sendRest = () => socket.write("b");
      return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na";
    });
    const client = clientOf();
    // The rest comes only when the first part was seen, so that receiving takes a time.
    const onChunk = (chunk: Uint8Array): void => {
      if (chunk[0] === 0x61) sendRest();
    };
    const first = await client.send(get(server.url), onChunk);
    const second = await client.send(get(server.url), onChunk);
    for (const { timings, body } of [first, second]) {
      expect(body).toBe("ab");
      expect(timings.duration).toBeCloseTo(timings.sending + timings.waiting + timings.receiving, 9);
      expect(Math.min(timings.sending, timings.waiting, timings.receiving)).toBeGreaterThan(0);
      expect(timings.scheduledAt).toBe(timings.startedAt);
    }
    expect(first.timings.connecting).toBeGreaterThan(0);
    expect(first.timings.blocked).toBeGreaterThanOrEqual(first.timings.connecting);
    expect(second.timings).toMatchObject({ blocked: 0, connecting: 0, lookingUp: 0, tlsHandshaking: 0 });
    expect(first).toMatchObject({ remoteAddress: "127.0.0.1", remotePort: server.port, protocol: "HTTP/1.1" });
  });

  test("count what went over the wire", async () => {
    const reply = ok("hello", "X-A: 1\r\n");
    let received = 0;
    await using server = await answering((request) => {
      received = request.length;
      return reply;
    });
    const response = await clientOf().send(get(server.url, { responseBody: "none" }));
    expect(response.bytesSent).toBe(received);
    expect(response.bytesReceived).toBe(reply.length);
    expect("body" in response).toBe(false);
    expect(response.headers).toEqual([
      ["Content-Length", "5"],
      ["X-A", "1"],
    ]);
    expect(response.statusText).toBe("OK");
  });

  test("give a text, bytes, or pieces as they come", async () => {
    let streaming = false;
    let sendRest = (): void => undefined;
    await using server = await answering((_, socket) => {
      const last = "2\r\n\xa4c\r\n0\r\n\r\n";
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab\xc3\r\n", "latin1");
      if (streaming) sendRest = () => socket.write(last, "latin1");
      else socket.write(last, "latin1");
      return undefined;
    });
    const client = clientOf();
    expect((await client.send(get(server.url))).body).toBe("abäc");
    expect((await client.send(get(server.url, { responseBody: "binary" }))).body).toEqual(Buffer.from("abäc"));
    const pieces: [string, number][] = [];
    streaming = true;
    const response = await client.send(get(server.url, { responseBody: "none" }), (chunk, at) => {
      pieces.push([Buffer.from(chunk).toString("latin1"), at]);
      if (pieces.length === 1) sendRest();
    });
    expect(pieces.map(([piece]) => piece).join("")).toBe("ab\xc3\xa4c");
    expect(pieces.length).toBeGreaterThan(1);
    const times = pieces.map(([, at]) => at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times[0]).toBeGreaterThanOrEqual(response.timings.startedAt);
    expect(times.at(-1)).toBeLessThanOrEqual(
      response.timings.startedAt + response.timings.blocked + response.timings.duration,
    );
    expect(response.body).toBeUndefined();
  });

  test("an exchange can be dispatched again from its end", async () => {
    await using server = await answering(() => ok("x"));
    const client = clientOf();
    const statuses = await new Promise<number[]>((resolve) => {
      const seen: number[] = [];
      const exchange = new Exchange(client.prepare(get(server.url)), {
        keepHead: false,
        onDone: (done) => {
          seen.push(done.status);
          if (seen.length < 1000) client.dispatch(done);
          else resolve(seen);
        },
      });
      client.dispatch(exchange);
    });
    expect(statuses).toEqual(Array.from({ length: 1000 }, () => 200));
    expect(server.accepted()).toBe(1);
  });
});

describe("connections", () => {
  test("a body still being decoded when its exchange was ended is not taken for that of the next", async () => {
    const undone = vi.spyOn(nodeZlib(), "gunzip");
    const decoding = Promise.withResolvers<(error: Error | null, body: Buffer) => void>();
    undone.mockImplementation(((_: unknown, __: unknown, done: (error: Error | null, body: Buffer) => void) =>
      decoding.resolve(done)) as never);
    const asked = Promise.withResolvers<Socket>();
    let requests = 0;
    await using server = await answering((_, socket) => {
      if (++requests === 1)
        return `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 70000\r\n\r\n${"x".repeat(70_000)}`;
      asked.resolve(socket);
      return undefined;
    });
    const client = clientOf();
    const ended: [number, unknown, string | undefined][] = [];
    let whenEnded = (): void => undefined;
    const exchange = new Exchange(client.prepare(get(server.url)), {
      onDone: ({ status, body, failure }) => {
        ended.push([status, body, failure?.message]);
        whenEnded();
      },
    });
    client.dispatch(exchange);
    const finish = await decoding.promise;
    undone.mockRestore();
    client.cancel(exchange);
    client.dispatch(exchange);
    const socket = await asked.promise;
    finish(null, Buffer.from("first"));
    const last = new Promise<void>((resolve) => {
      whenEnded = resolve;
    });
    socket.write(ok("second"));
    if (ended.length < 2) await last;
    expect(ended.slice(1)).toEqual([[200, "second", undefined]]);
  });

  test("as many as are needed, no more than allowed, and kept", async () => {
    await using server = await answering(() => ok("x"));
    const many = (client: ReturnType<typeof clientOf>, count: number) =>
      Promise.all(Array.from({ length: count }, () => client.send(get(server.url))));
    const limited = clientOf({ maxConnectionsPerHost: 3 });
    const responses = await many(limited, 50);
    expect(responses.every(({ status }) => status === 200)).toBe(true);
    expect(server.accepted()).toBe(3);
    await many(clientOf(), 20);
    expect(server.accepted()).toBe(23);
    await many(limited, 10);
    expect(server.accepted()).toBe(23);
  });

  test.each<[string, HttpOptions, string]>([
    ["the server says close", {}, ok("", "Connection: close\r\n")],
    ["the server speaks HTTP/1.0", {}, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"],
    ["the body ends with the connection", {}, "until the end"],
    ["bytes follow the response", {}, `${ok("")}rest`],
    ["the client does not keep any", { keepAlive: false }, ok("")],
    ["one rested too long", { idleTimeoutMs: 0 }, ok("")],
  ])("are not used again where %s", async (_, options, reply) => {
    await using server = await answering((_request, socket) => {
      if (reply !== "until the end") return reply;
      socket.end("HTTP/1.1 200 OK\r\n\r\nabc");
      return undefined;
    });
    const client = clientOf(options);
    for (let i = 0; i < 3; i++) {
      const response = await client.send(get(server.url));
      expect(response.status).toBe(200);
      if (reply === "until the end") expect(response.body).toBe("abc");
    }
    expect(server.accepted()).toBe(3);
  });

  test("a client that keeps none says so", async () => {
    const requests: string[] = [];
    await using server = await answering((request) => {
      requests.push(request);
      return ok("");
    });
    await clientOf({ keepAlive: false }).send(get(server.url));
    expect(requests[0]).toContain("\r\nConnection: close\r\n");
  });

  test("a kept one that the server closed is replaced without a word, for what may be repeated", async () => {
    await using server = await rawServer((socket, turn) => {
      let requests = 0;
      socket.on("data", () => {
        // The first connection answers once and then ends when asked again, as a server that was about to close it.
        if (turn === 0 && ++requests === 2) socket.destroy();
        else socket.write(ok(`${turn}`));
      });
    });
    const client = clientOf();
    expect((await client.send(get(server.url))).body).toBe("0");
    const second = await client.send(get(server.url));
    expect(second).toMatchObject({ status: 200, body: "1" });
    expect(second.failure).toBeUndefined();
  });

  test("what may not be repeated is not", async () => {
    await using server = await rawServer((socket) => {
      let requests = 0;
      socket.on("data", () => (++requests === 2 ? socket.destroy() : socket.write(ok(""))));
    });
    const client = clientOf();
    await client.send(get(server.url));
    const post = await client.send({ method: "POST", url: server.url, body: "x" });
    expect(post.status).toBe(0);
    expect([1000, 1220]).toContain(post.failure?.code);
    expect(server.accepted()).toBe(1);
  });

  test("a new one that ends at once is a failure, not tried for ever", async () => {
    await using server = await rawServer((socket) => socket.destroy());
    const response = await clientOf().send(get(server.url));
    expect(response.status).toBe(0);
    expect(server.accepted()).toBe(1);
  });

  test("pipelining sends before the answers came, and keeps their order", async () => {
    const asked: string[] = [];
    await using server = await answering((request, socket) => {
      asked.push(/ (\S+) /.exec(request)?.[1] ?? "");
      if (asked.length === 4) for (const path of asked) socket.write(ok(path));
      return undefined;
    });
    const client = clientOf({ pipelining: 4, maxConnectionsPerHost: 1 });
    const bodies = await Promise.all(
      ["/a", "/b", "/c", "/d"].map(async (path) => (await client.send(get(server.url + path))).body),
    );
    expect(bodies).toEqual(["/a", "/b", "/c", "/d"]);
    expect(server.accepted()).toBe(1);
  });

  test("what was sent behind an answer that closes the connection is asked again on another", async () => {
    await using server = await answering((request, socket, turn) => {
      const path = / (\S+) /.exec(request)?.[1] ?? "";
      if (turn > 0) return ok(path);
      if (path === "/b") socket.write(ok("/a", "Connection: close\r\n"));
      return undefined;
    });
    const client = clientOf({ pipelining: 2, maxConnectionsPerHost: 1 });
    const answers = await Promise.all(["/a", "/b"].map((path) => client.send(get(server.url + path))));
    expect(answers.map(({ body, failure }) => [body, failure])).toEqual([
      ["/a", undefined],
      ["/b", undefined],
    ]);
  });

  test("closing the client ends what is under way", async () => {
    await using server = await answering(() => undefined);
    const client = clientOf({ maxConnectionsPerHost: 1 });
    const pending = [client.send(get(server.url)), client.send(get(server.url))];
    client.close();
    for (const response of await Promise.all(pending))
      expect(response).toMatchObject({ status: 0, failure: { code: 1000 } });
    expect((await client.send(get(server.url))).failure?.message).toBe("the client is closed");
  });

  test("closeIdle ends those at rest, and those in use after their exchange", async () => {
    let release = (): void => undefined;
    const { promise: asked, resolve: slowAsked } = Promise.withResolvers<void>();
    await using server = await answering((request, socket) => {
      if (!request.includes("/slow")) return ok("fast");
      release = () => socket.write(ok("slow"));
      slowAsked();
      return undefined;
    });
    const client = clientOf();
    await client.send(get(server.url));
    const slow = client.send(get(`${server.url}/slow`));
    await asked;
    client.closeIdle();
    release();
    expect((await slow).body).toBe("slow");
    await client.send(get(server.url));
    expect(server.accepted()).toBe(2);
    client.closeIdle();
    await client.send(get(server.url));
    expect(server.accepted()).toBe(3);
  });

  test("come from the local addresses in turn, one for each client", async () => {
    const from: (string | undefined)[] = [];
    await using server = await rawServer((socket) => {
      from.push(socket.remoteAddress);
      socket.on("data", () => socket.write(ok("")));
    });
    const engine = new HttpEngine({ localAddresses: ["127.0.0.2", "127.0.0.3"] });
    engines.push(engine);
    for (const client of [engine.client(), engine.client(), engine.client()]) await client.send(get(server.url));
    expect(from).toEqual(["127.0.0.2", "127.0.0.3", "127.0.0.2"]);
    const wrong = clientOf({ localAddresses: ["203.0.113.1"] });
    expect((await wrong.send(get(server.url))).failure).toMatchObject({ code: 1213 });
  });
});

describe("failures have k6's numbers", () => {
  test("a refused connection", async () => {
    const server = await answering(() => "");
    const { url } = server;
    await server[Symbol.asyncDispose]();
    const response = await clientOf().send(get(url));
    expect(response).toMatchObject({
      status: 0,
      failure: { code: 1212, message: "dial: connection refused" },
      timings: { duration: 0 },
    });
  });

  test("an unknown name, a resolver that fails, a name without a fitting address", async () => {
    const failing = (code: string) =>
      clientOf({ lookup: (_, done) => done(Object.assign(new Error(code), { code }), []) }).send(
        get("http://name.test/"),
      );
    expect((await failing("ENOTFOUND")).failure).toMatchObject({ code: 1101, message: "lookup: no such host" });
    expect((await failing("EAI_AGAIN")).failure?.code).toBe(1100);
    const only6 = clientOf({
      dns: { policy: "onlyIPv6" },
      lookup: (_, done) => done(null, [{ address: "127.0.0.1", family: 4 }]),
    });
    expect((await only6.send(get("http://name.test/"))).failure?.code).toBe(1101);
  });

  test("a timeout: before, within and after the head, and while waiting for a connection", async () => {
    let says = "";
    await using server = await rawServer((socket) => void (says === "" ? socket.resume() : socket.write(says)));
    const client = clientOf({ maxConnectionsPerHost: 1 });
    const head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
    for (const [said, status] of [
      ["", 0],
      [head.slice(0, 20), 0],
      [`${head}abc`, 200],
    ] as const) {
      says = said;
      let heard = 0;
      // A limit that is over before anything has come tells nothing of one that is over within the body: it is doubled then.
      for (let timeoutMs = 30; status === 0 ? timeoutMs === 30 : heard === 0; timeoutMs *= 2) {
        const response = await client.send(get(server.url, { timeoutMs }), () => (heard += 1));
        expect(response).toMatchObject({
          status: heard > 0 ? 200 : (expect.any(Number) as number),
          failure: { code: 1050, message: "request timeout" },
        });
        if (status === 0) expect(response.status).toBe(0);
        expect(response.timings.blocked + response.timings.duration).toBeGreaterThanOrEqual(timeoutMs);
      }
    }
    says = "";
    const both = await Promise.all([
      client.send(get(server.url, { timeoutMs: 60 })),
      client.send(get(server.url, { timeoutMs: 30 })),
    ]);
    expect(both.map(({ failure }) => failure?.code)).toEqual([1050, 1050]);
    expect(both[1].timings).toMatchObject({ duration: 0 });
    expect(both[1].timings.blocked).toBeGreaterThanOrEqual(30);
  });

  test("an abort ends the exchange and its connection", async () => {
    const abort = new AbortController();
    await using server = await answering(() => {
      abort.abort();
      return undefined;
    });
    const response = await clientOf().send(get(server.url, { signal: abort.signal }));
    expect(response.failure).toMatchObject({ code: 1000, message: "the request was cancelled" });
  });

  test.each<[string, string | undefined, number, RegExp, number]>([
    ["ends before any byte", "", 1000, /unexpected EOF/, 0],
    ["ends within the head", "HTTP/1.1 200 OK\r\nA:", 1000, /unexpected EOF/, 0],
    ["ends within the body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", 1000, /unexpected EOF/, 200],
    [
      "ends within a chunk",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc",
      1000,
      /unexpected EOF/,
      200,
    ],
    [
      "ends before the last chunk",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
      1000,
      /unexpected EOF/,
      200,
    ],
    ["is no HTTP", "220 smtp.test ESMTP\r\n", 1000, /malformed HTTP response/, 0],
    [
      "breaks a chunk",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      1000,
      /malformed HTTP response: malformed chunk size/,
      200,
    ],
    [
      "contradicts its length",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      1000,
      /Content-Length/,
      0,
    ],
    [
      "breaks the gzip",
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
      1701,
      /decompress/,
      200,
    ],
  ])("a response that %s", async (_, reply, code, message, status) => {
    await using server = await answering((_request, socket) => {
      socket.end(reply ?? "");
      return undefined;
    });
    const response = await clientOf().send(get(server.url));
    expect(response.failure).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(response.status).toBe(status);
  });

  test("a reset", async () => {
    await using server = await answering((_, socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", () => socket.resetAndDestroy());
      return undefined;
    });
    const response = await clientOf().send(get(server.url));
    expect(response.failure?.code).toBe(1220);
  });

  test("who takes a body may throw, abort, or close the client in the middle", async () => {
    await using server = await answering(() => ok("whole"));
    const client = clientOf();
    await expect(
      client.send(get(server.url), () => {
        throw new Error("mine");
      }),
    ).rejects.toThrow("mine");
    const abort = new AbortController();
    const aborted = await client.send(get(server.url, { signal: abort.signal }), () => abort.abort());
    expect(aborted).toMatchObject({ status: 200, failure: { message: "the request was cancelled" } });
    expect((await client.send(get(server.url))).body).toBe("whole");
    const closed = await client.send(get(server.url), () => client.close());
    expect(closed.failure).toBeDefined();
  });

  test("what the kernel does not take at once is queued, and arrives whole and in order", async () => {
    const count = 1500; // 24 MB: more than the buffers of both sides take
    const body = "x".repeat(16_000);
    let received = 0;
    let whole = true;
    const { promise: full, resolve: filled } = Promise.withResolvers<Socket>();
    await using server = await rawServer((socket) => {
      socket.once("data", (first: Buffer) => {
        received += first.length;
        // Nothing more is read until all was sent.
        socket.pause();
        filled(socket);
      });
    });
    const client = clientOf({ pipelining: count, maxConnectionsPerHost: 1 });
    const responses = Array.from({ length: count }, (_, i) =>
      client.send({ method: "POST", url: `${server.url}/${i}`, body, timeoutMs: 15_000 }),
    );
    const socket = await full;
    const { bytes } = client.prepare({ method: "POST", url: `${server.url}/${count - 1}`, body });
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      received += chunk.length;
      text = (text + chunk.toString("latin1")).slice(-bytes.length);
      whole &&= received <= count * bytes.length;
      if (text === bytes.toString("latin1")) socket.write(ok("").repeat(count));
    });
    socket.resume();
    const all = await Promise.all(responses);
    expect(all.every(({ status }) => status === 200)).toBe(true);
    expect(whole).toBe(true);
    // Of what was queued it is known only by its answer that it was sent: the wait for that is all sending.
    expect(all.at(-1)?.timings.waiting).toBe(0);
    expect(all.at(-1)?.timings.sending).toBeGreaterThan(0);
    expect(all[0]?.timings.waiting).toBeGreaterThan(0);
  });

  test("heads without end", async () => {
    await using server = await rawServer((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      const more = (): void => {
        if (!socket.destroyed) socket.write("A: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n".repeat(100), more);
      };
      socket.once("data", more);
    });
    const response = await clientOf().send(get(server.url));
    expect(response.failure).toMatchObject({
      code: 1000,
      message: expect.stringMatching(/header fields|head is longer/),
    });
  });

  test("a body beyond the limit where it is kept; counted where it is not", async () => {
    const size = 5_000_000;
    await using server = await answering((_, socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      socket.write(Buffer.alloc(size, 0x61));
      return undefined;
    });
    const client = clientOf({ maxBodyBytes: 1_000_000 });
    const kept = await client.send(get(server.url));
    expect(kept.failure).toMatchObject({ code: 1000, message: "the body exceeds 1000000 bytes" });
    const counted = await client.send(get(server.url, { responseBody: "none" }));
    expect(counted.failure).toBeUndefined();
    expect(counted.bytesReceived).toBeGreaterThan(size);
  });

  test("a small body that would become huge", async () => {
    const bomb = gzipSync(Buffer.alloc(20_000_000));
    await using server = await answering((_, socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`);
      socket.write(bomb);
      return undefined;
    });
    const client = clientOf({ maxBodyBytes: 1_000_000 });
    expect((await client.send(get(server.url))).failure).toMatchObject({
      code: 1701,
      message: expect.stringMatching(/exceeds the limit/),
    });
    let seen = 0;
    const streamed = await client.send(get(server.url), (chunk) => {
      seen += chunk.length;
    });
    expect(streamed.failure?.message).toMatch(/exceeds/);
    expect(seen).toBeLessThan(2_000_000);
  });

  test("blocked names and addresses are never connected to", async () => {
    await using server = await answering(() => ok(""));
    const names = clientOf({ blockedHostnames: ["*.bad.test", "127.0.0.1"] });
    expect((await names.send(get("http://very.bad.test/"))).failure?.code).toBe(1111);
    const addresses = clientOf({ blockedNetworks: ["127.0.0.0/8"] });
    expect((await addresses.send(get(server.url))).failure?.code).toBe(1110);
    expect(server.accepted()).toBe(0);
  });

  test("no file descriptors left: a failure with a code, and not the end of the client", async () => {
    await using server = await answering(() => ok(""));
    const script = fileURLToPath(new URL("../fixtures/few-descriptors.ts", import.meta.url));
    const command = `ulimit -n 64 && exec "$0" --conditions=mettle-source "$1" "$2"`;
    const { stdout } = await promisify(execFile)("sh", ["-c", command, process.execPath, script, server.url]);
    const { codes, after } = JSON.parse(stdout) as { codes: number[]; after: number };
    const count = (code: number): number => codes.filter((each) => each === code).length;
    expect(count(200) + count(1213)).toBe(100);
    expect(Math.min(count(200), count(1213))).toBeGreaterThan(0);
    expect(after).toBe(200);
  });
});

describe("a server that refuses", () => {
  test("is met with one attempt a request, at the rate allowed, and the event loop keeps turning", async () => {
    const server = await answering(() => "");
    const { url } = server;
    await server[Symbol.asyncDispose]();
    const client = clientOf({ connectsPerSecond: 1000, connectBurst: 10 });
    const startedAt = performance.now();
    let turns = 0;
    let turning = true;
    const turn = (): void => {
      turns++;
      if (turning) setImmediate(turn);
    };
    turn();
    const responses = await Promise.all(Array.from({ length: 200 }, () => client.send(get(url))));
    turning = false;
    expect(responses.every(({ failure }) => failure?.code === 1212)).toBe(true);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(185);
    expect(turns).toBeGreaterThan(50);
  });
});

test("agrees with Node's own server on bodies of every framing", async () => {
  let accepted = 0;
  const node = createServer((request, response) => {
    const body = "x".repeat(Number(request.url!.slice(2)));
    if (request.url!.startsWith("/c")) {
      for (let at = 0; at < body.length; at += 1000) response.write(body.slice(at, at + 1000));
      response.end();
    } else response.end(body);
  });
  node.on("connection", () => accepted++);
  await using server = await serving(node, "http", () => accepted);
  const client = clientOf();
  for (const size of [0, 1, 1000, 70_000, 300_000]) {
    for (const framing of ["c", "l"]) {
      const response = await client.send(get(`${server.url}/${framing}${size}`));
      expect(response).toMatchObject({ status: 200, body: "x".repeat(size) });
      const head = await client.send({ method: "HEAD", url: `${server.url}/${framing}${size}` });
      expect(head).toMatchObject({ status: 200, body: "" });
    }
  }
  expect(accepted).toBe(1);
});

test("a socket of the test's own server still works: the client leaves no trace on sockets at large", async () => {
  await using server = await answering(() => ok("x"));
  await clientOf().send(get(server.url));
  const socket = connect(server.port, "127.0.0.1");
  socket.write("GET / HTTP/1.1\r\n\r\n");
  const [reply] = (await once(socket, "data")) as [Buffer];
  expect(reply.toString()).toBe(ok("x"));
  socket.destroy();
});
