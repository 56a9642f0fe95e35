import { createServer, type IncomingMessage } from "node:http";
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { Bench, type RunOptions } from "./harness.ts";

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

async function lines(source: string, options: RunOptions = {}): Promise<string[]> {
  const { logs, errors } = await bench.run(source, options);
  expect(errors).toEqual([]);
  return logs.filter((line) => line.startsWith("info ")).map((line) => line.slice(5));
}

const inDefault = (imports: string, body: string): string => `${imports}\nexport default function () { ${body} }`;

describe("k6", () => {
  test("check counts each outcome under its name, group and tags, and tells whether all passed", async () => {
    const out = await lines(
      inDefault(
        `import { check, group } from "k6";`,
        `console.log(check(5, { big: (v) => v > 3, small: (v) => v < 3 }, { mine: "1" }), group("g", () => check(1, { one: true })));`,
      ),
    );
    expect(out).toEqual(["false true"]);
    expect(
      bench.recorder.of("checks").map(({ value, tags }) => [value, tags["check"], tags["group"], tags["mine"]]),
    ).toEqual([
      [1, "big", "", "1"],
      [0, "small", "", "1"],
      [1, "one", "::g", undefined],
    ]);
  });

  test("checks and groups may hold calls that block", async () => {
    const out = await lines(
      inDefault(
        `import { check, group, sleep } from "k6";`,
        `const r = group("g", () => { sleep(0.5); return 7; }); console.log(r, check(r, { slow: (v) => { sleep(1); return v === 7; } }), check(r, { no: (v) => { sleep(1); return v === 8; } }));`,
      ),
    );
    expect(out).toEqual(["7 true false"]);
    expect(bench.slept).toEqual([500, 1000, 1000]);
    expect(bench.recorder.values("checks")).toEqual([1, 0]);
    expect(bench.recorder.of("group_duration")).toHaveLength(1);
  });

  test("a group that throws is left, and fail ends the iteration", async () => {
    const source = inDefault(
      `import { check, group, fail } from "k6";`,
      `try { group("g", () => { throw new Error("inside"); }); } catch (e) { check(1, { after: true }); } fail("enough");`,
    );
    const { errors } = await bench.run(source);
    expect(errors.map(String)).toEqual(["Error: enough"]);
    expect(bench.recorder.tags("checks", "group")).toEqual([""]);
  });

  test("async functions in groups and promises in checks are refused where they run", async () => {
    const source = `import { check, group } from "k6"; export default async function () {
      try { group("g", async () => {}); } catch (e) { console.log(e.message); }
      try { check(1, { p: async () => true }); } catch (e) { console.log(e.message); } }`;
    const out = await lines(source);
    expect(out[0]).toMatch(/does not take async functions/);
    expect(out[1]).toMatch(/gave a promise/);
  });

  test("randomSeed makes Math.random repeat, for each user alike", async () => {
    const source = inDefault(
      `import { randomSeed } from "k6";`,
      `randomSeed(5); console.log(Math.random(), Math.random(), Math.max(1, 2));`,
    );
    const out = await lines(source, { users: 2 });
    expect(out[0]).toBe(out[1]);
    expect(new Set((out[0] ?? "").split(" ")).size).toBe(3);
  });
});

describe("k6/metrics", () => {
  test("record values with tags, and only at run time", async () => {
    const source = `import { Counter, Gauge, Rate, Trend } from "k6/metrics";
      const c = new Counter("my_counter"), g = new Gauge("my_gauge"), r = new Rate("my_rate"), t = new Trend("my_trend", true);
      export default function () { c.add(2, { k: 1 }); g.add(3); r.add(true); r.add(0); t.add(1.5); console.log(c.name); }`;
    const { script } = await bench.run(source, { tags: { run: "x" } });
    expect(script.metrics.map(({ name, kind, contains }) => [name, kind, contains])).toEqual([
      ["my_counter", "counter", "default"],
      ["my_gauge", "gauge", "default"],
      ["my_rate", "rate", "default"],
      ["my_trend", "trend", "time"],
    ]);
    expect(bench.recorder.samples).toEqual([
      { metric: "my_counter", value: 2, tags: { run: "x", scenario: "default", group: "", k: "1" } },
      { metric: "my_gauge", value: 3, tags: { run: "x", scenario: "default", group: "" } },
      { metric: "my_rate", value: 1, tags: { run: "x", scenario: "default", group: "" } },
      { metric: "my_rate", value: 0, tags: { run: "x", scenario: "default", group: "" } },
      { metric: "my_trend", value: 1.5, tags: { run: "x", scenario: "default", group: "" } },
    ]);
  });

  test("refuse names and places that k6 refuses", async () => {
    const make = (text: string): Promise<unknown> =>
      bench.run(
        `import { Counter, Rate } from "k6/metrics"; ${text} export default function () { new Counter("late"); }`,
      );
    await expect(make(`new Counter("1st");`)).rejects.toThrow(/cannot name a metric/);
    await expect(make(`new Counter("a"); new Rate("a");`)).rejects.toThrow(/already declared as a counter/);
    const { errors } = await bench.run(
      `import { Counter } from "k6/metrics"; export default function () { new Counter("late"); }`,
    );
    expect(String(errors[0])).toMatch(/declared at the top level/);
  });
});

