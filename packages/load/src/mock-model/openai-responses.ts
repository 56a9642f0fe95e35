import { isObject, offeredTools, readToolChoice, textOf } from "./openai-chat.ts";
import type { Piece, ReplyPlan, ReplyRequest } from "./reply-plan.ts";
import type { ReplyFormat } from "./reply-stream.ts";
import { asciiJson, estimatedTokens, textLength } from "./words.ts";

type Json = Readonly<Record<string, unknown>>;

export interface ResponsesRequest {
  readonly model: string;
  readonly stream: boolean;
  readonly reply: Omit<ReplyRequest, "number">;
}

/** Reads a request to `/v1/responses`; a string says what is wrong with it. */
export function readResponsesRequest(body: Json): ResponsesRequest | string {
  const { model, input, stream = false } = body as { model?: unknown; input?: unknown; stream?: unknown };
  if (typeof model !== "string" || model === "") return "you must provide a model parameter";
  if (typeof input !== "string" && !Array.isArray(input)) return "input must be a string or an array of items";
  if (typeof stream !== "boolean") return "stream must be a boolean";
  const limit = body["max_output_tokens"];
  if (limit !== undefined && limit !== null && !(Number.isInteger(limit) && (limit as number) >= 1)) {
    return "max_output_tokens must be a whole number of at least 1";
  }
  const items: readonly unknown[] = typeof input === "string" ? [input] : input;
  const texts = items.map((item) => (isObject(item) ? (item["content"] ?? item["output"] ?? item["arguments"]) : item));
  return {
    model,
    stream,
    reply: {
      endpoint: "responses",
      inputTokens: estimatedTokens(textLength([texts, body["instructions"]]), items.length),
      ...(typeof limit === "number" && { maxTokens: limit }),
      tools: offeredTools(body["tools"], (tool) => (tool["type"] === "function" ? tool : undefined)),
      toolChoice: readToolChoice(body["tool_choice"]),
      toolRounds: items.filter((item) => isObject(item) && item["type"] === "function_call_output").length,
    },
  };
}

interface Item {
  readonly kind: Piece["kind"];
  readonly id: string;
}

/**
 * The typed events of a streamed response. Items follow one another: reasoning, then the message or the function call;
 * each is opened and closed by events of its own. There is no `[DONE]`.
 */
export function responsesFormat(id: string, created: number, request: ResponsesRequest, plan: ReplyPlan): ReplyFormat {
  const writer = new ResponsesWriter(id, created, request, plan);
  return {
    opening: () => writer.opening(),
    pieces: (pieces, from, to) => writer.pieces(pieces, from, to),
    closing: () => writer.closing(),
  };
}

class ResponsesWriter {
  readonly #id: string;
  readonly #created: number;
  readonly #request: ResponsesRequest;
  readonly #plan: ReplyPlan;
  readonly #done: Json[] = [];
  #sequence = 0;
  #item: Item | undefined;
  #text = "";

  constructor(id: string, created: number, request: ResponsesRequest, plan: ReplyPlan) {
    this.#id = id;
    this.#created = created;
    this.#request = request;
    this.#plan = plan;
  }

