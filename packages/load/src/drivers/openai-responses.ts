import type { VirtualUser } from "../engine/virtual-user.ts";
import type { Driver, DriverSession, StepEvent, StepOutcome, TokenUsage } from "./driver.ts";
import { below, checkHttpOptions, exchangeEvents, jsonHeaders, OpenFlag, parseEvent } from "./http-step.ts";
import { type OpenAiDriverOptions, tokenUsage } from "./openai-chat.ts";
import { isObject, type JsonObject, StepBuilder, plainText } from "./step-builder.ts";

export interface ResponsesStep {
  /** Text, or items as the API takes them. */
  readonly input: string | readonly unknown[];
  readonly instructions?: string;
  readonly tools?: readonly unknown[];
  readonly maxTokens?: number;
  readonly model?: string;
  readonly body?: JsonObject;
}

/** OpenAI responses, streamed as typed events. There is no `[DONE]`: `response.completed` ends it, and carries the usage. */
export function openAiResponses(options: OpenAiDriverOptions): Driver<ResponsesStep> {
  checkHttpOptions("openai-responses", options);
  return { name: "openai-responses", open: (user) => Promise.resolve(new ResponsesSession(user, options)) };
}

class ResponsesSession implements DriverSession<ResponsesStep> {
  readonly #user: VirtualUser;
  readonly #options: OpenAiDriverOptions;
  readonly #url: string;
  readonly #headers: readonly (readonly [string, string])[];
  readonly #open = new OpenFlag("openai-responses");

  constructor(user: VirtualUser, options: OpenAiDriverOptions) {
    this.#user = user;
    this.#options = options;
    this.#url = below(options.url, "/responses");
    this.#headers = jsonHeaders(options, "text/event-stream");
  }

  async send(step: ResponsesStep, onEvent: (event: StepEvent) => void): Promise<StepOutcome> {
    this.#open.require();
    const builder = new StepBuilder(onEvent);
    const body = JSON.stringify({
      ...this.#options.body,
      ...step.body,
      model: step.model ?? this.#options.model,
      input: step.input,
      ...(step.instructions !== undefined && { instructions: step.instructions }),
      ...(step.tools && { tools: step.tools }),
      ...(step.maxTokens !== undefined && { max_output_tokens: step.maxTokens }),
      stream: true,
    });
    const { response, text } = await exchangeEvents(
      this.#user,
      this.#options,
      { method: "POST", url: this.#url, headers: this.#headers, body },
      builder,
      (data, _event, at) => readEvent(builder, data, at),
    );
    return builder.ofResponse(response, text);
  }

  close(): Promise<void> {
    this.#open.close();
    return Promise.resolve();
  }
}

/** Hot: once an event. The type stands in the data too; the `event:` line is for others. */
function readEvent(builder: StepBuilder, data: string, at: number): void {
  if (data === "[DONE]") return;
  const event = parseEvent(builder, data, at);
  if (!event) return;
  const delta = event["delta"];
  switch (event["type"]) {
    case "response.output_text.delta":
    case "response.refusal.delta":
      if (typeof delta === "string") builder.token(at, "content", delta);
      return;
    case "response.reasoning_text.delta":
    case "response.reasoning_summary_text.delta":
      if (typeof delta === "string") builder.token(at, "reasoning", delta);
      return;
    case "response.output_item.added":
      openItem(builder, event, at);
      return;
    case "response.function_call_arguments.delta":
      if (typeof delta === "string") builder.toolDelta(at, String(event["item_id"]), { input: delta });
      return;
    case "response.completed":
    case "response.incomplete":
    case "response.failed":
      closeResponse(builder, event, at);
      return;
    case "error":
      builder.fail(at, "MODEL_FAILED", plainText(event["message"], "the model failed"));
      return;
    default:
  }
}

function openItem(builder: StepBuilder, event: JsonObject, at: number): void {
  const item = event["item"];
  if (!isObject(item) || item["type"] !== "function_call") return;
  const { id, call_id: callId, name } = item;
  builder.toolDelta(at, String(id), {
    id: plainText(callId, plainText(id)),
    ...(typeof name === "string" && { name }),
  });
}

function closeResponse(builder: StepBuilder, event: JsonObject, at: number): void {
  const response = isObject(event["response"]) ? event["response"] : {};
  const usage = responsesUsage(response["usage"]);
  if (usage) builder.usage(at, usage);
  const status = String(event["type"]).slice("response.".length);
  const details = response["incomplete_details"];
  if (status === "failed") {
    const error = isObject(response["error"]) ? response["error"] : {};
    builder.fail(at, "MODEL_FAILED", plainText(error["message"], "the response failed"));
  }
  builder.done(at, isObject(details) ? plainText(details["reason"], status) : status);
}

function responsesUsage(value: unknown): TokenUsage | undefined {
  if (!isObject(value)) return undefined;
  const input = isObject(value["input_tokens_details"]) ? value["input_tokens_details"] : {};
  const output = isObject(value["output_tokens_details"]) ? value["output_tokens_details"] : {};
  return tokenUsage(value["input_tokens"], input["cached_tokens"], value["output_tokens"], output["reasoning_tokens"]);
}