describe("k6/execution", () => {
  test("tells what the run tells, and lets a user tag its samples", async () => {
    const source = `import exec from "k6/execution"; import { check } from "k6"; export const options = { tags: { all: "1" } };
      export default function () {
        exec.vu.tags["late"] = exec.vu.iterationInScenario; exec.vu.metrics.tags.more = "m"; check(1, { ok: true });
        console.log(exec.vu.idInTest, exec.vu.iterationInInstance, exec.scenario.name, exec.scenario.iterationInTest, exec.scenario.executor, exec.scenario.progress, exec.test.options.tags.all, exec.vu.tags.late, "late" in exec.vu.tags);
        delete exec.vu.tags.late; try { exec.instance.vusActive; } catch (e) { console.log(e.message); } }`;
    const out = await lines(source, { iterations: 2 });
    expect(out[0]).toBe("1 0 default 0 per-vu-iterations 0.5 1 0 true");
    expect(out[2]).toBe("1 1 default 1 per-vu-iterations 0.5 1 1 true");
    expect(out[1]).toMatch(/exec\.instance is not known here/);
    expect(bench.recorder.tags("checks", "late")).toEqual(["0", "1"]);
  });

  test("test.abort ends the iteration and asks the run to end", async () => {
    const source = inDefault(`import { test } from "k6/execution";`, `test.abort("enough"); console.log("unreached");`);
    const { errors, logs } = await bench.run(source);
    expect(bench.aborts).toEqual(["test aborted: enough"]);
    expect(errors).toMatchObject([{ code: "K6_ABORTED" }]);
    expect(logs).toEqual([]);
  });
});

describe("data and files", () => {
  test("a SharedArray is made once, shared and frozen", async () => {
    const source = `import { SharedArray } from "k6/data";
      const data = new SharedArray("users", () => { console.log("made"); return JSON.parse(open("./data/users.json")); });
      export default function () { let error = ""; try { data[0].name = "x"; } catch (e) { error = e.name; } console.log(data.length, data[1].name, error, data.map((u) => u.name).join("")); }`;
    const out = await lines(source, { users: 2, files: { "data/users.json": '[{"name":"a"},{"name":"b"}]' } });
    expect(out).toEqual(["made", "2 b TypeError ab", "2 b TypeError ab"]);
  });

  test("open reads text and bytes at the top level only", async () => {
    const source = `const bytes = open("./b.bin", "b"); const text = open("b.bin");
      export default function () { console.log(bytes.byteLength, text); try { open("b.bin"); } catch (e) { console.log(e.message); } }`;
    const out = await lines(source, { files: { "b.bin": "xyz" } });
    expect(out[0]).toBe("3 xyz");
    expect(out[1]).toMatch(/only be used at the top level/);
    await expect(bench.run(`open("missing.txt"); export default function () {}`)).rejects.toThrow(
      /missing\.txt cannot be opened/,
    );
  });

  test("fs and csv read a file piece by piece and row by row", async () => {
    const source = `import fs from "k6/experimental/fs"; import csv from "k6/experimental/csv";
      const file = await fs.open("d.csv"); const rows = await csv.parse(file, { asObjects: true }); const parser = new csv.Parser(file, { skipFirstLine: true });
      export default async function () {
        const buffer = new Uint8Array(4); const read = await file.read(buffer); const { size } = await file.stat(); await file.seek(0, fs.SeekMode.Start);
        console.log(read, size, rows.length, rows[0].name, rows[1].note, JSON.stringify(await parser.next()), (await parser.next()).done, (await parser.next()).done); }`;
    const out = await lines(source, { files: { "d.csv": 'name,note\nann,"a, b"\nbob,"say ""hi""\nthere"\n' } });
    expect(out).toEqual(['4 44 2 ann say "hi"\nthere {"done":false,"value":["ann","a, b"]} false true']);
  });
});