  opening(): string {
    const response = responseObject(this.#id, this.#created, this.#request, "in_progress", []);
    return this.#event("response.created", { response }) + this.#event("response.in_progress", { response });
  }

  /** Hot. */
  pieces(pieces: readonly Piece[], from: number, to: number): string {
    const kind = pieces[from]?.kind ?? "content";
    let text = "";
    for (let i = from; i < to; i++) text += pieces[i]?.text ?? "";
    const before = this.#item?.kind === kind ? "" : this.#close() + this.#open(kind);
    this.#text += text;
    return before + this.#delta(kind, text);
  }

  closing(): string {
    const end = this.#close();
    const status = this.#plan.cut ? "incomplete" : "completed";
    const response = {
      ...responseObject(this.#id, this.#created, this.#request, status, this.#done),
      usage: responsesUsage(this.#plan),
    };
    return end + this.#event(`response.${status}`, { response });
  }

  #open(kind: Piece["kind"]): string {
    const index = this.#done.length;
    this.#item = { kind, id: `${prefixOf[kind]}_${this.#id}_${index}` };
    const item = itemObject(this.#item, "in_progress", "", this.#plan);
    const added = this.#event("response.output_item.added", { output_index: index, item });
    return kind === "tool" ? added : added + this.#part(kind, "added", "");
  }

  #close(): string {
    const item = this.#item;
    if (!item) return "";
    const text = this.#text;
    const index = this.#done.length;
    const place = { item_id: item.id, output_index: index };
    const finished = itemObject(item, this.#plan.cut ? "incomplete" : "completed", text, this.#plan);
    const done =
      item.kind === "tool"
        ? this.#event("response.function_call_arguments.done", {
            ...place,
            name: this.#plan.toolCall?.name ?? "",
            arguments: text,
          })
        : item.kind === "reasoning"
          ? this.#event("response.reasoning_text.done", { ...place, content_index: 0, text })
          : this.#event("response.output_text.done", { ...place, content_index: 0, text, logprobs: [] });
    // Made after the event before it: each takes the next sequence number.
    const part = item.kind === "tool" ? "" : this.#part(item.kind, "done", text);
    this.#item = undefined;
    this.#text = "";
    this.#done.push(finished);
    return done + part + this.#event("response.output_item.done", { output_index: index, item: finished });
  }

  #part(kind: "content" | "reasoning", what: "added" | "done", text: string): string {
    return this.#event(`response.content_part.${what}`, {
      item_id: this.#item?.id,
      output_index: this.#done.length,
      content_index: 0,
      part:
        kind === "content"
          ? { type: "output_text", text, annotations: [], logprobs: [] }
          : { type: "reasoning_text", text },
    });
  }

  #delta(kind: Piece["kind"], delta: string): string {
    const place = { item_id: this.#item?.id, output_index: this.#done.length };
    if (kind === "tool") return this.#event("response.function_call_arguments.delta", { ...place, delta });
    const type = kind === "reasoning" ? "response.reasoning_text.delta" : "response.output_text.delta";
    return this.#event(type, { ...place, content_index: 0, delta, ...(kind === "content" && { logprobs: [] }) });
  }

  #event(type: string, fields: Json): string {
    return `event: ${type}\ndata: ${asciiJson({ type, sequence_number: this.#sequence++, ...fields })}\n\n`;
  }
}

/** The same answer in one object. */
export function responsesBody(id: string, created: number, request: ResponsesRequest, plan: ReplyPlan): string {
  const kinds = (["reasoning", "content", "tool"] as const).filter((kind) =>
    plan.pieces.some((piece) => piece.kind === kind),
  );
  const output = kinds.map((kind, index) =>
    itemObject(
      { kind, id: `${prefixOf[kind]}_${id}_${index}` },
      plan.cut ? "incomplete" : "completed",
      textOf(plan.pieces, kind),
      plan,
    ),
  );
  return asciiJson({
    ...responseObject(id, created, request, plan.cut ? "incomplete" : "completed", output),
    usage: responsesUsage(plan),
  });
}

const prefixOf: Readonly<Record<Piece["kind"], string>> = { reasoning: "rs", content: "msg", tool: "fc" };

function itemObject(item: Item, status: string, text: string, plan: ReplyPlan): Json {
  if (item.kind === "tool") {
    const { id = "", name = "" } = plan.toolCall ?? {};
    return { id: item.id, type: "function_call", status, arguments: text, call_id: id, name };
  }
  if (item.kind === "reasoning") {
    const content = text === "" ? [] : [{ type: "reasoning_text", text }];
    return { id: item.id, type: "reasoning", summary: [], content, status };
  }
  const content = status === "in_progress" ? [] : [{ type: "output_text", text, annotations: [], logprobs: [] }];
  return { id: item.id, type: "message", status, role: "assistant", content };
}

function responseObject(
  id: string,
  created: number,
  request: ResponsesRequest,
  status: string,
  output: readonly Json[],
): Json {
  return {
    id,
    object: "response",
    created_at: created,
    status,
    error: null,
    incomplete_details: status === "incomplete" ? { reason: "max_output_tokens" } : null,
    instructions: null,
    metadata: {},
    model: request.model,
    output,
    parallel_tool_calls: false,
    temperature: 1,
    tool_choice: "auto",
    tools: [],
    top_p: 1,
    usage: null,
  };
}

const responsesUsage = ({ usage }: ReplyPlan): Json => ({
  input_tokens: usage.input,
  input_tokens_details: { cached_tokens: usage.cachedInput },
  output_tokens: usage.output,
  output_tokens_details: { reasoning_tokens: usage.reasoning },
  total_tokens: usage.input + usage.output,
});
