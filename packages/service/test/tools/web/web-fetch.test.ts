import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "@mettle/core";
import { ToolBox } from "../../../src/tools/tool-box.ts";
import { type Address, systemResolve } from "../../../src/tools/web/guarded-request.ts";
import { isPublicAddress } from "../../../src/tools/web/public-address.ts";
import { webFetch } from "../../../src/tools/web/web-fetch.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
const pages: Record<string, Handler> = {};
let server: Server;
let origin = "";
const asked: string[] = [];
beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? "");
    (pages[request.url ?? ""] ?? ((_request, end) => end.writeHead(404).end()))(request, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

interface Guarding {
  readonly origins?: readonly string[];
  readonly resolve?: (host: string) => Promise<readonly Address[]>;
}
async function fetched(
  url: string,
  { origins = [], resolve = systemResolve }: Guarding = {},
): Promise<Record<string, unknown>> {
  const box = new ToolBox([webFetch({ origins: new Set(origins), resolve })], systemClock);
  return (await box.call({ name: "web_fetch", input: { url }, tenantId: "t" })).output as Record<string, unknown>;
}
const at =
  (address: string): (() => Promise<readonly Address[]>) =>
  () =>
    Promise.resolve([{ address, family: address.includes(":") ? 6 : 4 }]);

describe("addresses", () => {
  test.each(["8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1", "192.0.1.1"])(
    "%s is public",
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  test.each(
    `127.0.0.1 127.255.0.1 0.0.0.0 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 100.127.0.1
    192.0.0.1 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.9 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 fe80::1 fe80::1%eth0 fc00::1
    fd12::1 ff02::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:7f00:1 64:ff9b::7f00:1 64:ff9b:1::1 2002:7f00:1:: 2001:0:1::1 2001:db8::1
    ::127.0.0.1 100::1 3fff::1 5f00::1 nonsense 127.1 2130706433`.split(/\s+/),
  )("%s is not", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe("what is not of the public internet is not asked", () => {
  const local = (): string => origin.split(":")[2] ?? "";
  test.each([
    "http://127.0.0.1",
    "http://2130706433",
    "http://0x7f.1",
    "http://0177.0.0.1",
    "http://127.1",
    "http://0",
    "http://[::1]",
    "http://[::ffff:127.0.0.1]",
    "http://[::ffff:7f00:1]",
    "http://[64:ff9b::7f00:1]",
    "http://１２７.０.０.１",
    "http://localhost",
    "http://169.254.169.254/latest/meta-data",
    "http://metadata.internal",
    "https://127.0.0.1",
    "ftp://example.test/file",
    "file:///etc/passwd",
    "gopher://127.0.0.1",
    "http://user:secret@example.test",
    "http://example.test:6379",
  ])("%s", async (url) => {
    const resolve = (host: string): Promise<readonly Address[]> =>
      host.endsWith(".test") ? at("93.184.215.14")() : host === "localhost" ? at("127.0.0.1")() : at("10.0.0.1")();
    await expect(fetched(url, { resolve })).rejects.toMatchObject({ type: "forbidden", code: "TOOL_ADDRESS_REFUSED" });
  });

  test("a name with one private address among public ones", async () => {
    const resolve = (): Promise<readonly Address[]> =>
      Promise.resolve([
        { address: "93.184.215.14", family: 4 },
        { address: "127.0.0.1", family: 4 },
      ]);
    await expect(fetched("http://mixed.test", { resolve })).rejects.toMatchObject({ code: "TOOL_ADDRESS_REFUSED" });
  });

  test("a redirect there", async () => {
    pages["/to-inside"] = (_request, response) =>
      void response.writeHead(302, { location: `http://localhost:${local()}/secret` }).end();
    asked.length = 0;
    await expect(fetched(`${origin}/to-inside`, { origins: [origin] })).rejects.toMatchObject({
      code: "TOOL_ADDRESS_REFUSED",
    });
    pages["/to-file"] = (_request, response) => void response.writeHead(302, { location: "file:///etc/passwd" }).end();
    await expect(fetched(`${origin}/to-file`, { origins: [origin] })).rejects.toMatchObject({
      code: "TOOL_ADDRESS_REFUSED",
    });
    expect(asked).toEqual(["/to-inside", "/to-file"]);
  });

  test("a name that is public when it is checked and private when it is connected to", async () => {
    // Resolved once: the second answer, which points here, is never asked for.
    let times = 0;
    const resolve = (): Promise<readonly Address[]> => at(times++ === 0 ? "203.0.114.1" : "127.0.0.1")();
    const name = `http://rebinding.test:80/rebound`;
    asked.length = 0;
    const box = new ToolBox([webFetch({ origins: new Set(), resolve })], systemClock);
    const ending = AbortSignal.timeout(300); // nobody answers at that address, or nothing leads there
    await expect(
      box.call({ name: "web_fetch", input: { url: name }, tenantId: "t", signal: ending }),
    ).rejects.toThrow();
    expect([times, asked]).toEqual([1, []]);
  });
});

describe("pages", () => {
  const get = (path: string): Promise<Record<string, unknown>> => fetched(`${origin}${path}`, { origins: [origin] });

  test("HTML as text, after redirects", async () => {
    pages["/start"] = (_request, response) => void response.writeHead(301, { location: "/page" }).end();
    pages["/page"] = (request, response) => {
      expect(request.headers).not.toHaveProperty("authorization");
      expect(request.headers).not.toHaveProperty("cookie");
      response
        .writeHead(200, { "content-type": "text/html; charset=utf-8" })
        .end("<title>Mill</title><h1>Mill</h1><p>It grinds.");
    };
    expect(await get("/start")).toEqual({
      url: `${origin}/page`,
      status: 200,
      content_type: "text/html",
      title: "Mill",
      text: "Mill\n\nIt grinds.",
      cut: false,
    });
  });

  test("of any length, of which the begin is read", async () => {
    pages["/endless"] = (_request, response) => {
      response.writeHead(200, { "content-type": "text/plain" });
      const more = (): void => {
        while (!response.destroyed && response.write("x".repeat(65_536)));
      };
      response.on("drain", more);
      more();
    };
    expect(await get("/endless")).toMatchObject({ cut: true, text: "x".repeat(20_000) });
  });

  test.each([
    [
      "packed ones, which may unpack to anything",
      { "content-type": "text/plain", "content-encoding": "gzip" },
      gzipSync("x"),
      /packed/,
    ],
    ["what is no text", { "content-type": "image/png" }, "x", /image\/png/],
    ["what says nothing of itself", {}, "x", /octet-stream/],
  ])("refuses %s", async (_name, headers, body, message) => {
    pages["/odd"] = (_request, response) => void response.writeHead(200, headers as Record<string, string>).end(body);
    await expect(get("/odd")).rejects.toMatchObject({
      code: "TOOL_FAILED",
      message: expect.stringMatching(message) as string,
    });
  });

  test("redirects without end, and a server that breaks off", async () => {
    pages["/round"] = (_request, response) => void response.writeHead(302, { location: "/round" }).end();
    await expect(get("/round")).rejects.toMatchObject({
      message: expect.stringMatching(/more than 5 times/) as string,
    });
    pages["/broken"] = (_request, response) => {
      response.writeHead(200, { "content-type": "text/plain", "content-length": "100" }).write("x");
      setImmediate(() => response.destroy());
    };
    await expect(get("/broken")).rejects.toMatchObject({ message: expect.stringMatching(/broke off/) as string });
  });
});
