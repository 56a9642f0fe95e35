import type { FastifyReply, FastifyRequest, preHandlerAsyncHookHandler } from "fastify";
import { Type } from "typebox";
import { principalOf } from "../auth/authentication.ts";
import type { App } from "../http/app.ts";
import { bearer, failures } from "../http/schemas.ts";
import { traceparent } from "../http/trace-context.ts";
import { prefersAsync } from "../http/prefer.ts";
import { untilAnswered } from "../http/until-answered.ts";
import { type Gateway, routedHeader } from "./gateway.ts";

/** Headers of a caller that the other instance needs. */
const passedOn = ["authorization", "prefer", "idempotency-key"] as const;
/** Headers of an answer that are the caller's to see. */
const passedBack = ["content-type", "location", "preference-applied", "retry-after", "www-authenticate"] as const;

/**
 * For routes that any instance answers alike: hands a request, once it is authenticated and valid, to the instance whose turn
 * it is. One that was routed already is answered here, so that no request goes in circles.
 */
export const routing =
  (gateway: Gateway): preHandlerAsyncHookHandler =>
  async (request, reply) => {
    if (gateway.instances.length === 1 || request.headers[routedHeader] !== undefined) return undefined;
    const routed = await gateway.route({
      // The route's, not the caller's: an address may name its host, and then be none behind that of an instance.
      path: request.routeOptions.url ?? request.url,
      headers: headersFor(request),
      waits: !prefersAsync(request.headers["prefer"]),
      body: JSON.stringify(request.body),
      signal: untilAnswered(request, reply),
    });
    if ("release" in routed) {
      // An instance that was asked before may have made the execution: the key finds it.
      request.headers["idempotency-key"] ??= routed.idempotencyKey;
      reply.raw.once("close", routed.release);
      if (reply.raw.closed) routed.release();
      return undefined;
    }
    const { status, headers, body } = routed.answer;
    for (const name of passedBack) if (headers[name] !== undefined) reply.header(name, headers[name]);
    // Its answer has been serialized by the same schema there.
    return reply
      .code(status)
      .serializer((text: string) => text)
      .send(body.toString());
  };

function headersFor(request: FastifyRequest): Record<string, string> {
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "x-request-id": request.id,
    traceparent: traceparent(request.trace),
  };
  for (const name of passedOn) {
    const value = request.headers[name];
    if (typeof value === "string") headers[name] = value;
  }
  return headers;
}

/** What the gateway knows of its instances. */
export function gatewayRoutes(app: App, gateway: Gateway): void {
  app.get(
    "/gateway/instances",
    {
      schema: {
        tags: ["operation"],
        security: bearer,
        summary: "The instances that executions are handed to; for operators",
        response: {
          200: Type.Array(
            Type.Object({
              instance: Type.String(),
              health: Type.String(),
              breaker: Type.String(),
              outstanding: Type.Integer(),
              given: Type.Integer(),
              failed: Type.Integer(),
            }),
          ),
          ...failures,
        },
      },
    },
    async (request: FastifyRequest, _reply: FastifyReply) => {
      principalOf(request, "operator");
      return gateway.instances.map(({ name, health, breaker, outstanding, given, failed }) => ({
        instance: name,
        health,
        breaker: breaker.state,
        outstanding,
        given,
        failed,
      }));
    },
  );
}
