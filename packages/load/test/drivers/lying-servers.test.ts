import { createServer, type Socket } from "node:net";
import { once } from "node:events";
import { afterAll, describe, expect, test } from "vitest";
import { a2a } from "../../src/drivers/a2a.ts";
import type { Driver, StepOutcome } from "../../src/drivers/driver.ts";
import { mcp } from "../../src/drivers/mcp.ts";
import { openAiChat } from "../../src/drivers/openai-chat.ts";
import { openAiResponses } from "../../src/drivers/openai-responses.ts";
import { HttpEngine } from "../../src/http/http-client.ts";
import { fakeUser } from "../fake-user.ts";

const engine = new HttpEngine();
afterAll(() => engine.close());

/** A server that answers every request by these bytes, or by what a function does to the socket. */
async function answering(answer: string | ((socket: Socket) => void), use: (url: string) => Promise<void>) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("data", () => {
      if (typeof answer === "string") socket.end(answer);
      else answer(socket);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await use(`http://127.0.0.1:${(server.address() as { port: number }).port}`);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

async function step<Step>(driver: Driver<Step>, sent: Step): Promise<StepOutcome> {
  const session = await driver.open(fakeUser(engine.client()));
  return await session.send(sent, () => undefined);
}

const hello = { messages: [{ role: "user", content: "hi" }] } as const;
const chat = (url: string, limits: { maxAnswerBytes?: number; timeoutMs?: number } = {}): Promise<StepOutcome> =>
  step(openAiChat({ url, model: "m", ...limits }), hello);

const stream = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";
const token = (text: string): string => `data: {"choices":[{"delta":{"content":${JSON.stringify(text)}}}]}\n\n`;
const chunked = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

const everywhere: readonly (readonly [string, (url: string, limits?: object) => Promise<StepOutcome>])[] = [
  ["chat", chat],
  ["responses", (url, limits) => step(openAiResponses({ url, model: "m", ...limits }), { input: "hi" })],
  ["a2a", (url, limits) => step(a2a({ url, ...limits }), { text: "hi" })],
  ["mcp", (url, limits) => step(mcp({ url, version: "2026-07-28", ...limits }), { tool: "t" })],
];

describe("servers that lie", () => {
  test("a content length above what comes is a truncated stream, with the text so far", async () => {
    const body = token("half");
    await answering(`${stream}content-length: ${body.length + 500}\r\n\r\n${body}`, async (url) => {
      expect(await chat(url)).toMatchObject({ ok: false, text: "half", error: { code: "STREAM_TRUNCATED" } });
    });
  });

  test("a content length below what comes cuts the answer: no [DONE], not ok", async () => {
    const body = `${token("one")}${token("two")}data: [DONE]\n\n`;
    await answering(`${stream}content-length: ${token("one").length}\r\n\r\n${body}`, async (url) => {
      expect(await chat(url)).toMatchObject({ ok: false, text: "one", error: { code: "STREAM_TRUNCATED" } });
    });
  });

  test("half an event at the end is no event", async () => {
    const body = `${token("one")}data: {"choices":[{"delta":{"content":"tw`;
    await answering(`${stream}content-length: ${body.length}\r\n\r\n${body}`, async (url) => {
      expect(await chat(url)).toMatchObject({ ok: false, text: "one", error: { code: "STREAM_TRUNCATED" } });
    });
  });

  test("a chunk of another size than it says", async () => {
    await answering(`${stream}transfer-encoding: chunked\r\n\r\n5\r\n${token("one")}\r\n0\r\n\r\n`, async (url) => {
      expect(await chat(url)).toMatchObject({ ok: false, error: { code: "STREAM_TRUNCATED" } });
    });
  });

  test.each(everywhere)(
    "%s: an endless stream ends at the limit of bytes, and the connection with it",
    async (_, send) => {
      let closed: Promise<unknown> | undefined;
      const endless = (socket: Socket): void => {
        closed = new Promise((resolve) => socket.on("close", resolve));
        const piece = chunked(`: ${"x".repeat(16_000)}\n\n`);
        const more = (): void => {
          while (!socket.destroyed && socket.write(piece));
        };
        socket.on("drain", more);
        socket.write(`${stream}transfer-encoding: chunked\r\n\r\n`);
        more();
      };
      await answering(endless, async (url) => {
        const outcome = await send(url, { maxAnswerBytes: 1_000_000 });
        expect(outcome).toMatchObject({ ok: false, error: { code: "STREAM_OVERFLOW" } });
        expect(outcome.text.length).toBeLessThan(1_000_000);
        await closed;
      });
    },
  );

  test.each(everywhere)("%s: one event without end", async (_, send) => {
    const endless = (socket: Socket): void => {
      const piece = chunked("x".repeat(64_000));
      const more = (): void => {
        while (!socket.destroyed && socket.write(piece));
      };
      socket.on("drain", more);
      socket.write(`${stream}transfer-encoding: chunked\r\n\r\n${chunked('data: {"a":1}\n\ndata: "')}`);
      more();
    };
    await answering(endless, async (url) => {
      const { ok, error } = await send(url);
      // To some protocols the first event is wrong already, and the first error stands.
      expect(ok).toBe(false);
      expect(error?.code).toMatch(/^STREAM_(OVERFLOW|MALFORMED)$/);
    });
  });

  test.each(everywhere)("%s: an answer that never begins or never ends is over at the timeout", async (_, send) => {
    const before = (socket: Socket): void => void socket;
    const within = (socket: Socket): void => void socket.write(`${stream}transfer-encoding: chunked\r\n\r\n`);
    for (const silence of [before, within]) {
      await answering(silence, async (url) => {
        expect(await send(url, { timeoutMs: 50 })).toMatchObject({ ok: false, error: { code: "NETWORK_1050" } });
      });
    }
  });

  test.each(everywhere)(
    "%s: a body that is no stream, an empty one, and HTML are failures with a code",
    async (_, send) => {
      for (const body of ["", "null", "[]", "<html>502</html>", "data: null\n\n", "data: [1]\n\n", "\u0000\u0001"]) {
        await answering(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`, async (url) => {
          const { ok, error } = await send(url);
          expect(ok).toBe(false);
          expect(error?.code).toMatch(/^STREAM_(MALFORMED|TRUNCATED)$/);
        });
      }
    },
  );

  test("usage that is negative, text or huge is no usage", async () => {
    const usage = '{"prompt_tokens":-5,"completion_tokens":"many","prompt_tokens_details":{"cached_tokens":1e400}}';
    const body = `${token("one")}data: {"choices":[],"usage":${usage}}\n\ndata: [DONE]\n\n`;
    await answering(`${stream}content-length: ${body.length}\r\n\r\n${body}`, async (url) => {
      expect(await chat(url)).toEqual(expect.objectContaining({ ok: true, usage: {} }));
    });
  });

  test("tokens after the end change nothing that was said before it", async () => {
    const body = `${token("one")}data: [DONE]\n\n${token("two")}data: [DONE]\n\n`;
    await answering(`${stream}content-length: ${body.length}\r\n\r\n${body}`, async (url) => {
      expect(await chat(url)).toMatchObject({ ok: true, text: "one" });
    });
  });
});