describe("encoding and crypto", () => {
  test("agree with Node's own digests and with base64 in all forms", async () => {
    const out = await lines(
      inDefault(
        `import encoding from "k6/encoding"; import crypto from "k6/crypto";`,
        `console.log(encoding.b64encode("a?>~b"), encoding.b64encode("a?>~b", "rawurl"), encoding.b64encode("a", "url"), encoding.b64encode("a", "rawstd"), encoding.b64decode("YQ==", "std", "s"), new Uint8Array(encoding.b64decode("YQ", "rawurl"))[0]);
         for (const name of ["md5", "sha1", "sha256", "sha384", "sha512", "sha512_224", "sha512_256", "ripemd160"]) console.log(crypto[name]("text", "hex"));
         const h = crypto.createHMAC("sha256", "key"); h.update("te"); h.update("xt"); console.log(h.digest("base64") === crypto.hmac("sha256", "key", "text", "base64"), crypto.hexEncode("az"), crypto.randomBytes(8).byteLength);`,
      ),
    );
    expect(out[0]).toBe("YT8+fmI= YT8-fmI YQ== YQ a 97");
    const names = ["md5", "sha1", "sha256", "sha384", "sha512", "sha512-224", "sha512-256", "ripemd160"];
    expect(out.slice(1, 9)).toEqual(names.map((name) => createHash(name).update("text").digest("hex")));
    expect(out[9]).toBe("true 617a 8");
  });

  test("webcrypto is the platform's", async () => {
    const out = await lines(
      `export default async function () { const d = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("x")); console.log(d.byteLength); }`,
    );
    expect(out).toEqual(["32"]);
  });
});

describe("timers", () => {
  test("fire in order, may block, can be cleared, and keep the iteration open", async () => {
    const out = await lines(
      inDefault(
        `import { sleep } from "k6"; import { setInterval as every } from "k6/timers";`,
        `let n = 0; const id = every(() => { console.log("tick", ++n); if (n < 2) return; clearInterval(id); setTimeout((x) => { sleep(1); console.log("late", x); }, 1, "arg"); }, 1); const never = setTimeout(() => console.log("never"), 5); clearTimeout(never); console.log("end");`,
      ),
    );
    expect(out).toEqual(["end", "tick 1", "tick 2", "late arg"]);
  });

  test("a timer that throws fails its iteration", async () => {
    const { errors } = await bench.run(
      `export default function () { setTimeout(() => { throw new Error("in timer"); }, 1); }`,
    );
    expect(errors.map(String)).toEqual(["Error: in timer"]);
  });
});

describe("jslib", () => {
  test("the common libraries are at hand by their URL", async () => {
    const out = await lines(
      inDefault(
        `import { randomIntBetween, randomItem, randomString, uuidv4, findBetween, parseDuration, normalDistributionStages } from "https://jslib.k6.io/k6-utils/1.4.0/index.js";
         import { URL as U } from "https://jslib.k6.io/url/1.0.0/index.js"; import { FormData } from "https://jslib.k6.io/formdata/0.0.2/index.js";`,
        `const n = randomIntBetween(2, 3); const form = new FormData(); form.append("a", "1"); form.append("a", { data: "x", filename: "f", content_type: "text/plain" });
         console.log(n >= 2 && n <= 3, ["a", "b"].includes(randomItem(["a", "b"])), randomString(5, "z"), uuidv4().length, findBetween("<a>x</a><a>y</a>", "<a>", "</a>", true).join(), parseDuration("1m30s"), normalDistributionStages(10, 10, 3).length, new U("http://h/p").pathname, new TextDecoder().decode(form.body()).includes('filename="f"'), form.contentType.startsWith("multipart/form-data; boundary="));`,
      ),
    );
    expect(out).toEqual(["true true zzzzz 36 x,y 90000 5 /p true true"]);
  });

  test("others are read from copies, and refused without", async () => {
    const source = `import { twice } from "https://example.test/lib/1.0/index.js"; export default function () { console.log(twice(2)); }`;
    await expect(bench.load(source)).rejects.toMatchObject({
      code: "K6_MODULE_NOT_FOUND",
      message: expect.stringMatching(/^script\.js:1:1: .*not fetched/) as string,
    });
    bench.write({ "copies/example.test/lib/1.0/index.js": "export const twice = (x) => 2 * x;" });
    expect(await lines(source, { urlCopies: `${bench.folder}/copies` })).toEqual(["4"]);
  });
});

