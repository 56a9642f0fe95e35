import { type Clock, type Nanoseconds, ns } from "@mettle/core";
import type { Timings } from "../telemetry/timings.ts";
import type { App } from "./app-type.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** When it arrived, when its body began to be read, when it was there. */
    arrivedAt: Nanoseconds;
    readFrom: Nanoseconds;
    readUntil: Nanoseconds;
  }
}

/**
 * Times what stands before a request's handler, for requests that come as far: those with a token. To be called before any
 * other hook is added, and `limitsAreSet` when the rate limiter is in place: hooks run in the order in which they are added.
 */
export function timeGateway(app: App, timings: Timings, clock: Clock): { readonly limitsAreSet: () => void } {
  app.decorateRequest("arrivedAt", ns(0));
  app.decorateRequest("readFrom", ns(0));
  app.decorateRequest("readUntil", ns(0));
  // Hot: all of these run once a request, so they are neither async nor do they make anything.
  app.addHook("onRequest", (request, _reply, done) => {
    request.arrivedAt = clock.now();
    done();
  });
  app.addHook("preParsing", (request, _reply, payload, done) => {
    request.readFrom = clock.now();
    done(null, payload);
  });
  app.addHook("preValidation", (request, _reply, done) => {
    request.readUntil = clock.now();
    done();
  });
  app.addHook("preHandler", (request, _reply, done) => {
    const { arrivedAt, readFrom, readUntil, principal } = request;
    if (principal) timings.parts.routing.record(ns(readFrom - arrivedAt + (clock.now() - readUntil)));
    done();
  });
  return {
    limitsAreSet: () => {
      // The limiter is a hook of each route, and those run after the hooks of all: ours is the next of the route.
      app.addHook("onRoute", (route) => {
        const before = route.preValidation ?? [];
        route.preValidation = [
          ...(Array.isArray(before) ? before : [before]),
          (request, _reply, done) => {
            if (request.principal) timings.parts.rateLimit.record(ns(clock.now() - request.readUntil));
            done();
          },
        ];
      });
    },
  };
}
