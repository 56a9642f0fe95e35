import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "@mettle/core";
import type { Counters } from "./counters.ts";
import { resetConnection } from "./event-stream.ts";
import type { Endpoint, Fault } from "./faults.ts";
import type { ResolvedMockModel } from "./options.ts";
import type { TimerWheel } from "./timer-wheel.ts";

/** What every part of the server works with. */
export interface MockContext {
  readonly model: ResolvedMockModel;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly counters: Counters;
}

/** One HTTP request, its body read and parsed. */
export interface MockExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Undefined for a request without a body. */
  readonly body: unknown;
}

export function header(exchange: MockExchange, name: string): string | undefined {
  const value = exchange.request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

export function sendJson(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(text)),
    ...headers,
  });
  response.end(text);
}

/** The number that decides a request's answer: the caller's own (`x-mettle-request`), or its place in line. */
export function requestNumber(exchange: MockExchange, inLine: number): number {
  const own = Number(header(exchange, "x-mettle-request"));
  return Number.isSafeInteger(own) && own >= 1 ? own : inLine;
}

/**
 * Counts one answer until it ended, once, however it ends: the client's leaving included.
 *
 * @param cancel - stops the work of an answer that nobody waits for
 */
export function track(
  { counters }: MockContext,
  endpoint: Endpoint,
  response: ServerResponse,
  fault: Fault | undefined,
): { readonly end: (outcome: "completed" | "faulted", tokens: number) => void; onLeave(cancel: () => void): void } {
  let ended = false;
  let leave: (() => void) | undefined;
  const end = (outcome: "completed" | "faulted" | "disconnected", tokens: number): void => {
    if (ended) return;
    ended = true;
    counters.end(endpoint, outcome, tokens, fault?.kind);
  };
  response.once("close", () => {
    leave?.();
    end("disconnected", 0);
  });
  return {
    end,
    onLeave: (cancel) => {
      leave = cancel;
    },
  };
}

export interface WholeReply {
  readonly exchange: MockExchange;
  readonly endpoint: Endpoint;
  readonly delayMs: number;
  readonly fault: Fault | undefined;
  readonly tokens: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Made when it is due. */
  readonly body: () => string;
}

/** Sends an answer in one piece after its delay, or what its fault makes of it. */
export function sendWhole(context: MockContext, reply: WholeReply): void {
  const { fault, tokens, delayMs } = reply;
  const { response } = reply.exchange;
  const tracked = track(context, reply.endpoint, response, fault);
  const finish = (): void => {
    tracked.end(fault && fault.kind !== "stall" ? "faulted" : "completed", tokens);
    deliver(response, fault, reply.body(), reply.headers ?? {});
  };
  const stall = fault?.kind === "stall" ? (fault.stallMs ?? Infinity) : 0;
  if (delayMs + stall <= 0) finish();
  else tracked.onLeave(context.wheel.after(delayMs + stall, finish));
}

function deliver(
  response: ServerResponse,
  fault: Fault | undefined,
  body: string,
  headers: Readonly<Record<string, string>>,
): void {
  if (fault?.kind === "reset") resetConnection(response);
  else if (fault?.kind === "malformed") sendJson(response, 200, body.slice(0, Math.ceil(body.length / 2)), headers);
  else if (fault?.kind === "truncate") {
    response.writeHead(200, {
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(body)),
      ...headers,
    });
    response.write(body.slice(0, Math.ceil(body.length / 2)));
    response.socket?.destroySoon();
  } else sendJson(response, 200, body, headers);
}

/** Answers with an error status where the fault says so. @returns whether it did */
export function sendStatusFault(
  context: MockContext,
  endpoint: Endpoint,
  { response }: MockExchange,
  fault: Fault | undefined,
): boolean {
  if (fault?.kind !== "status") return false;
  context.counters.end(endpoint, "faulted", 0, "status");
  const { status = 503, retryAfterSeconds } = fault;
  const error = {
    message: "An error that was asked for.",
    type: status === 429 ? "rate_limit_error" : "server_error",
    code: null,
    param: null,
  };
  sendJson(
    response,
    status,
    JSON.stringify({ error }),
    retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) },
  );
  return true;
}
