import { EventStream } from "./event-stream.ts";
import {
  type MockContext,
  type MockExchange,
  requestNumber,
  sendJson,
  sendStatusFault,
  sendWhole,
  track,
} from "./exchange.ts";
import type { Endpoint } from "./faults.ts";
import { chatBody, chatFormat, isObject, readChatRequest } from "./openai-chat.ts";
import { readResponsesRequest, responsesBody, responsesFormat } from "./openai-responses.ts";
import { planReply, type ReplyPlan, type ReplyRequest } from "./reply-plan.ts";
import { type ReplyFormat, ReplyStream, wholeReplyDelay } from "./reply-stream.ts";

interface Answer {
  readonly stream: boolean;
  readonly reply: Omit<ReplyRequest, "number">;
  readonly format: (id: string, created: number, plan: ReplyPlan) => ReplyFormat;
  readonly body: (id: string, created: number, plan: ReplyPlan) => string;
}

/** `POST /v1/chat/completions`. */
export function answerChat(context: MockContext, exchange: MockExchange): void {
  const request = isObject(exchange.body) ? readChatRequest(exchange.body) : "the body must be a JSON object";
  if (typeof request === "string") reject(context, exchange, "chat", request);
  else {
    answer(context, exchange, "chatcmpl", {
      ...request,
      format: (id, created, plan) => chatFormat(id, created, request, plan),
      body: (id, created, plan) => chatBody(id, created, request, plan),
    });
  }
}

/** `POST /v1/responses`. */
export function answerResponses(context: MockContext, exchange: MockExchange): void {
  const request = isObject(exchange.body) ? readResponsesRequest(exchange.body) : "the body must be a JSON object";
  if (typeof request === "string") reject(context, exchange, "responses", request);
  else {
    answer(context, exchange, "resp", {
      ...request,
      format: (id, created, plan) => responsesFormat(id, created, request, plan),
      body: (id, created, plan) => responsesBody(id, created, request, plan),
    });
  }
}

/** `GET /v1/models`. */
export function listModels({ model }: MockContext, { response }: MockExchange): void {
  const data = model.models.map((id) => ({ id, object: "model", created: 0, owned_by: "mettle" }));
  sendJson(response, 200, JSON.stringify({ object: "list", data }));
}

function answer(
  context: MockContext,
  exchange: MockExchange,
  prefix: string,
  { stream, reply, format, body }: Answer,
): void {
  const { model, wheel, clock } = context;
  const { endpoint } = reply;
  const inLine = context.counters.begin(endpoint);
  const plan = planReply(model, { ...reply, number: requestNumber(exchange, inLine) });
  if (sendStatusFault(context, endpoint, exchange, plan.fault)) return;
  const id = `${prefix}-${model.seed}-${inLine}`;
  const created = Math.floor(clock.wallTime() / 1000);
  if (!stream) {
    const delayMs = wholeReplyDelay(plan);
    const tokens = plan.pieces.length;
    sendWhole(context, { exchange, endpoint, delayMs, fault: plan.fault, tokens, body: () => body(id, created, plan) });
    return;
  }
  const tracked = track(context, endpoint, exchange.response, plan.fault);
  const replyStream = new ReplyStream({
    stream: new EventStream(exchange.response, { "x-request-id": id }),
    plan,
    format: format(id, created, plan),
    tokensPerChunk: model.tokensPerChunk,
    startedAt: wheel.now(),
    onEnd: (outcome, tokens) => {
      if (outcome !== "disconnected") tracked.end(outcome, tokens);
    },
  });
  tracked.onLeave(replyStream.start(wheel));
}

function reject({ counters }: MockContext, { response }: MockExchange, endpoint: Endpoint, message: string): void {
  counters.of(endpoint).rejected++;
  sendJson(
    response,
    400,
    JSON.stringify({ error: { message, type: "invalid_request_error", param: null, code: null } }),
  );
}
