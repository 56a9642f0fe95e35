import { Socket } from "node:net";
import type { FastifyReply, FastifyRequest } from "fastify";

/**
 * For routes that take their time: aborts when the answer has been sent or its caller has hung up, and keeps the server's
 * limit on silent sockets from ending the wait, which other means must bound.
 */
export function untilAnswered(request: FastifyRequest, reply: FastifyReply): AbortSignal {
  const { socket } = request.raw;
  // The server sets it anew for the connection's next request. What the service asks of itself has no real socket.
  if (socket instanceof Socket) socket.setTimeout(0);
  const controller = new AbortController();
  reply.raw.once("close", () => controller.abort("answered"));
  if (reply.raw.closed || socket.destroyed) controller.abort("answered");
  return controller.signal;
}
