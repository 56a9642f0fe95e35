import { Readable } from "node:stream";
import { type Clock, ms } from "@mettle/core";
import { Type } from "typebox";
import { principalOf } from "../auth/authentication.ts";
import type { App } from "../http/app.ts";
import { RequestFailure } from "../http/failure.ts";
import { bearer, failures, strict } from "../http/schemas.ts";
import { untilAnswered } from "../http/until-answered.ts";
import { beginning, eventStream, placeOf } from "./event-stream.ts";
import { found, shown } from "./execution-view.ts";
import type { ExecutionQueue } from "./execution-queue.ts";
import type { Orchestrator } from "./orchestrator.ts";

interface EventParts {
  readonly queue: ExecutionQueue;
  readonly orchestrator: Orchestrator;
  readonly clock: Clock;
}

const beatEvery = ms(10_000);
/** A reader that takes nothing for so long is gone. */
const silentAtMostMs = 30_000;
const streamsOfAUser = 50;

/** What an execution tells while it runs, as it tells it. */
export function eventRoutes(app: App, { queue, orchestrator, clock }: EventParts): void {
  const open = new Map<string, number>();
  app.get(
    "/agents/executions/:id/events",
    {
      schema: {
        tags: ["agents"],
        security: bearer,
        summary: "Progress and tokens of an execution as Server-Sent Events; Last-Event-ID goes on from there",
        params: strict({ id: Type.String({ format: "uuid" }) }),
        headers: Type.Object({ "last-event-id": Type.Optional(Type.String({ maxLength: 40 })) }),
        response: {
          200: {
            description: "Events until the execution has ended.",
            content: { "text/event-stream": { schema: Type.Unsafe<Readable>(Type.String()) } },
          },
          ...failures,
        },
      },
    },
    async (request, reply) => {
      const { tenantId, userId } = principalOf(request);
      const { id } = request.params;
      const given = request.headers["last-event-id"];
      const place = given === undefined || given === "" ? beginning : placeOf(given);
      if (!place) {
        throw new RequestFailure("invalid_request", "EVENT_ID_INVALID", "Last-Event-ID is none that this stream gave.");
      }
      found(await queue.find(tenantId, id));
      const streams = open.get(userId) ?? 0;
      if (streams >= streamsOfAUser) {
        const message = `A user may read ${streamsOfAUser} streams at once.`;
        throw new RequestFailure("rate_limited", "STREAMS_TOO_MANY", message, { retryAfter: 1 });
      }
      open.set(userId, streams + 1);
      const signal = untilAnswered(request, reply);
      signal.addEventListener("abort", () => close(open, userId), { once: true });
      if (signal.aborted) close(open, userId);
      // Node counts bytes that leave the socket as life: one whose peer takes none is ended.
      request.raw.socket.setTimeout(silentAtMostMs);
      const source = {
        standings: orchestrator.watch(tenantId, id, signal),
        eventsAfter: (after: typeof place, most: number) => queue.eventsAfter(id, after, most),
        ended: async () => shown(found(await queue.find(tenantId, id))),
        clock,
        beatEvery,
      };
      return reply
        .type("text/event-stream; charset=utf-8")
        .headers({ "cache-control": "no-store", "x-accel-buffering": "no" })
        .send(Readable.from(eventStream(source, place), { objectMode: false, highWaterMark: 1 }));
    },
  );
}

function close(open: Map<string, number>, userId: string): void {
  const left = (open.get(userId) ?? 1) - 1;
  if (left === 0) open.delete(userId);
  else open.set(userId, left);
}
