import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { HttpClient } from "../../src/http/exchange.ts";
import { HttpEngine } from "../../src/http/http-client.ts";
import { answering, ok, rawServer } from "../http/servers.ts";
import { Bench } from "./harness.ts";
import { NodeClient } from "./node-client.ts";
import { startServer, type TestServer } from "./server.ts";

let server: TestServer;
let bench: Bench;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

/** Runs the body of a default function; what it gives to `console.log` comes back. */
async function run(body: string, options: Parameters<Bench["run"]>[1] = {}): Promise<string[]> {
  const source = `import http from "k6/http"; import { check, group, sleep, fail } from "k6";
    const URL_ = __ENV.URL;
    export default function () { ${body} }`;
  const { logs, errors } = await bench.run(source, { environment: { URL: server.url }, ...options });
  expect(errors).toEqual([]);
  return logs.filter((line) => line.startsWith("info ")).map((line) => line.slice(5));
}

// The engine's own client is driven by callbacks, any other by promises; scripts must not tell them apart.
describe.each<[string, () => HttpClient]>([
  ["over the engine's client", () => new HttpEngine().client()],
  ["over any other client", () => new NodeClient()],
])("%s", (_, client) => {
  beforeEach(() => {
    bench = new Bench(client());
  });
  afterEach(() => bench.close());

  describe("responses", () => {
    test("have k6's fields", async () => {
      const [line = ""] = await run(`const r = http.get(URL_ + "/json"); console.log(JSON.stringify({
      status: r.status, text: r.status_text, proto: r.proto, type: r.headers["Content-Type"], code: r.error_code, error: r.error,
      ip: r.remote_ip, url: r.url === URL_ + "/json", method: r.request.method, body: typeof r.body, duration: r.timings.duration > 0,
      deep: r.json("a.b.2.c"), count: r.json("list.#"), ids: r.json("list.#.id"), dot: r.json("dot\\\\.key"), none: r.json("nothing.here") === undefined }));`);
      expect(JSON.parse(line)).toEqual({
        status: 200,
        text: "200 OK",
        proto: "HTTP/1.1",
        type: "application/json",
        code: 0,
        error: "",
        ip: "127.0.0.1",
        url: true,
        method: "GET",
        body: "string",
        duration: true,
        deep: "deep",
        count: 2,
        ids: [1, 2],
        dot: true,
        none: true,
      });
    });

    test("of status 0 carry the failure's code and its tags", async () => {
      const lines = await run(`for (const url of ["http://127.0.0.1:1/", URL_ + "/reset", "not a url"]) {
      const r = http.get(url); console.log(r.status, r.error_code, r.body === null, r.error !== ""); }`);
      expect(lines).toEqual(["0 1212 true true", "0 1000 true true", "0 1020 true true"]);
      expect(bench.recorder.tags("http_reqs", "error_code")).toEqual(["1212", "1000", "1020"]);
      expect(bench.recorder.tags("http_reqs", "status")).toEqual(["0", "0", "0"]);
      expect(bench.recorder.values("http_req_failed")).toEqual([1, 1, 1]);
      expect(bench.logs.filter((line) => line.startsWith("warning Request Failed"))).toHaveLength(3);
    });

    test("that time out say so", async () => {
      const lines = await run(
        `const r = http.get(URL_ + "/slow", { timeout: "30ms" }); console.log(r.status, r.error_code);`,
      );
      expect(lines).toEqual(["0 1050"]);
    });

    test("of 4xx and 5xx have error codes from 1400 on and no error", async () => {
      expect(
        await run(`const r = http.get(URL_ + "/status/503"); console.log(r.status, r.error_code, r.error === "");`),
      ).toEqual(["503 1503 true"]);
    });

    test("throw where asked for", async () => {
      const source = `import http from "k6/http"; export const options = { throw: true }; export default function () { http.get("http://127.0.0.1:1/"); }`;
      const { errors } = await bench.run(source);
      expect(String(errors[0])).toMatch(/GET http:\/\/127\.0\.0\.1:1\/: .*(?:ECONNREFUSED|connection refused)/);
    });
  });

  describe("requests", () => {
    test("send bodies as text, form, multipart and bytes", async () => {
      const lines = await run(`
      const echo = (body, params) => http.post(URL_ + "/echo", body, params).json();
      const show = (r) => console.log(r.headers["content-type"], r.body);
      show(echo("plain"));
      show(echo({ b: "2 x", a: 1, list: ["p", "q"] }));
      show(echo(JSON.stringify({ x: 1 }), { headers: { "Content-Type": "application/json" } }));
      show(echo(new Uint8Array([65, 66]).buffer));
      const file = echo({ field: "v", file: http.file("data", "name.txt", "text/plain") });
      console.log(file.headers["content-type"].startsWith("multipart/form-data; boundary="), file.body.includes('name="file"; filename="name.txt"\\r\\nContent-Type: text/plain\\r\\n\\r\\ndata'));
      console.log(http.put(URL_ + "/echo", "x").json("method"), http.patch(URL_ + "/echo", "x").json("method"), http.del(URL_ + "/echo").json("method"), http.request("propfind", URL_ + "/echo").json("method"), http.head(URL_ + "/echo").status, http.options(URL_ + "/echo").status);
    `);
      expect(lines).toEqual([
        "undefined plain",
        "application/x-www-form-urlencoded a=1&b=2+x&list=p&list=q",
        'application/json {"x":1}',
        "undefined AB",
        "true true",
        "PUT PATCH DELETE PROPFIND 200 200",
      ]);
    });

    test("carry user and password, digest, user agent and compressed bodies", async () => {
      const [basic, digest, agent, encoding] = await run(`
      console.log(http.get(URL_.replace("//", "//me:secret@") + "/echo").json("headers.authorization"));
      console.log(http.get(URL_.replace("//", "//me:secret@") + "/digest", { auth: "digest" }).status);
      console.log(http.get(URL_ + "/echo").json("headers.user-agent"));
      console.log(http.post(URL_ + "/echo", "aaaa", { compression: "gzip" }).json("headers.content-encoding"));`);
      expect(basic).toBe(`Basic ${Buffer.from("me:secret").toString("base64")}`);
      expect([digest, agent, encoding]).toEqual(["200", "mettle", "gzip"]);
      expect(bench.recorder.tags("http_reqs", "url")[0]).toBe(server.url.replace("//", "//****:****@") + "/echo");
    });

    test("in a batch keep their keys and order", async () => {
      const lines = await run(`
      const list = http.batch([URL_ + "/echo?n=1", ["POST", URL_ + "/echo", "body"], { method: "PUT", url: URL_ + "/echo", body: "b", params: { headers: { X: "y" } } }]);
      console.log(list.map((r) => r.json("method")).join());
      const named = http.batch({ a: URL_ + "/status/201", b: ["GET", URL_ + "/status/404"] });
      console.log(named.a.status, named.b.status, named["a"].json === undefined);`);
      expect(lines).toEqual(["GET,POST,PUT", "201 404 false"]);
    });

    test("made by asyncRequest may overlap, and the iteration waits for them", async () => {
      const source = `import http from "k6/http";
      export default async function () {
        const [a, b] = await Promise.all([http.asyncRequest("GET", __ENV.URL + "/status/200"), http.asyncRequest("GET", __ENV.URL + "/status/201")]);
        http.asyncRequest("GET", __ENV.URL + "/status/202").then((r) => { const s = http.get(__ENV.URL + "/status/203").status; console.log(a.status, b.status, r.status, s); });
      }`;
      const { logs, errors } = await bench.run(source, { environment: { URL: server.url } });
      expect(errors).toEqual([]);
      expect(logs).toEqual(["info 200 201 202 203"]);
    });
  });

  describe("redirects", () => {
    test("are followed with a sample each, POST becoming GET", async () => {
      const lines = await run(
        `const r = http.post(URL_ + "/redirect/2", "body"); console.log(r.status, r.url === URL_ + "/echo", r.json("method"), r.json("body") === "");`,
      );
      expect(lines).toEqual(["200 true GET true"]);
      expect(bench.recorder.tags("http_req_duration", "status")).toEqual(["302", "302", "200"]);
      expect(bench.recorder.tags("http_req_duration", "method")).toEqual(["POST", "GET", "GET"]);
    });

    test("with 307 keep method and body", async () => {
      expect(
        await run(
          `const r = http.post(URL_ + "/redirect/1?code=307", "body"); console.log(r.json("method"), r.json("body"));`,
        ),
      ).toEqual(["POST body"]);
    });

    test("stop where the limit is", async () => {
      const lines = await run(
        `console.log(http.get(URL_ + "/redirect/1", { redirects: 0 }).status, http.get(URL_ + "/loop", { redirects: 3 }).status);`,
      );
      expect(lines).toEqual(["302 302"]);
      expect(bench.recorder.of("http_reqs")).toHaveLength(1 + 4);
    });
  });

  describe("cookies", () => {
    test("are kept within an iteration and forgotten after it", async () => {
      const source = `import http from "k6/http"; export default function () {
      const before = http.get(__ENV.URL + "/echo").json("headers.cookie");
      http.get(__ENV.URL + "/set-cookie/seen");
      console.log(before === undefined, http.get(__ENV.URL + "/echo").json("headers.cookie"), JSON.stringify(http.cookieJar().cookiesForURL(__ENV.URL + "/elsewhere/x"))); }`;
      const { logs } = await bench.run(source, { environment: { URL: server.url }, iterations: 2 });
      expect(logs).toEqual(Array(2).fill('info true seen=1 {"other":["2"],"seen":["1"]}'));
    });

    test("stay where noCookiesReset says so", async () => {
      const source = `import http from "k6/http"; export const options = { noCookiesReset: true }; export default function () {
      console.log(http.get(__ENV.URL + "/echo").json("headers.cookie")); http.get(__ENV.URL + "/set-cookie/seen"); }`;
      const { logs } = await bench.run(source, { environment: { URL: server.url }, iterations: 2 });
      expect(logs).toEqual(["info undefined", "info seen=1"]);
    });

    test("are set by parameters, by jars of one's own, and read from responses", async () => {
      const lines = await run(`
      http.cookieJar().set(URL_, "mine", "1");
      console.log(http.get(URL_ + "/echo", { cookies: { extra: "2", mine: { value: "3", replace: true } } }).json("headers.cookie"));
      const jar = new http.CookieJar(); jar.set(URL_, "own", "x");
      console.log(http.get(URL_ + "/echo", { jar }).json("headers.cookie"));
      const { seen } = http.get(URL_ + "/set-cookie/seen").cookies; console.log(seen[0].value, seen[0].path, seen.length);
      http.cookieJar().delete(URL_, "mine"); http.cookieJar().clear(URL_); console.log(http.get(URL_ + "/echo").json("headers.cookie"));`);
      expect(lines).toEqual(["extra=2; mine=3", "own=x", "1 / 1", "undefined"]);
    });
  });

  describe("samples", () => {
    test("carry k6's tags, the group and those of the call", async () => {
      await run(
        `group("outer", () => { group("inner", () => { http.get(URL_ + "/json", { tags: { mine: "1" } }); }); }); http.get(http.url\`\${URL_}/status/\${204}\`);`,
        { tags: { run: "r" } },
      );
      const [first, second] = bench.recorder.of("http_req_duration");
      expect(first?.tags).toEqual({
        run: "r",
        scenario: "default",
        group: "::outer::inner",
        proto: "HTTP/1.1",
        status: "200",
        method: "GET",
        url: `${server.url}/json`,
        name: `${server.url}/json`,
        expected_response: "true",
        mine: "1",
      });
      expect(second?.tags).toMatchObject({ name: "${}/status/${}", url: "${}/status/${}", group: "" });
      expect(bench.recorder.tags("group_duration", "group")).toEqual(["::outer::inner", "::outer"]);
      for (const name of ["blocked", "connecting", "tls_handshaking", "sending", "waiting", "receiving"])
        expect(bench.recorder.of(`http_req_${name}`)).toHaveLength(2);
      expect(bench.recorder.of("data_sent")).toHaveLength(2);
    });

    test("hold only the system tags that were asked for", async () => {
      const source = `import http from "k6/http"; export const options = { systemTags: ["status", "method"] }; export default function () { http.get(__ENV.URL + "/status/404"); }`;
      await bench.run(source, { environment: { URL: server.url } });
      expect(bench.recorder.of("http_reqs")[0]?.tags).toEqual({ status: "404", method: "GET" });
    });

    test("tell users, iterations and addresses apart where those are asked for", async () => {
      const source = `import http from "k6/http"; import { group } from "k6";
      export const options = { systemTags: ["status", "group", "vu", "iter", "ip"] };
      export default function () { group("g", () => { http.get(__ENV.URL + "/json"); }); http.get(__ENV.URL + "/json"); }`;
      await bench.run(source, { environment: { URL: server.url }, users: 2, iterations: 2 });
      const of = (vu: string, iter: string): object[] => [
        { status: "200", group: "::g", vu, iter, ip: "127.0.0.1" },
        { status: "200", group: "", vu, iter, ip: "127.0.0.1" },
      ];
      const wanted = [...of("1", "0"), ...of("1", "1"), ...of("2", "0"), ...of("2", "1")];
      expect(bench.recorder.of("http_reqs").map(({ tags }) => tags)).toEqual(wanted);
      expect(bench.recorder.of("iteration_duration").every(({ tags }) => tags["iter"] !== undefined)).toBe(true);
    });

    test("are judged by what a response may be", async () => {
      await run(`
      http.get(URL_ + "/status/404"); http.get(URL_ + "/status/404", { responseCallback: http.expectedStatuses(404, { min: 500, max: 599 }) });
      http.setResponseCallback(http.expectedStatuses(200)); http.get(URL_ + "/status/201");
      http.setResponseCallback(null); http.get(URL_ + "/status/500");`);
      expect(bench.recorder.values("http_req_failed")).toEqual([1, 0, 1]);
      expect(bench.recorder.tags("http_reqs", "expected_response")).toEqual(["false", "true", "false", undefined]);
    });
  });

  describe("bodies", () => {
    test("are discarded, binary or text as asked", async () => {
      const source = `import http from "k6/http"; export const options = { discardResponseBodies: true }; export default function () {
      console.log(http.get(__ENV.URL).body, http.get(__ENV.URL, { responseType: "text" }).body, new Uint8Array(http.get(__ENV.URL, { responseType: "binary" }).body)[0]);
      try { http.get(__ENV.URL).json(); } catch (e) { console.log(e.message); } }`;
      const { logs } = await bench.run(source, { environment: { URL: server.url } });
      expect(logs[0]).toBe("info null hello 104");
      expect(logs[1]).toMatch(/the body is null/);
    });

    test("as pages are selected from, their forms sent and links followed", async () => {
      const lines = await run(`
      const page = http.get(URL_ + "/page"); const doc = page.html();
      console.log(doc.find("title").text(), doc.find("li").size(), doc.find("li").eq(1).attr("class"), doc.find("p").map((i, s) => i + s.text()).join(), page.html("h1").text());
      doc.find("li").each((i, el) => { if (i === 1) console.log(el.innerHTML, el.getAttribute("data-id"), doc.find("li.x").data("id"), doc.find("ul").children(".x").next().text()); });
      const sent = page.submitForm({ fields: { quantity: "5" } }); console.log(sent.json("method"), sent.json("body"));
      console.log(page.clickLink().json("query.from"));`);
      expect(lines).toEqual([
        "Shop 3 x 0one,1two Hello",
        "b 2 2 c",
        "POST buy=now&gift=on&quantity=5&size=m&token=t1",
        "link",
      ]);
    });
  });

  test("a blocked host name is a failure of its own", async () => {
    const source = `import http from "k6/http"; export const options = { blockHostnames: ["*.test", "127.0.0.1"] }; export default function () { const r = http.get(__ENV.URL); console.log(r.status, r.error_code); }`;
    const { logs } = await bench.run(source, { environment: { URL: server.url } });
    expect(logs.at(-1)).toBe("info 0 1111");
  });

  test("requests at the top level are errors there", async () => {
    await expect(
      bench.run(`import http from "k6/http"; http.get("http://127.0.0.1:1"); export default function () {}`),
    ).rejects.toMatchObject({
      code: "K6_INIT_FAILED",
      message: expect.stringMatching(/cannot be used at the top level/) as string,
    });
  });
});

