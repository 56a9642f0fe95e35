import { createHash } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type WebSocket as ServerSocket, WebSocketServer } from "ws";
import { HttpEngine } from "../../src/http/http-client.ts";
import type { HttpOptions } from "../../src/http/http-options.ts";
import {
  openWebSocket,
  type WebSocketConnection,
  type WebSocketEnd,
  type WebSocketRequest,
} from "../../src/websocket/websocket-connection.ts";
import { answering, rawServer, selfSigned, serving, type TestServer } from "../http/servers.ts";

const engines: HttpEngine[] = [];
function engine(options: HttpOptions = {}): HttpEngine {
  const made = new HttpEngine(options);
  engines.push(made);
  return made;
}
afterEach(() => {
  for (const each of engines.splice(0)) each.close();
});

/** The independent implementation that we are held against. */
async function wsServer(
  onConnection: (socket: ServerSocket, request: IncomingMessage) => void,
  options: ConstructorParameters<typeof WebSocketServer>[0] = {},
): Promise<TestServer> {
  const http = createServer();
  new WebSocketServer({ server: http, ...options }).on("connection", onConnection);
  return serving(http, "ws", () => 0);
}

interface Session {
  messages: (string | Buffer)[];
  events: string[];
  end: WebSocketEnd;
}

/** Opens, does something once open, and waits for the end. */
function run(
  request: WebSocketRequest,
  onOpen: (socket: WebSocketConnection) => void = () => undefined,
  onMessage: (socket: WebSocketConnection, data: string | Buffer, count: number) => void = () => undefined,
  made: HttpEngine = engine(),
): Promise<Session> {
  return new Promise((resolve) => {
    const messages: (string | Buffer)[] = [];
    const events: string[] = [];
    const socket: WebSocketConnection = openWebSocket(made, request, {
      onOpen: ({ status }) => {
        events.push(`open ${status}`);
        onOpen(socket);
      },
      onMessage: (data) => {
        messages.push(data);
        onMessage(socket, data, messages.length);
      },
      onPing: (data) => events.push(`ping ${data.toString()}`),
      onPong: (data) => events.push(`pong ${data.toString()}`),
      onClose: (end) => resolve({ messages, events, end }),
    });
  });
}

describe("against ws", () => {
  test.each([false, true])("messages of every size and kind come back, compression %s", async (compression) => {
    await using server = await wsServer(
      (socket) => socket.on("message", (data, binary) => socket.send(data, { binary })),
      { perMessageDeflate: compression },
    );
    const sent = [0, 1, 125, 126, 1000, 65_535, 65_536, 300_000].flatMap((size): (string | Buffer)[] => [
      "ä".repeat(size / 2),
      Buffer.alloc(size, size),
    ]);
    const { messages, end } = await run(
      { url: server.url, compression },
      (socket) => {
        for (const each of sent) expect(socket.send(each)).toBe(true);
      },
      (socket, _, count) => {
        if (count === sent.length) socket.close(1000, "done");
      },
    );
    expect(messages).toEqual(sent);
    expect(end).toMatchObject({ code: 1000, handshake: { status: 101, compression } });
    expect(end.failure).toBeUndefined();
    expect(end.bytesReceived).toBeGreaterThan(compression ? 1000 : 700_000);
  });

  test("pings are answered, pongs are heard, closes are mutual", async () => {
    const seen: string[] = [];
    const { promise: serverClosed, resolve: closed } = Promise.withResolvers<string>();
    await using server = await wsServer((socket) => {
      socket.on("ping", (data: Buffer) => {
        seen.push(`ping ${data.toString()}`);
        socket.ping("yours");
      });
      socket.on("pong", (data: Buffer) => {
        seen.push(`pong ${data.toString()}`);
        socket.close(4001, "enough");
      });
      socket.on("close", (code) => closed(`${code}`));
    });
    const { events, end } = await run({ url: server.url }, (socket) => {
      expect(socket.ping("p".repeat(126))).toBe(false);
      expect(socket.ping("mine")).toBe(true);
    });
    expect(seen).toEqual(["ping mine", "pong yours"]);
    expect(events).toEqual(["open 101", "pong mine", "ping yours"]);
    expect(end).toMatchObject({ code: 4001, reason: "enough" });
    expect(await serverClosed).toBe("4001");
  });

  test("headers and protocols are asked for and told", async () => {
    await using server = await wsServer(
      (socket, request) => {
        socket.send(`${request.headers["x-a"]} ${request.headers["authorization"]} ${request.url}`);
        socket.close();
      },
      { handleProtocols: (protocols) => [...protocols][1]! },
    );
    const url = `${server.url.replace("//", "//u:p@")}/path?q`;
    const { messages, end } = await run({ url, headers: [["X-A", "1"]], protocols: ["a", "b"] });
    expect(messages).toEqual([`1 Basic ${Buffer.from("u:p").toString("base64")} /path?q`]);
    expect(end).toMatchObject({ code: 1005, handshake: { protocol: "b" } });
  });

  test("over TLS", async () => {
    const certificate = selfSigned();
    const https = createSecureServer(certificate);
    new WebSocketServer({ server: https }).on("connection", (socket) => {
      socket.send("secret");
      socket.close(1000);
    });
    await using server = await serving(https as never, "wss", () => 0);
    const { messages, end } = await run(
      { url: server.url },
      undefined,
      undefined,
      engine({ tls: { authorities: [certificate.cert] } }),
    );
    expect(messages).toEqual(["secret"]);
    expect(end.handshake.tlsHandshaking).toBeGreaterThan(0);
    const untrusting = await run({ url: server.url });
    expect(untrusting.end).toMatchObject({ code: 1006, failure: { code: 1310 }, handshake: { status: 0 } });
  });
});

