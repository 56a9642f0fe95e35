import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { resolvePlan } from "../../src/engine/resolve-plan.ts";
import { type LoadResult, runLoad } from "../../src/engine/run-load.ts";
import { declarativeLoad } from "../../src/scenario/declarative.ts";
import { httpDefaultsOf } from "../../src/scenario/declarative-http.ts";
import { declarativeSchema } from "../../src/scenario/declarative-schema.ts";
import { measured } from "../engine/virtual-run.ts";

const folder = mkdtempSync(join(tmpdir(), "mettle-declared-"));
const received: { request: IncomingMessage; body: Buffer }[] = [];
const sockets = new WebSocketServer({ noServer: true });
const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    received.push({ request, body: Buffer.concat(parts) });
    if (request.url === "/moved") response.writeHead(302, { Location: "/here" });
    response.end(request.url === "/events" ? "data: 1\n\ndata: 2\n\n" : "ok");
  });
});
server.on("upgrade", (request, socket, head) => {
  sockets.handleUpgrade(request, socket, head, (peer) => {
    peer.on("message", (data: Buffer) => {
      peer.send(`${request.headers["x-user"] as string}: ${data.toString()}`);
    });
  });
});

beforeAll(async () => {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
});
afterAll(() => {
  sockets.close();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

function written(text: string): string {
  const path = join(folder, "test.yaml");
  writeFileSync(path, text);
  return path;
}

function play(text: string): Promise<LoadResult> {
  received.length = 0;
  const { port } = server.address() as AddressInfo;
  const load = declarativeLoad({ file: written(text), env: { PORT: String(port) } });
  return runLoad({
    name: "declared",
    plan: resolvePlan(load.options),
    from: { inline: { test: load } },
    noiseProbe: false,
    revision: { commit: "0".repeat(40), dirty: false },
  });
}

describe("steps beyond plain requests", () => {
  test("a WebSocket: what is sent is filled in, messages are awaited and checked", async () => {
    const result = await play(`
http: { baseUrl: "http://127.0.0.1:\${PORT}" }
variables: { who: ann }
scenarios:
  chat:
    iterations: 2
    steps:
      - websocket: /room?x=1
        headers: { x-user: "\${who}" }
        send: ["hello \${user.iteration}", bye]
        check: { contains: "ann: hello 1" }
`);
    expect(result.errors).toEqual([]);
    expect(measured(result, "ws_msgs_received").summary.sum).toBe(4);
    expect(measured(result, "ws_session_duration").summary.count).toBe(2);
    expect(measured(result, "checks").summary).toMatchObject({ count: 2, rate: 0.5 });
  });

  test("event streams, forms with files, codings, credentials and redirects", async () => {
    writeFileSync(join(folder, "photo.bin"), Buffer.from([1, 2, 3]));
    const result = await play(`
http: { hosts: { api.test: "127.0.0.1:\${PORT}" }, baseUrl: http://api.test, maxRedirects: 3 }
scenarios:
  all:
    iterations: 1
    steps:
      - { get: /events, events: true, check: { contains: "data: 2" } }
      - post: /form
        multipart: [{ name: note, value: "it is \${user.id}" }, { name: photo, file: photo.bin, contentType: image/x }]
      - { post: /json, json: { a: 1 }, compress: [gzip] }
      - { get: /secret, auth: { scheme: basic, username: "u\${user.id}", password: p } }
      - { get: /moved, redirects: 0, check: { status: 302 } }
      - { get: /moved, check: { status: 200 } }
`);
    expect(result.errors).toEqual([]);
    expect(measured(result, "checks").summary).toMatchObject({ count: 3, rate: 1 });
    expect(measured(result, "sse_events").summary.sum).toBe(2);
    const [, form, json, secret, ...moved] = received;
    const type = form!.request.headers["content-type"] ?? "";
    const fields = await new Response(new Uint8Array(form!.body), { headers: { "Content-Type": type } }).formData();
    expect(fields.get("note")).toBe("it is 1");
    const photo = fields.get("photo") as File;
    expect([photo.name, photo.type, photo.size]).toEqual(["photo.bin", "image/x", 3]);
    expect(json!.request.headers["content-encoding"]).toBe("gzip");
    expect(secret!.request.headers.authorization).toBe(`Basic ${Buffer.from("u1:p").toString("base64")}`);
    expect(moved.map(({ request }) => request.url)).toEqual(["/moved", "/moved", "/here"]);
  });

  test.each([
    [
      "scenarios: { a: { steps: [{ post: /x, multipart: [{ name: f, file: none.bin }] }] } }",
      "none.bin cannot be read",
    ],
    ["http: { authorities: none.pem }\nscenarios: { a: { steps: [{ get: /x }] } }", "none.pem cannot be read"],
    ["http: { certificate: a.pem }\nscenarios: { a: { steps: [{ get: /x }] } }", "must have property key"],
    ["scenarios: { a: { steps: [{ get: /x, compress: [rar] }] } }", "must be equal to one of the allowed values"],
    ["scenarios: { a: { steps: [{ websocket: /x, sends: [a] }] } }", "has no setting"],
  ])("what cannot be is said before the load: %s", (text, problem) => {
    expect(() => declarativeLoad({ file: written(text), env: {} })).toThrow(problem);
  });
});

test("connections as they are declared are those that defineLoad takes", () => {
  writeFileSync(join(folder, "ca.pem"), "ca");
  const declared = {
    baseUrl: "http://${host}/",
    headers: { "X-Number": 1 },
    timeout: "2s",
    maxRedirects: 0,
    keepCookies: true,
    keepAlive: false,
    http2: false,
    connectionsPerHost: 2,
    connectsPerSecond: 10,
    hosts: { "a.test": "127.0.0.1" },
    dns: { ttl: "1m", select: "first", policy: "onlyIPv4" },
    proxy: "http://p:1",
    noProxy: "b.test",
    insecureSkipVerify: false,
    authorities: "ca.pem",
    minTls: "TLSv1.3",
  } as const;
  const { tls, ...rest } = httpDefaultsOf(declared, folder, (text) => text.replace("${host}", "h"));
  expect(rest).toEqual({
    baseUrl: "http://h/",
    headers: { "X-Number": "1" },
    timeoutMs: 2000,
    maxRedirects: 0,
    keepCookies: true,
    keepAlive: false,
    http2: false,
    maxConnectionsPerHost: 2,
    connectsPerSecond: 10,
    hosts: { "a.test": "127.0.0.1" },
    dns: { ttlMs: 60_000, select: "first", policy: "onlyIPv4" },
    proxy: { http: "http://p:1", https: "http://p:1", no: "b.test" },
  });
  expect(tls).toEqual({ insecureSkipVerify: false, authorities: [Buffer.from("ca")], minVersion: "TLSv1.3" });
});

test("the schema that editors are given is the one that is checked", () => {
  const published = new URL("../../../../docs/reference/load.schema.json", import.meta.url);
  expect(JSON.parse(readFileSync(published, "utf8"))).toEqual(JSON.parse(JSON.stringify(declarativeSchema)));
});