test.each<[string, string, number]>([
  ["cut off", "HTTP/1.1 200 OK\r\nX-Seen: 1\r\nContent-Length: 10\r\n\r\nshort", 1000],
  ["no gzip", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nshort", 1701],
])("a response whose body is %s after a good status is of status 0, as in k6", async (_, answer, code) => {
  await using broken = await rawServer((socket) => {
    socket.once("data", () => socket.end(answer));
  });
  const own = new Bench(new HttpEngine().client());
  const { logs, errors } = await own.run(
    `import http from "k6/http"; export default function () {
      const r = http.get(__ENV.URL); console.log(r.status, r.error_code, r.body === null, Object.keys(r.headers).length);
      http.get(__ENV.URL, { throw: true }); }`,
    { environment: { URL: broken.url } },
  );
  own.close();
  expect(logs).toContain(`info 0 ${code} true 0`);
  expect(errors).toHaveLength(1);
  expect(own.recorder.values("http_req_failed")).toEqual([1, 1]);
  expect(own.recorder.tags("http_reqs", "status")).toEqual(["0", "0"]);
});

test("what a script sends for one site is not sent to another that it is redirected to", async () => {
  const asked: string[] = [];
  let port = 0;
  await using site = await answering((request) => {
    asked.push(
      request
        .split("\r\n")
        .filter((line) => /^(?:GET|host|authorization|x-other)/i.test(line))
        .join("|"),
    );
    const to = /^GET \/to\/(\S+)/.exec(request)?.[1];
    return to === undefined
      ? ok("")
      : `HTTP/1.1 302 Found\r\nLocation: http://${to}:${port}/\r\nContent-Length: 0\r\n\r\n`;
  });
  ({ port } = site);
  const hosts = { "shop.test": "127.0.0.1", "a.shop.test": "127.0.0.1", "else.test": "127.0.0.1" };
  const own = new Bench(new HttpEngine({ hosts, proxy: {} }).client());
  const { errors } = await own.run(
    `import http from "k6/http"; export default function () {
      const headers = { Authorization: "Bearer secret", "X-Other": "1" };
      http.get("http://shop.test:${port}/to/a.shop.test", { headers });
      http.get("http://shop.test:${port}/to/else.test", { headers: { ...headers, Host: "virtual" } }); }`,
  );
  own.close();
  expect(errors).toEqual([]);
  expect(asked).toEqual([
    `GET /to/a.shop.test HTTP/1.1|Host: shop.test:${port}|Authorization: Bearer secret|X-Other: 1`,
    `GET / HTTP/1.1|Host: a.shop.test:${port}|Authorization: Bearer secret|X-Other: 1`,
    `GET /to/else.test HTTP/1.1|Authorization: Bearer secret|X-Other: 1|Host: virtual`,
    `GET / HTTP/1.1|Host: else.test:${port}|X-Other: 1`,
  ]);
});
