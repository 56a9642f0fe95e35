import type { OfferedTool, Piece, ReplyPlan, ReplyRequest } from "./reply-plan.ts";
import type { ReplyFormat } from "./reply-stream.ts";
import { asciiJson, estimatedTokens, textLength } from "./words.ts";

type Json = Readonly<Record<string, unknown>>;

export interface ChatRequest {
  readonly model: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly reply: Omit<ReplyRequest, "number">;
}

/** Reads a request to `/v1/chat/completions`; a string says what is wrong with it. */
export function readChatRequest(body: Json): ChatRequest | string {
  const { model, messages, stream = false } = body as { model?: unknown; messages?: unknown; stream?: unknown };
  if (typeof model !== "string" || model === "") return "you must provide a model parameter";
  if (!Array.isArray(messages) || messages.length === 0) return "messages must be an array of at least one message";
  if (typeof stream !== "boolean") return "stream must be a boolean";
  const roles = messages.map((message: unknown) => (isObject(message) ? message["role"] : undefined));
  if (!roles.every((role) => typeof role === "string")) return "every message needs a role";
  const limit = body["max_completion_tokens"] ?? body["max_tokens"];
  if (limit !== undefined && limit !== null && !(Number.isInteger(limit) && (limit as number) >= 1)) {
    return "max_completion_tokens must be a whole number of at least 1";
  }
  const options = body["stream_options"];
  return {
    model,
    stream,
    includeUsage: isObject(options) && options["include_usage"] === true,
    reply: {
      endpoint: "chat",
      inputTokens: estimatedTokens(
        textLength(messages.map((message: unknown) => (message as Json)["content"])),
        roles.length,
      ),
      ...(typeof limit === "number" && { maxTokens: limit }),
      tools: offeredTools(body["tools"], (tool) => (isObject(tool["function"]) ? tool["function"] : undefined)),
      toolChoice: readToolChoice(body["tool_choice"], "function"),
      toolRounds: roles.filter((role) => role === "tool").length,
    },
  };
}

export function offeredTools(value: unknown, functionOf: (tool: Json) => Json | undefined): OfferedTool[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((tool: unknown): OfferedTool[] => {
    const described = isObject(tool) ? functionOf(tool) : undefined;
    const name = described?.["name"];
    return typeof name === "string" ? [{ name, parameters: described?.["parameters"] }] : [];
  });
}

/** @param nested - where the name stands in an object of chat completions; responses have it beside the type */
export function readToolChoice(value: unknown, nested?: string): ReplyRequest["toolChoice"] {
  if (value === "none" || value === "required") return value;
  if (isObject(value)) {
    const holder = nested === undefined ? value : value[nested];
    const name = isObject(holder) ? holder["name"] : undefined;
    if (typeof name === "string") return { name };
  }
  return "auto";
}

/** The events of a streamed chat completion. Everything that does not change from token to token is made once. */
export function chatFormat(id: string, created: number, request: ChatRequest, plan: ReplyPlan): ReplyFormat {
  const head = `data: ${asciiJson({ id, object: "chat.completion.chunk", created, model: request.model }).slice(0, -1)},"choices":[{"index":0,"delta":`;
  const tail = `,"finish_reason":null}]${request.includeUsage ? ',"usage":null' : ""}}\n\n`;
  const delta = (value: unknown): string => head + asciiJson(value) + tail;
  return {
    opening: () => delta({ role: "assistant", content: plan.toolCall ? null : "" }),
    pieces: (pieces, from, to) => head + pieceDelta(pieces, from, to, plan) + tail,
    closing: () => {
      const end = `${head}{},"finish_reason":"${finishReason(plan)}"}]${request.includeUsage ? ',"usage":null' : ""}}\n\n`;
      const usage = request.includeUsage
        ? `data: ${asciiJson({ id, object: "chat.completion.chunk", created, model: request.model, choices: [], usage: chatUsage(plan) })}\n\n`
        : "";
      return `${end}${usage}data: [DONE]\n\n`;
    },
  };
}

/** Hot: the words hold nothing that JSON escapes; only arguments of tools do. */
function pieceDelta(pieces: readonly Piece[], from: number, to: number, plan: ReplyPlan): string {
  let text = "";
  for (let i = from; i < to; i++) text += pieces[i]?.text ?? "";
  const kind = pieces[from]?.kind;
  if (kind === "content") return `{"content":"${text}"}`;
  if (kind === "reasoning") return `{"reasoning_content":"${text}"}`;
  const first = from === 0 || pieces[from - 1]?.kind !== "tool";
  const { id, name } = plan.toolCall ?? { id: "", name: "" };
  return asciiJson({
    tool_calls: [
      { index: 0, ...(first && { id, type: "function" }), function: { ...(first && { name }), arguments: text } },
    ],
  });
}

/** The same answer in one object. */
export function chatBody(id: string, created: number, request: ChatRequest, plan: ReplyPlan): string {
  const { toolCall } = plan;
  const reasoning = textOf(plan.pieces, "reasoning");
  return asciiJson({
    id,
    object: "chat.completion",
    created,
    model: request.model,
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: toolCall ? null : textOf(plan.pieces, "content"),
          refusal: null,
          ...(reasoning !== "" && { reasoning_content: reasoning }),
          ...(toolCall && {
            tool_calls: [
              {
                id: toolCall.id,
                type: "function",
                function: { name: toolCall.name, arguments: textOf(plan.pieces, "tool") },
              },
            ],
          }),
        },
        logprobs: null,
        finish_reason: finishReason(plan),
      },
    ],
    usage: chatUsage(plan),
  });
}

export const textOf = (pieces: readonly Piece[], kind: Piece["kind"]): string =>
  pieces.reduce((text, piece) => (piece.kind === kind ? text + piece.text : text), "");

const finishReason = (plan: ReplyPlan): string => (plan.cut ? "length" : plan.toolCall ? "tool_calls" : "stop");

const chatUsage = ({ usage }: ReplyPlan): Json => ({
  prompt_tokens: usage.input,
  completion_tokens: usage.output,
  total_tokens: usage.input + usage.output,
  prompt_tokens_details: { cached_tokens: usage.cachedInput },
  completion_tokens_details: { reasoning_tokens: usage.reasoning },
});

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
