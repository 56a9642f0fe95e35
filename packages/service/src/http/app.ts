import { type Clock, timeOrderedId } from "@mettle/core";
import helmet from "@fastify/helmet";
import rateLimit from "@fastify/rate-limit";
import swagger from "@fastify/swagger";
import underPressure from "@fastify/under-pressure";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import Fastify, { type FastifyReply, type FastifyRequest } from "fastify";
import type { Authentication } from "../auth/authentication.ts";
import type { Principal } from "../auth/principal.ts";
import type { ServiceConfig } from "../config/settings.ts";
import { apiDocument } from "./api-document.ts";
import { callerNetwork } from "./caller-network.ts";
import { failureBody, failureOf, RequestFailure } from "./failure.ts";
import type { Timings } from "../telemetry/timings.ts";
import type { Metrics } from "./metrics.ts";
import type { App } from "./app-type.ts";
import { timeGateway } from "./time-gateway.ts";
import { type TraceContext, traceContext, traceparent } from "./trace-context.ts";
import { refuseUnreadable } from "./unreadable.ts";
import { validatorCompiler } from "./validation.ts";

export type { App } from "./app-type.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Who asks; undefined on routes that are open to all. */
    principal: Principal | undefined;
    trace: TraceContext;
  }
  interface FastifyContextConfig {
    /** The route asks for no token. */
    readonly open?: boolean;
  }
}

/** Users and addresses that are counted at a time; beyond it those that were seen longest ago begin again. */
const callersCounted = 100_000;

const requestIdForm = /^[\w.:-]{1,128}$/;

export interface AppParts {
  readonly config: ServiceConfig;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly timings: Timings;
  readonly authentication: Authentication;
}

/**
 * The server without its routes: limits, headers, ids, logs without secrets, one form for all failures. Every route asks
 * for a token unless it says `config: { open: true }`.
 */
export async function makeApp({ config, clock, metrics, timings, authentication }: AppParts): Promise<App> {
  const app: App = Fastify({
    logger:
      config.logLevel === "silent"
        ? false
        : { level: config.logLevel, redact: ["req.headers.authorization", "req.headers.cookie"] },
    bodyLimit: config.bodyLimit,
    trustProxy: config.trustProxy,
    requestTimeout: config.requestTimeout,
    // Silence on a socket: longer than an answer may have to wait for the database.
    connectionTimeout: config.requestTimeout + config.poolAcquireTimeout + config.statementTimeout,
    keepAliveTimeout: 72_000,
    http: {
      maxHeaderSize: 16_384,
      headersTimeout: Math.min(config.requestTimeout, 10_000),
      connectionsCheckingInterval: Math.min(config.requestTimeout, 1000),
    },
    genReqId: ({ headers }) => {
      const given = headers["x-request-id"];
      return typeof given === "string" && requestIdForm.test(given) ? given : timeOrderedId(clock);
    },
    routerOptions: { maxParamLength: 200 },
    clientErrorHandler: refuseUnreadable(clock),
    // Of addresses that cannot be read.
    frameworkErrors: (error, request, reply) => {
      void answerFailure(error, request, reply.header("x-request-id", request.id));
    },
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.server.maxConnections = config.connections;
  app.setValidatorCompiler(validatorCompiler);
  app.decorateRequest("principal", undefined);
  app.decorateRequest("trace");
  countRequests(app, metrics);
  const timing = timeGateway(app, timings, clock);
  app.addHook("onRequest", async (request, reply) => {
    request.trace = traceContext(request.headers["traceparent"] as string | undefined);
    reply.headers({ "x-request-id": request.id, traceparent: traceparent(request.trace) });
  });
  app.setErrorHandler((error, request, reply) => answerFailure(error, request, reply));
  app.setNotFoundHandler({ preHandler: (_request, _reply, done) => done() }, (request, reply) =>
    answerFailure(
      new RequestFailure("not_found", "ROUTE_NOT_FOUND", `There is no ${request.method} ${request.url.split("?")[0]}.`),
      request,
      reply,
    ),
  );
  await app.register(helmet, {
    contentSecurityPolicy: { directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
  });
  if (config.maxEventLoopDelay > 0)
    await app.register(underPressure, { maxEventLoopDelay: config.maxEventLoopDelay, retryAfter: 1 });
  await app.register(swagger, apiDocument);
  const tooMany = (ttl: number): RequestFailure =>
    new RequestFailure("rate_limited", "RATE_LIMITED", "Too many requests.", { retryAfter: Math.ceil(ttl / 1000) });
  app.addHook("onRequest", async (request) => {
    try {
      await authentication.hook(request);
    } catch (error) {
      // Who is refused here does not come to the limit below, and every token costs a look.
      const count = await countRefused(request);
      throw !count.isAllowed && count.isExceeded ? tooMany(count.ttl) : error;
    }
  });
  await app.register(rateLimit, {
    max: config.rateLimit,
    timeWindow: 60_000,
    cache: callersCounted,
    hook: "preValidation", // after authentication: a user is limited wherever it calls from
    enableDraftSpec: true,
    keyGenerator: ({ principal, ip }) => (principal ? `user:${principal.userId}` : `address:${callerNetwork(ip)}`),
    errorResponseBuilder: (_request, { ttl }) => tooMany(ttl),
  });
  const countRefused = app.createRateLimit({ keyGenerator: ({ ip }) => `refused:${callerNetwork(ip)}` });
  timing.limitsAreSet();
  return app;
}

function answerFailure(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const failure = failureOf(thrown);
  if (failure.statusCode >= 500)
    request.log.error({ err: failure.cause ?? failure, code: failure.code }, "request failed");
  if (failure.retryAfter !== undefined) reply.header("retry-after", failure.retryAfter);
  if (failure.type === "unauthenticated") reply.header("www-authenticate", 'Bearer realm="mettle"');
  return reply.code(failure.statusCode).send(failureBody(failure, request.id));
}

function countRequests(app: App, metrics: Metrics): void {
  app.addHook("onResponse", async (request, reply) => {
    // Of unknown paths one series: callers must not be able to make any number of them.
    metrics.request(request.routeOptions.url ?? "unknown", request.method, reply.statusCode, reply.elapsedTime / 1000);
  });
}