describe("failures", () => {
  const accept = (request: string): string =>
    createHash("sha1")
      .update(`${/sec-websocket-key: (\S+)/i.exec(request)![1]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest("base64");
  const agreed = (request: string, more = ""): string =>
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept(request)}\r\n${more}\r\n`;

  test.each<[string, (request: string) => string, RegExp]>([
    ["another status", () => "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno", /status 403/],
    ["no HTTP", () => "hello\r\n\r\n", /does not start with HTTP/],
    [
      "a wrong key",
      (request) => agreed(request).replace(/Accept: .{5}/, "Accept: xxxxx"),
      /wrong Sec-WebSocket-Accept/,
    ],
    [
      "another protocol",
      (request) => agreed(request).replace("Upgrade: websocket", "Upgrade: h2c"),
      /no upgrade to websocket/,
    ],
    [
      "no upgrade",
      (request) => agreed(request).replace("Connection: Upgrade", "Connection: close"),
      /no upgrade of the connection/,
    ],
    ["an extension of its own", (request) => agreed(request, "Sec-WebSocket-Extensions: x\r\n"), /not offered/],
    ["a protocol of its own", (request) => agreed(request, "Sec-WebSocket-Protocol: x\r\n"), /x was not offered/],
  ])("a handshake with %s", async (_, answer, message) => {
    await using server = await answering(answer);
    const { end, events } = await run({ url: server.url });
    expect(events).toEqual([]);
    expect(end).toMatchObject({ code: 1006, failure: { code: 1000, message: expect.stringMatching(message) } });
  });

  test("no server, no answer, no patience, no URL", async () => {
    const gone = await answering(() => "");
    await gone[Symbol.asyncDispose]();
    expect((await run({ url: gone.url })).end.failure?.code).toBe(1212);
    await using silent = await rawServer((socket) => socket.resume());
    expect((await run({ url: silent.url, handshakeTimeoutMs: 30 })).end.failure).toMatchObject({ code: 1050 });
    expect((await run({ url: silent.url, signal: AbortSignal.abort() })).end.failure?.code).toBe(1000);
    expect((await run({ url: "nowhere" })).end.failure?.code).toBe(1020);
  });

  test("an abort ends an open one", async () => {
    await using server = await wsServer(() => undefined);
    const abort = new AbortController();
    const { end } = await run({ url: server.url, signal: abort.signal }, () => abort.abort());
    expect(end).toMatchObject({ code: 1006, failure: { message: "the request was cancelled" } });
  });

  test.each<[string, (socket: Socket) => void, number, number | undefined]>([
    ["ends without a close", (socket) => socket.end(), 1006, 1000],
    ["resets", (socket) => socket.resetAndDestroy(), 1006, 1220],
    ["breaks the protocol", (socket) => socket.write(Buffer.from([0xf1, 0x00])), 1002, 1000],
    ["closes and lingers", (socket) => socket.write(Buffer.from([0x88, 0x02, 0x03, 0xe9])), 1001, undefined],
  ])("a server that %s", async (_, misbehave, code, failureCode) => {
    await using server = await answering((request, socket) => {
      socket.write(agreed(request), () => misbehave(socket));
      return undefined;
    });
    const { end, events } = await run({ url: server.url });
    expect(events).toEqual(["open 101"]);
    expect(end.code).toBe(code);
    expect(end.failure?.code).toBe(failureCode);
  });

  test("a close that is not answered ends in time, and a frame with the handshake is not lost", async () => {
    await using server = await answering((request) => Buffer.from(`${agreed(request)}\x81\x02hi`, "latin1"));
    const { end, messages } = await run({ url: server.url, closeTimeoutMs: 20 }, undefined, (socket) => {
      socket.close();
      expect(socket.send("late")).toBe(false);
    });
    expect(messages).toEqual(["hi"]);
    expect(end).toMatchObject({ code: 1006 });
    expect(end.failure).toBeUndefined();
  });
});
