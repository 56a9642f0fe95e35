import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import { systemClock, timeOrderedId } from "@mettle/core";
import Fastify from "fastify";
import { expect, test } from "vitest";
import { eventRoutes } from "../../src/executions/event-routes.ts";
import type { EventPlace, ToldEvent } from "../../src/executions/execution.ts";
import type { ExecutionQueue } from "../../src/executions/execution-queue.ts";
import type { Orchestrator } from "../../src/executions/orchestrator.ts";
import { failureOf } from "../../src/http/failure.ts";
import type { App } from "../../src/http/app.ts";

const now = new Date(0);
const execution = {
  task: { type: "t" },
  state: "succeeded",
  createdAt: now,
  startedAt: now,
  endedAt: now,
} as const;

/** The route alone, over events that are made as they are asked for. */
async function serving(
  events: (place: EventPlace) => ToldEvent | undefined,
): Promise<{ url: string; sockets: Set<Socket> } & AsyncDisposable> {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>() as unknown as App;
  app.addHook("onRequest", async (request) => {
    request.principal = { userId: "u", userName: "u", tenantId: "t", role: "member" };
  });
  app.setErrorHandler((error, _request, reply) => reply.code(failureOf(error).statusCode).send(failureOf(error).code));
  eventRoutes(app, {
    queue: {
      find: async () => execution,
      eventsAfter: async (_id: string, place: EventPlace) => {
        const event = events(place);
        return event ? [event] : [];
      },
    } as unknown as ExecutionQueue,
    orchestrator: {
      async *watch(_tenant: string, _id: string, signal: AbortSignal) {
        while (!signal.aborted) {
          yield { state: "running", attempts: 1 } as const;
          await new Promise(setImmediate);
        }
      },
    } as unknown as Orchestrator,
    clock: systemClock,
  });
  const sockets = new Set<Socket>();
  app.server.on("connection", (socket) => sockets.add(socket));
  await app.listen({ port: 0, host: "127.0.0.1" });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/agents/executions/${timeOrderedId()}/events`;
  return {
    url,
    sockets,
    async [Symbol.asyncDispose]() {
      app.server.closeAllConnections();
      await app.close();
    },
  };
}

async function opened(url: string): Promise<IncomingMessage> {
  const request = get(url, { agent: false });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return response;
}

test("nothing is read ahead of a reader that does not read; when it does, it gets all", async () => {
  const pieces = 256;
  let asked = 0;
  await using server = await serving(({ number }) => {
    if (number >= pieces) return undefined;
    asked += 1;
    return { fence: "1", number: number + 1, event: { type: "token", text: "x".repeat(200_000) } };
  });
  const response = await opened(server.url); // paused: nobody listens for data
  const [socket] = server.sockets;
  while (!(socket?.writableNeedDrain ?? false)) await new Promise(setImmediate);
  const stalledAt = asked;
  for (let i = 0; i < 200; i++) await new Promise(setImmediate);
  expect(asked).toBeLessThanOrEqual(stalledAt + 2);
  expect(asked).toBeLessThan(pieces / 2);
  let ids = 0;
  let tail = "";
  for await (const chunk of response) {
    const text = tail + String(chunk);
    ids += text.match(/\nid: /g)?.length ?? 0;
    tail = text.slice(-4); // shorter than what is looked for
    if (ids === pieces) break;
  }
  expect(asked).toBe(pieces);
});

test("a user's streams are counted, and a closed one no longer", async () => {
  await using server = await serving(() => undefined);
  const streams = await Promise.all(Array.from({ length: 50 }, () => opened(server.url)));
  expect(streams.map(({ statusCode }) => statusCode)).toEqual(Array.from({ length: 50 }, () => 200));
  expect((await opened(server.url)).statusCode).toBe(429);
  const [first] = streams;
  first?.destroy();
  let again = await opened(server.url);
  while (again.statusCode === 429) again = await opened(server.url); // until the server has seen it
  expect(again.statusCode).toBe(200);
  for (const stream of [...streams, again]) stream.destroy();
});
