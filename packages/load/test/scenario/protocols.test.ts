import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { resolvePlan } from "../../src/engine/resolve-plan.ts";
import { type LoadResult, runLoad } from "../../src/engine/run-load.ts";
import { MultipartForm } from "../../src/http/multipart.ts";
import { defineLoad, type UserFunction } from "../../src/scenario/define-load.ts";
import { measured } from "../engine/virtual-run.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** An HTTP server of Node's, and on its port a WebSocket server that answers each message with `echo: …`. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => [...offered][0] ?? false });
  server.on("upgrade", (request, socket, head) => {
    if (request.url === "/refused") {
      socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    sockets.handleUpgrade(request, socket, head, (peer) => {
      peer.on("message", (data: Buffer) => {
        if (data.toString() === "leave") peer.close(4000, "as you wish");
        else if (data.toString() !== "silence") peer.send(`echo: ${data.toString()}`);
      });
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  closing.push(() => {
    sockets.close();
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function play(host: string, run: UserFunction<undefined>, iterations = 1): Promise<LoadResult> {
  const load = defineLoad({
    http: { baseUrl: `http://${host}` },
    scenarios: { only: { iterations, gracefulStop: "1s", run } },
  });
  return runLoad({
    name: "protocols",
    plan: resolvePlan(load.options),
    from: { inline: { test: load } },
    noiseProbe: false,
    revision: { commit: "0".repeat(40), dirty: false },
  });
}

const nothing = (_: IncomingMessage, response: ServerResponse): void => void response.end();

describe("WebSockets of a user", () => {
  test("messages are sent and read in order, and all is recorded under k6's names", async () => {
    const host = await serve(nothing);
    const heard: unknown[] = [];
    const result = await play(host, async (user) => {
      await using socket = await user.webSocket("/chat?token=1", { protocols: ["talk"] });
      heard.push(socket.protocol);
      socket.send("one");
      socket.send(Buffer.from("two"));
      heard.push(await socket.next(), await socket.next());
    });
    expect(result.errors).toEqual([]);
    expect(heard).toEqual(["talk", "echo: one", "echo: two"]);
    for (const [metric, sum] of [
      ["ws_sessions", 1],
      ["ws_msgs_sent", 2],
      ["ws_msgs_received", 2],
    ] as const) {
      expect(measured(result, metric).summary.sum).toBe(sum);
    }
    expect(measured(result, "ws_connect_failed").summary.rate).toBe(0);
    expect(measured(result, "ws_session_duration").summary.max).toBeGreaterThanOrEqual(
      measured(result, "ws_connecting").summary.max ?? Number.NaN,
    );
  });

  test("iterating ends with the server's close; what comes after is refused with the close code", async () => {
    const host = await serve(nothing);
    const heard: unknown[] = [];
    const result = await play(host, async (user) => {
      const socket = await user.webSocket(`ws://${host}/`);
      socket.send("a");
      socket.send("leave");
      for await (const message of socket) heard.push(message);
      heard.push((await socket.ended).code);
      socket.send("too late");
    });
    expect(heard).toEqual(["echo: a", 4000]);
    expect(result.errors.map(({ message }) => message)).toEqual([
      `The WebSocket to ws://${host}/ has ended: closed with 4000 as you wish.`,
    ]);
  });

  test("a server that refuses, and one that is silent, fail the iteration with the reason", async () => {
    const host = await serve(nothing);
    const result = await play(
      host,
      async (user) => {
        const socket = await user.webSocket(user.iteration === 0 ? "/refused" : "/");
        socket.send("silence");
        await socket.next(20);
      },
      2,
    );
    expect(result.errors.map(({ message }) => message).sort()).toEqual([
      `No message came from http://${host}/ within 20 ms.`,
      `The WebSocket to http://${host}/refused has ended: the server answered 403.`,
    ]);
    expect(measured(result, "ws_connect_failed").summary).toMatchObject({ rate: 0.5, count: 2 });
  });

  test("one kept in the user's state lasts over iterations, and ends with the user", async () => {
    const host = await serve(nothing);
    const result = await play(
      host,
      async (user) => {
        const socket = (user.state["socket"] ??= await user.webSocket("/")) as Awaited<
          ReturnType<typeof user.webSocket>
        >;
        socket.send("again");
        await socket.next();
      },
      5,
    );
    expect(measured(result, "ws_sessions").summary.sum).toBe(1);
    expect(measured(result, "ws_msgs_received").summary.sum).toBe(5);
  });
});

describe("event streams of a user", () => {
  test("events come as they are sent, and are counted and timed", async () => {
    let accept: string | undefined;
    const host = await serve((request, response) => {
      accept = request.headers.accept;
      response.setHeader("Content-Type", "text/event-stream");
      // Cut within an event and within a character: the events are the same.
      for (const part of ["data: gr\u00fc", "n\n\nevent: tick\ndata: 2\n", "\ndata: cut off"]) response.write(part);
      response.end();
    });
    const heard: string[] = [];
    const result = await play(host, async (user) => {
      const response = await user.http.get("/stream", { onEvent: ({ type, data }) => heard.push(`${type} ${data}`) });
      expect(response.ok).toBe(true);
      expect(response.text).toBe("");
    });
    expect(result.errors).toEqual([]);
    expect(accept).toBe("text/event-stream");
    expect(heard).toEqual(["message gr\u00fcn", "tick 2"]);
    expect(measured(result, "sse_events").summary.sum).toBe(2);
    expect(measured(result, "sse_event_gap").summary.count).toBe(1);
    const first = measured(result, "sse_time_to_first_event").summary;
    expect(first.count).toBe(1);
    expect(first.max).toBeLessThanOrEqual(measured(result, "iteration_duration").summary.max ?? Number.NaN);
  });
});

describe("bodies of requests", () => {
  test("forms of parts, and codings", async () => {
    const received: { type: string; coding: string; body: Buffer }[] = [];
    const host = await serve((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        const { headers } = request;
        received.push({
          type: headers["content-type"] ?? "",
          coding: headers["content-encoding"] ?? "",
          body: Buffer.concat(parts),
        });
        response.end();
      });
    });
    const result = await play(host, async (user) => {
      const file = { name: "file", filename: "a.txt", value: Buffer.from([1, 2, 3]) };
      await user.http.post("/form", new MultipartForm([{ name: "note", value: "hello" }, file]));
      await user.http.post("/json", { long: "x".repeat(1000) }, { compress: ["gzip"] });
    });
    expect(result.errors).toEqual([]);
    const [form, json] = received;
    const parsed = await new Response(new Uint8Array(form!.body), {
      headers: { "Content-Type": form!.type },
    }).formData();
    expect(parsed.get("note")).toBe("hello");
    expect(new Uint8Array(await (parsed.get("file") as File).arrayBuffer())).toEqual(new Uint8Array([1, 2, 3]));
    expect(json).toMatchObject({ type: "application/json", coding: "gzip" });
    expect(JSON.parse(gunzipSync(json!.body).toString())).toEqual({ long: "x".repeat(1000) });
  });
});
