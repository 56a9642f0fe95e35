import { once } from "node:events";
import { createSecureServer as createHttp2Server, type Http2SecureServer, type ServerHttp2Stream } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { connect, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import type { HttpRequest, HttpResponse } from "../../src/http/exchange.ts";
import { HttpEngine } from "../../src/http/http-client.ts";
import { type HttpOptions, proxyFromEnvironment } from "../../src/http/http-options.ts";
import { Proxies } from "../../src/http/proxies.ts";
import { targetOf, type Target } from "../../src/http/prepared-request.ts";
import { answering, ok, rawServer, testCertificate, serving, type TestServer } from "./servers.ts";

const certificate = testCertificate();

const engines: HttpEngine[] = [];
function clientOf(options: HttpOptions = {}): ReturnType<HttpEngine["client"]> {
  const engine = new HttpEngine({ tls: { authorities: [certificate.cert] }, ...options });
  engines.push(engine);
  return engine.client();
}
afterEach(() => {
  for (const engine of engines.splice(0)) engine.close();
});
const get = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => ({ method: "GET", url, ...more });

/** Connections are counted where TCP is, below TLS. */
async function secureServer(server: Server): Promise<TestServer> {
  let accepted = 0;
  server.on("connection", () => accepted++);
  return serving(server, "https", () => accepted);
}

describe("TLS", () => {
  const https = (options: object = {}): Promise<TestServer> =>
    secureServer(
      createHttpsServer({ ...certificate, ...options }, (request, response) => {
        const { authorized } = request.socket as unknown as { authorized: boolean };
        response.end(`${request.url} ${authorized}`);
      }),
    );

  test("requests, kept connections, and what was agreed upon", async () => {
    await using server = await https();
    const client = clientOf();
    const [first, second] = [await client.send(get(`${server.url}/a`)), await client.send(get(`${server.url}/b`))];
    expect(first).toMatchObject({ status: 200, body: "/a false", protocol: "HTTP/1.1", tls: { version: "TLSv1.3" } });
    expect(first.timings.tlsHandshaking).toBeGreaterThan(0);
    expect(first.timings.blocked).toBeGreaterThanOrEqual(first.timings.connecting + first.timings.tlsHandshaking);
    expect(second.timings).toMatchObject({ blocked: 0, tlsHandshaking: 0 });
    expect(server.accepted()).toBe(1);
    // Known to choose HTTP/1.1, the next is read without allocating; the answer must be the same.
    const many = await Promise.all(Array.from({ length: 5 }, () => client.send(get(`${server.url}/c`))));
    expect(many.map(({ body }) => body)).toEqual(Array.from({ length: 5 }, () => "/c false"));
  });

  test("a certificate that nobody vouches for, or for another name, is a failure unless it is not asked for", async () => {
    await using server = await https();
    expect((await clientOf({ tls: {} }).send(get(server.url))).failure).toMatchObject({
      code: 1310,
      message: "x509: unknown authority",
    });
    expect((await clientOf({ tls: { insecureSkipVerify: true } }).send(get(server.url))).status).toBe(200);
    const hosts = { "wrong.test": `127.0.0.1:${server.port}`, "*.example.test": `127.0.0.1:${server.port}` };
    const overriding = clientOf({ hosts });
    expect((await overriding.send(get("https://wrong.test/"))).failure).toMatchObject({ code: 1311 });
    expect((await overriding.send(get("https://a.example.test/x"))).body).toBe("/x false");
    const named = clientOf({ hosts, tls: { authorities: [certificate.cert], serverName: "a.example.test" } });
    expect((await named.send(get("https://wrong.test/"))).status).toBe(200);
  });

  test("client certificates are shown to the hosts they are for", async () => {
    await using server = await https({ requestCert: true, rejectUnauthorized: false, ca: certificate.cert });
    const clientCertificates = [{ certificate: certificate.cert, key: certificate.key, domains: ["localhost"] }];
    const client = clientOf({ tls: { authorities: [certificate.cert], clientCertificates } });
    expect((await client.send(get(`https://localhost:${server.port}/`))).body).toBe("/ true");
    expect((await client.send(get(server.url))).body).toBe("/ false");
  });

  test("versions and ciphers are kept to", async () => {
    await using server = await https({ maxVersion: "TLSv1.2" });
    const tls = { authorities: [certificate.cert] };
    expect((await clientOf({ tls: { ...tls, minVersion: "TLSv1.3" } }).send(get(server.url))).failure?.code).toBe(1300);
    const chosen = await clientOf({
      tls: { ...tls, maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" },
    }).send(get(server.url));
    expect(chosen.tls).toEqual({ version: "TLSv1.2", cipher: "ECDHE-ECDSA-AES128-GCM-SHA256" });
  });

  test.each([
    ["ciphers", { ciphers: "NONE" }],
    ["authorities", { clientCertificates: [{ certificate: "x", key: "y" }] }],
  ])("wrong %s are told at once", (_, tls) => {
    expect(() => clientOf({ tls })).toThrowError(expect.objectContaining({ code: "LOAD_HTTP_OPTIONS_INVALID" }));
  });

  test("a server that does not speak it, that ends, that says nothing", async () => {
    await using plain = await rawServer((socket) =>
      socket.on("data", () => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n")),
    );
    expect((await clientOf().send(get(plain.url.replace("http", "https")))).failure?.code).toBe(1300);
    await using ending = await rawServer((socket) => socket.once("data", () => socket.end()));
    const ended = await clientOf().send(get(ending.url.replace("http", "https")));
    expect(ended.status).toBe(0);
    expect([1000, 1220]).toContain(ended.failure?.code);
    await using silent = await rawServer((socket) => socket.resume());
    const url = silent.url.replace("http", "https");
    expect((await clientOf().send(get(url, { timeoutMs: 30 }))).failure?.code).toBe(1050);
    let failure: HttpResponse["failure"];
    // A limit that is over before the connection is there is one of dialling: it is doubled then.
    for (let dialTimeoutMs = 30; failure === undefined || failure.code === 1211; dialTimeoutMs *= 2) {
      ({ failure } = await clientOf({ dialTimeoutMs }).send(get(url)));
      expect(failure).toBeDefined();
    }
    expect(failure).toMatchObject({ code: 1300, message: "tls: handshake timeout" });
  });

  test("a response cut off within", async () => {
    const tls = createTlsServer(certificate, (socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"));
    });
    await using server = await secureServer(tls);
    expect(await clientOf().send(get(server.url))).toMatchObject({
      status: 200,
      failure: { message: "unexpected EOF" },
    });
  });
});

describe("HTTP/2", () => {
  type OnStream = (stream: ServerHttp2Stream, headers: Record<string, unknown>) => void;
  async function http2Server(onStream: OnStream): Promise<TestServer & { http2: Http2SecureServer }> {
    const http2 = createHttp2Server({ ...certificate, allowHTTP1: true });
    http2.on("stream", (stream, headers) => {
      stream.on("error", () => undefined);
      onStream(stream, headers);
    });
    http2.on("session", (session) => session.on("error", () => undefined));
    const server = await secureServer(http2);
    return Object.assign(server, { http2 });
  }

  test("is chosen where the server offers it, and one connection carries all", async () => {
    await using server = await http2Server((stream, headers) => {
      let body = "";
      stream.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      stream.on("end", () => {
        stream.respond({ ":status": 200, "x-a": "1", "set-cookie": ["a=1", "b=2"] });
        stream.end(`${String(headers[":method"])} ${String(headers[":path"])} ${String(headers["x-b"])} ${body}`);
      });
    });
    const client = clientOf();
    const responses = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        client.send({
          method: "POST",
          url: `${server.url}/${i}`,
          body: `b${i}`,
          headers: [
            ["X-B", "2"],
            ["Connection", "x"],
          ],
        }),
      ),
    );
    expect(responses.map(({ body }) => body)).toEqual(Array.from({ length: 20 }, (_, i) => `POST /${i} 2 b${i}`));
    expect(responses[0]).toMatchObject({
      status: 200,
      protocol: "HTTP/2.0",
      tls: { version: "TLSv1.3" },
      remotePort: server.port,
    });
    expect(responses[0]?.headers).toEqual(
      expect.arrayContaining([
        ["x-a", "1"],
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ]),
    );
    for (const { timings } of responses) {
      expect(timings.duration).toBeCloseTo(timings.sending + timings.waiting + timings.receiving, 9);
    }
    await client.send(get(server.url));
    // Twenty at once, before anybody knew: one dial was tried first, and served them all.
    expect(server.accepted()).toBe(1);
    expect((await clientOf({ http2: false }).send(get(`${server.url}/`, { timeoutMs: 200 }))).protocol).not.toBe(
      "HTTP/2.0",
    );
  });

  test("streams, undoes codings, and counts what nobody wants", async () => {
    let next = (): void => undefined;
    await using server = await http2Server((stream, headers) => {
      if (headers[":path"] === "/gzip") {
        stream.respond({ ":status": 200, "content-encoding": "gzip" });
        stream.end(gzipSync("zipped"));
        return;
      }
      stream.respond({ ":status": 200 });
      stream.write("a");
      next = () => stream.end("b");
    });
    const client = clientOf();
    const pieces: string[] = [];
    const streamed = await client.send(get(server.url), (chunk) => {
      pieces.push(Buffer.from(chunk).toString());
      if (pieces.length === 1) next();
    });
    expect([pieces, streamed.body]).toEqual([["a", "b"], "ab"]);
    expect((await client.send(get(`${server.url}/gzip`))).body).toBe("zipped");
    const counted = await client.send(get(`${server.url}/gzip`, { responseBody: "none" }));
    expect(counted.body).toBeUndefined();
    expect(counted.bytesReceived).toBeGreaterThan(gzipSync("zipped").length);
  });

  test("failures: a stream reset, a session ended, a timeout, a body too long", async () => {
    const seen: string[] = [];
    await using server = await http2Server((stream, headers) => {
      const path = String(headers[":path"]);
      seen.push(path);
      if (path === "/reset") stream.close(2);
      else if (path === "/goaway") stream.session!.goaway(11);
      else if (path === "/gone") stream.session!.destroy();
      else if (path === "/large") {
        stream.respond({ ":status": 200 });
        stream.end("x".repeat(100_000));
      } else if (path === "/fine") {
        stream.respond({ ":status": 200 });
        stream.end("fine");
      }
    });
    const client = clientOf({ maxBodyBytes: 1000 });
    const fine = async (): Promise<void> => expect((await client.send(get(`${server.url}/fine`))).body).toBe("fine");
    await fine();
    // INTERNAL_ERROR is 2: one above the base of 1630, plus the code.
    expect((await client.send({ method: "POST", url: `${server.url}/reset` })).failure?.code).toBe(1633);
    await fine();
    expect((await client.send(get(`${server.url}/wait`, { timeoutMs: 30 }))).failure?.code).toBe(1050);
    await fine();
    expect((await client.send(get(`${server.url}/large`))).failure?.message).toMatch(/exceeds 1000 bytes/);
    await fine();
    const gone = await client.send({ method: "POST", url: `${server.url}/gone` });
    expect(gone).toMatchObject({ status: 0 });
    expect(gone.failure).toBeDefined();
    await fine();
    const goaway = await client.send({ method: "POST", url: `${server.url}/goaway` });
    // ENHANCE_YOUR_CALM is 11.
    expect(goaway.failure?.code).toBe(1622);
    await fine();
  });

  test("an answer that the connection's end cuts off has failed, whoever ended it", async () => {
    let close = (): void => undefined;
    await using server = await http2Server((stream, headers) => {
      stream.respond({ ":status": 200 });
      stream.write("part", () => {
        if (headers[":path"] === "/server") stream.session!.destroy();
      });
    });
    for (const path of ["/server", "/client"]) {
      const client = clientOf();
      close = () => client.close();
      const answer = await client.send(get(server.url + path), () => {
        if (path === "/client") close();
      });
      expect(answer).toMatchObject({ status: 200, failure: { code: 1000, message: "unexpected EOF" } });
    }
  });

  test("closing the client ends what a connection that takes no more still carries", async () => {
    await using server = await http2Server((stream, headers) => {
      stream.respond({ ":status": 200 });
      if (headers[":path"] === "/fine") stream.end("fine");
      // A server about to restart: what it was asked before it will answer, only when?
      else stream.session!.goaway(0);
    });
    const client = clientOf();
    const waiting = client.send(get(`${server.url}/wait`));
    while (server.accepted() < 2) await client.send(get(`${server.url}/fine`));
    client.close();
    const ended = await Promise.race([waiting, once(server.http2, "late", { signal: AbortSignal.timeout(1000) })]);
    expect(ended).toMatchObject({ failure: { message: "unexpected EOF" } });
  });
});

describe("proxies", () => {
  /** A proxy of both kinds, written for the test alone. */
  async function proxy(log: string[], refuse = false): Promise<TestServer> {
    return answering((request, socket) => {
      const [line = ""] = request.split("\r\n");
      log.push(`${line} | ${/proxy-authorization: (.*)\r/i.exec(request)?.[1] ?? "-"}`);
      if (!line.startsWith("CONNECT")) return ok(`via proxy ${line.split(" ")[1]}`);
      if (refuse) return "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n";
      socket.removeAllListeners("data");
      const upstream: Socket = connect(Number(line.split(/[ :]/)[2]), "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        socket.pipe(upstream).pipe(socket);
      });
      upstream.on("error", () => socket.destroy());
      socket.on("close", () => upstream.destroy());
      return undefined;
    });
  }

  test("http goes through by its whole URL, and the connection is kept", async () => {
    const log: string[] = [];
    await using server = await proxy(log);
    const client = clientOf({ proxy: { http: server.url.replace("//", "//u:p@") } });
    expect((await client.send(get("http://far.test/a?b"))).body).toBe("via proxy http://far.test/a?b");
    await client.send(get("http://far.test:81/c"));
    await client.send(get("http://far.test:81/d"));
    const credentials = `Basic ${Buffer.from("u:p").toString("base64")}`;
    expect(log).toEqual(
      ["/a?b", ":81/c", ":81/d"].map((path) => `GET http://far.test${path} HTTP/1.1 | ${credentials}`),
    );
    expect(server.accepted()).toBe(2);
  });

  test("https goes through a tunnel, with HTTP/2 within", async () => {
    const log: string[] = [];
    await using server = await proxy(log);
    await using origin = await secureServer(
      createHttpsServer(certificate, (request, response) => response.end(request.url)),
    );
    const client = clientOf({ proxy: { https: server.url } });
    const url = `https://a.example.test:${origin.port}`;
    const response = await client.send(get(`${url}/x`));
    expect(response).toMatchObject({ body: "/x", tls: { version: "TLSv1.3" } });
    expect((await client.send(get(`${url}/y`))).body).toBe("/y");
    expect(log).toEqual([`CONNECT a.example.test:${origin.port} HTTP/1.1 | -`]);

    const http2 = createHttp2Server(certificate);
    http2.on("stream", (stream) => {
      stream.respond({ ":status": 200 });
      stream.end("two");
    });
    await using second = await secureServer(http2);
    const over2 = await client.send(get(`https://b.example.test:${second.port}/`));
    expect(over2).toMatchObject({ protocol: "HTTP/2.0", body: "two" });
  });

  test("a proxy that refuses, or is none, is a failure", async () => {
    await using refusing = await proxy([], true);
    const refused = await clientOf({ proxy: { https: refusing.url } }).send(get("https://far.test/"));
    expect(refused.failure).toMatchObject({ code: 1000, message: "the proxy answered CONNECT with 407" });
    await using odd = await answering(() => "what?\r\n\r\n");
    const malformed = await clientOf({ proxy: { https: odd.url } }).send(get("https://far.test/"));
    expect(malformed.failure?.message).toMatch(/malformed answer of the proxy/);
    expect(() => clientOf({ proxy: { http: "socks5://u:secret@x" } })).toThrowError(
      /^(?!.*secret).*no http:\/\/ or https:\/\/ URL/,
    );
  });

  test.each<[string, string, boolean]>([
    ["http://far.test/", "", true],
    ["http://far.test/", "*", false],
    ["http://far.test/", "near.test, far.test", false],
    ["http://sub.far.test/", "far.test", false],
    ["http://sub.far.test/", ".far.test", false],
    ["http://notfar.test/", "far.test", true],
    ["http://far.test:81/", "far.test:80", true],
    ["http://far.test:81/", "far.test:81", false],
    ["http://10.1.2.3/", "10.0.0.0/8", false],
    ["http://11.1.2.3/", "10.0.0.0/8", true],
    ["http://[fd00::1]/", "fd00::/8", false],
    ["http://localhost/", "", false],
    ["http://127.0.0.1/", "", false],
  ])("%s with NO_PROXY=%j goes through: %s", (url, no, through) => {
    const proxies = new Proxies({ http: "proxy.test:3128", no });
    const { origin } = targetOf(url) as Target;
    expect(proxies.proxyFor(origin) !== undefined).toBe(through);
  });

  test("the environment is read as curl reads it", () => {
    expect(proxyFromEnvironment({ HTTP_PROXY: "a", http_proxy: "b", HTTPS_PROXY: "c", NO_PROXY: "d" })).toEqual({
      http: "b",
      https: "c",
      no: "d",
    });
    expect(proxyFromEnvironment({ HTTP_PROXY: "a", REQUEST_METHOD: "GET" })).toEqual({ http: "", https: "", no: "" });
  });
});