describe("WebSockets", () => {
  const accept = (key: string): string =>
    createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");

  /** An echo of short text messages, which ends the connection after "bye". */
  async function withEcho(body: (url: string) => Promise<void>): Promise<void> {
    const server = createServer();
    server.on("upgrade", (request, socket) => {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept(String(request.headers["sec-websocket-key"]))}\r\n\r\n`,
      );
      socket.on("data", (frame: Buffer) => {
        if ((frame[0]! & 15) === 8) return void socket.end(Buffer.from([0x88, 2, 3, 232]));
        const length = frame[1]! & 127;
        const text = Buffer.from(frame.subarray(6, 6 + length).map((byte, i) => byte ^ frame[2 + (i % 4)]!));
        socket.write(Buffer.concat([Buffer.from([0x81, length]), text]));
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    await body(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    server.closeAllConnections();
    server.close();
  }

  test("k6/ws blocks until the socket is closed, while its handlers run and may block", async () => {
    await withEcho(async (url) => {
      const source = inDefault(
        `import ws from "k6/ws"; import { sleep, check } from "k6";`,
        `const r = ws.connect("${url}", { tags: { t: "1" } }, function (socket) {
          socket.on("open", () => { console.log("open"); socket.send("one"); });
          socket.on("message", (text) => { sleep(1); console.log("got", text); if (text === "one") socket.setTimeout(() => socket.send("two"), 1); else socket.close(); });
          socket.on("close", () => console.log("closed")); });
        console.log("after", check(r, { "101": (x) => x && x.status === 101 }));`,
      );
      expect(await lines(source)).toEqual(["open", "got one", "got two", "closed", "after true"]);
      expect(bench.recorder.values("ws_msgs_sent")).toEqual([1, 1]);
      expect(bench.recorder.of("ws_session_duration")[0]?.tags).toMatchObject({ t: "1", url });
    });
  });

  test("k6/websockets fires events while the iteration stays open", async () => {
    await withEcho(async (url) => {
      const source = inDefault(
        `import { WebSocket } from "k6/websockets";`,
        `const ws = new WebSocket("${url}"); ws.onmessage = (e) => { console.log("got", e.data); ws.close(); }; ws.addEventListener("close", () => console.log("closed", ws.readyState)); ws.onopen = () => ws.send("hi"); console.log("first");`,
      );
      expect(await lines(source)).toEqual(["first", "got hi", "closed 3"]);
      expect(bench.recorder.values("ws_msgs_received")).toEqual([1]);
    });
  });

  /** A server that pings at once, and refuses handshakes on /closed. */
  async function withPinger(body: (url: string) => Promise<void>): Promise<void> {
    const server = new WebSocketServer({
      host: "127.0.0.1",
      port: 0,
      handleProtocols: () => "chat",
      verifyClient: ({ req }: { req: IncomingMessage }, done: (ok: boolean, status?: number) => void) =>
        done(req.url !== "/closed", 403),
    });
    server.on("connection", (socket) => {
      socket.ping("hello");
      socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    await once(server, "listening");
    try {
      await body(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
      for (const client of server.clients) client.terminate();
      server.close();
    }
  }

  test("pings and pongs are events, and a ping's way is timed", async () => {
    await withPinger(async (url) => {
      const source = inDefault(
        `import ws from "k6/ws";`,
        `const r = ws.connect("${url}/", (socket) => { socket.on("open", () => socket.ping());
          let left = 2; const done = (name) => () => { console.log(name); if (--left === 0) socket.close(4000); };
          socket.on("ping", done("event")); socket.on("pong", done("event")); socket.on("close", (code) => console.log("close", code)); });
        console.log(r.status, r.headers["Upgrade"], r.error === "");`,
      );
      expect(await lines(source)).toEqual(["event", "event", "close 4000", "101 websocket true"]);
      expect(bench.recorder.of("ws_ping")).toHaveLength(1);
    });
  });

  test("k6/websockets: subprotocol, binary messages as blob or bytes, pings, removed listeners", async () => {
    await withPinger(async (url) => {
      const source = inDefault(
        `import { WebSocket } from "k6/websockets";`,
        `const ws = new WebSocket("${url}/", ["chat", "other"]); let left = 3;
        const never = () => console.log("never"); ws.addEventListener("open", never); ws.removeEventListener("open", never);
        const step = (...texts) => { console.log(...texts); if (--left === 0) ws.close(1000, "bye"); };
        ws.onopen = () => { ws.ping(); ws.send(new Uint8Array([1, 2, 3]).buffer); };
        ws.onpong = () => step("event");
        ws.onmessage = async (e) => { if (ws.binaryType === "blob") { ws.binaryType = "arraybuffer"; const size = (await e.data.arrayBuffer()).byteLength; ws.send(new Uint8Array(2)); step("event", size); } else step("bytes", e.data.byteLength); };
        ws.addEventListener("close", (e) => console.log(e.code, ws.protocol));
        try { ws.addEventListener("nothing", () => {}); } catch (e) { console.log(e.message); }
        try { ws.binaryType = "text"; } catch (e) { console.log(e.name); }`,
      );
      const out = await lines(source);
      expect(out.slice(0, 2)).toEqual(["a WebSocket has no event nothing", "TypeError"]);
      expect(out.slice(2, 4).toSorted()).toEqual(["event", "event 3"]);
      expect(out.slice(4)).toEqual(["bytes 2", "1000 chat"]);
      expect(bench.recorder.tags("ws_sessions", "subproto")).toEqual(["chat"]);
    });
  });

  test("a refused handshake has its status, and an error event", async () => {
    await withPinger(async (url) => {
      const source = `import ws from "k6/ws"; import { WebSocket } from "k6/websockets"; export default function () {
        const r = ws.connect("${url}/closed", () => console.log("never")); console.log(r.status, r.error);
        const socket = new WebSocket("${url}/closed"); socket.onerror = (e) => console.log(e.type, e.error); socket.onclose = () => console.log("closed"); }`;
      expect(await lines(source)).toEqual([
        "403 websocket: bad handshake: status 403",
        "error websocket: bad handshake: status 403",
        "closed",
      ]);
    });
  });

  test("a connection that cannot be made is status 0", async () => {
    const source = inDefault(
      `import ws from "k6/ws";`,
      `const r = ws.connect("ws://127.0.0.1:1/", (s) => {}); console.log(r.status, r.error !== "");`,
    );
    expect(await lines(source)).toEqual(["0 true"]);
  });
});

describe("secrets", () => {
  const get = `import secrets from "k6/secrets"; export default async function () {
    const value = await secrets.get("key"); console.log(value.length, value, { header: "Bearer " + value });
    try { await secrets.source("other").get("key"); } catch (e) { console.log(e.message); } }`;

  test("are read from their sources, and kept out of what is logged", async () => {
    bench.write({ "secrets.txt": "# comment\nkey=from=file\n" });
    const secretSources = ["mock=default,key=hidden", `file=name=other,${bench.folder}/secrets.txt`];
    expect(await lines(get, { secretSources })).toEqual([
      '6 ***SECRET_REDACTED*** {"header":"Bearer ***SECRET_REDACTED***"}',
    ]);
    const source = inDefault(
      `import { source } from "k6/secrets";`,
      `source("other").get("key").then((v) => console.log(v === "from=file", v.length));`,
    );
    expect((await lines(source, { secretSources })).at(-1)).toBe("true 9");
  });

  test("that are not there are errors, as are sources that cannot be read", async () => {
    const out = await lines(get, { secretSources: ["mock=key=x,name=one"] });
    expect(out[1]).toBe("there is no secret source named other");
    const { errors } = await bench.run(get);
    expect(errors.map(String)).toEqual([expect.stringContaining("no default secret source")]);
    for (const [source, message] of [
      ["url=urlTemplate=x", /url sources are not provided/],
      ["file=/nowhere/secrets", /cannot be read/],
      ["mock=oops", /is no key=value/],
    ] as const) {
      await expect(bench.load(get, { secretSources: [source] })).rejects.toMatchObject({
        code: "K6_FLAG_INVALID",
        message: expect.stringMatching(message) as string,
      });
    }
  });
});
