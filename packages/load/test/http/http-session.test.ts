import { createHash } from "node:crypto";
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { CookieJar } from "../../src/http/cookie-jar.ts";
import { digestAuthorization } from "../../src/http/digest-authentication.ts";
import type { HttpRequest } from "../../src/http/exchange.ts";
import { HttpEngine } from "../../src/http/http-client.ts";
import { exchangeAll } from "../../src/http/http-session.ts";
import { multipartBody } from "../../src/http/multipart.ts";
import { compressBody } from "../../src/http/request-compression.ts";
import { answering, ok } from "./servers.ts";

let engine: HttpEngine | undefined;
afterEach(() => engine?.close());
function client(): ReturnType<HttpEngine["client"]> {
  engine = new HttpEngine({ lookup: (_, done) => done(null, [{ address: "127.0.0.1", family: 4 }]) });
  return engine.client();
}
const get = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => ({ method: "GET", url, ...more });
const to = (status: number, location: string, headers = ""): string =>
  `HTTP/1.1 ${status} Moved\r\nLocation: ${location}\r\n${headers}Content-Length: 2\r\n\r\ngo`;
const headerOf = (request: string, name: string): string | undefined =>
  new RegExp(`\r\n${name}: ([^\r]*)\r\n`, "i").exec(request)?.[1];

describe("redirects", () => {
  test("are followed, each visible, with cookies set on the way", async () => {
    const cookies: (string | undefined)[] = [];
    await using server = await answering((request) => {
      cookies.push(headerOf(request, "cookie"));
      if (request.startsWith("GET /a ")) return to(302, "/b?x", "Set-Cookie: s=1\r\n");
      if (request.startsWith("GET /b?x ")) return to(301, "c", "Set-Cookie: t=2; Path=/c\r\n");
      return ok("end");
    });
    const jar = new CookieJar();
    const pieces: string[] = [];
    const outcome = await exchangeAll(client(), get(`${server.url}/a`), { jar, cookies: { own: "0" } }, (chunk) => {
      pieces.push(Buffer.from(chunk).toString());
    });
    expect(
      outcome.hops.map(({ request, response }) => [request.url.slice(server.url.length), response.status]),
    ).toEqual([
      ["/a", 302],
      ["/b?x", 301],
      ["/c", 200],
    ]);
    expect(outcome).toMatchObject({ url: `${server.url}/c`, redirectsExhausted: false, response: { body: "end" } });
    expect(cookies).toEqual(["own=0", "own=0; s=1", "own=0; t=2; s=1"]);
    expect(pieces).toEqual(["end"]);
  });

  test.each<[number, string, string, string]>([
    [301, "POST", "GET", ""],
    [302, "PUT", "GET", ""],
    [303, "POST", "GET", ""],
    [303, "HEAD", "HEAD", ""],
    [307, "POST", "POST", "body"],
    [308, "PUT", "PUT", "body"],
  ])("%i makes %s into %s", async (status, method, expected, body) => {
    let second = "";
    await using server = await answering((request) => {
      if (request.includes(" /a ")) return method === "HEAD" ? to(status, "/b").replace(/go$/, "") : to(status, "/b");
      second = request;
      return ok("");
    });
    const request = { method, url: `${server.url}/a`, headers: [["Content-Type", "x/y"]] as [string, string][] };
    // Without a body on the wire for HEAD, whose answer has none either.
    const outcome = await exchangeAll(client(), method === "HEAD" ? request : { ...request, body: "body" });
    expect(outcome.response.status).toBe(200);
    expect(second.startsWith(`${expected} /b `)).toBe(true);
    expect(outcome.hops[1]!.request.body ?? "").toBe(body);
    expect(headerOf(second, "content-type")).toBe(body === "" && method !== "HEAD" ? undefined : "x/y");
    expect(headerOf(second, "referer")).toBe(`${server.url}/a`);
  });

  test("do not carry secrets to another site", async () => {
    let second = "";
    await using server = await answering((request) => {
      if (request.includes("Host: one.test")) return to(302, `http://two.test:${server.port}/`);
      second = request;
      return ok("");
    });
    const headers: [string, string][] = [
      ["Authorization", "Bearer x"],
      ["X-A", "1"],
      ["Cookie", "a=b"],
    ];
    await exchangeAll(client(), get(`http://one.test:${server.port}/`, { headers }));
    expect([headerOf(second, "authorization"), headerOf(second, "cookie"), headerOf(second, "x-a")]).toEqual([
      undefined,
      undefined,
      "1",
    ]);
  });

  test("end at the limit, a loop too", async () => {
    await using server = await answering(() => to(302, "/again"));
    const outcome = await exchangeAll(client(), get(server.url));
    expect(outcome).toMatchObject({ redirectsExhausted: true, response: { status: 302, body: "go" } });
    expect(outcome.hops).toHaveLength(11);
    const none = await exchangeAll(client(), get(server.url), { maxRedirects: 0 });
    expect(none.hops).toHaveLength(1);
  });

  test("that lead nowhere are failures", async () => {
    for (const location of ["ftp://x.test/", "http://", "javascript:alert(1)"]) {
      await using server = await answering(() => to(302, location));
      const outcome = await exchangeAll(client(), get(server.url));
      expect(outcome.failure).toMatchObject({ code: 1000, message: expect.stringContaining(location) });
    }
  });

  test("share one limit of time", async () => {
    let hops = 0;
    await using server = await answering((_, socket) => {
      hops++;
      setTimeout(() => socket.write(to(302, "/again")), 15);
      return undefined;
    });
    const outcome = await exchangeAll(client(), get(server.url, { timeoutMs: 40 }), { maxRedirects: 1000 });
    expect(outcome.failure?.code).toBe(1050);
    expect(hops).toBeLessThan(5);
  });
});

describe("authentication", () => {
  // RFC 7616 3.9.1, both algorithms.
  const challenge = (algorithm: string): string =>
    `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`;
  test.each([
    ["MD5", "8ca523f5e9506fed4657c9700eebdbec"],
    ["SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"],
  ])("digest with %s answers as the standard's example", (algorithm, response) => {
    const header = digestAuthorization(
      [challenge(algorithm)],
      { username: "Mufasa", password: "Circle of Life" },
      "GET",
      "/dir/index.html",
      "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    );
    expect(header).toContain(`response="${response}"`);
    expect(header).toContain('opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"');
  });

  test("digest takes the strongest challenge, in one header or several, and refuses what it cannot answer", () => {
    const credentials = { username: 'a"b', password: "p" };
    const both = [`Basic realm="x, y", ${challenge("MD5")}`, challenge("SHA-256")];
    const header = digestAuthorization(both, credentials, "GET", "/");
    expect(header).toContain("algorithm=SHA-256");
    expect(header).toContain('username="a\\"b"');
    expect(digestAuthorization([both[0]!], credentials, "GET", "/")).toContain("algorithm=MD5");
    expect(digestAuthorization(['Basic realm="x"'], credentials, "GET", "/")).toBeUndefined();
    expect(
      digestAuthorization(['Digest realm="x", nonce="1", qop="auth-int"'], credentials, "GET", "/"),
    ).toBeUndefined();
    expect(
      digestAuthorization(['Digest realm="x", nonce="1", algorithm=ROT13'], credentials, "GET", "/"),
    ).toBeUndefined();
  });

  test("digest against a server that checks it: two exchanges, the first a 401", async () => {
    const md5 = (text: string): string => createHash("md5").update(text).digest("hex");
    await using server = await answering((request) => {
      const header = headerOf(request, "authorization");
      const part = (name: string): string => new RegExp(`\\b${name}="?([^",]*)`).exec(header ?? "")?.[1] ?? "";
      const expected = md5(`${md5("joe:r:secret")}:n1:${part("nc")}:${part("cnonce")}:auth:${md5("POST:/x?y")}`);
      if (header?.startsWith("Digest ") === true && part("response") === expected && part("uri") === "/x?y")
        return ok("in");
      return 'HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm="r", nonce="n1", qop="auth"\r\nContent-Length: 0\r\n\r\n';
    });
    const auth = { scheme: "digest", username: "joe", password: "secret" } as const;
    const request = { method: "POST", url: `http://x:y@127.0.0.1:${server.port}/x?y` };
    const right = await exchangeAll(client(), request, { auth });
    expect(right.hops.map(({ response }) => response.status)).toEqual([401, 200]);
    const wrong = await exchangeAll(client(), request, { auth: { ...auth, password: "x" } });
    expect(wrong.hops.map(({ response }) => response.status)).toEqual([401, 401]);
  });

  test("basic, from options instead of the URL", async () => {
    await using server = await answering((request) => ok(headerOf(request, "authorization") ?? ""));
    const auth = { scheme: "basic", username: "jö", password: "a:b" } as const;
    const { response } = await exchangeAll(client(), get(server.url.replace("//", "//u:p@")), { auth });
    expect(response.body).toBe(`Basic ${Buffer.from("jö:a:b").toString("base64")}`);
  });
});

test("a form is one that the platform's own parser reads", async () => {
  const { body, contentType } = multipartBody([
    { name: "text", value: "ä\r\n--x" },
    { name: 'na"me', value: Buffer.from([0, 1, 255]), filename: 'f"\n.bin' },
    { name: "json", value: "{}", contentType: "application/json", filename: "a.json" },
  ]);
  const form = await new Response(Buffer.from(body), { headers: { "content-type": contentType } }).formData();
  expect(form.get("text")).toBe("ä\r\n--x");
  const file = form.get('na"me') as File;
  expect([...new Uint8Array(await file.arrayBuffer())]).toEqual([0, 1, 255]);
  expect([file.name, file.type]).toEqual(['f"\n.bin', "application/octet-stream"]);
  expect((form.get("json") as File).type).toBe("application/json");
});

test("request bodies are compressed in the order named", () => {
  const undo = { gzip: gunzipSync, deflate: inflateSync, br: brotliDecompressSync, zstd: zstdDecompressSync };
  for (const coding of ["gzip", "deflate", "br", "zstd"] as const) {
    const { body, contentEncoding } = compressBody("hello", [coding]);
    expect([undo[coding](body).toString(), contentEncoding]).toEqual(["hello", coding]);
  }
  const both = compressBody("hello", ["gzip", "br"]);
  expect(both.contentEncoding).toBe("gzip, br");
  expect(gunzipSync(brotliDecompressSync(both.body)).toString()).toBe("hello");
});
