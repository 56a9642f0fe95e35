import type { VirtualUser } from "../engine/virtual-user.ts";
import type { Driver, DriverSession, StepEvent, StepOutcome, TokenUsage } from "./driver.ts";
import { driverErrors } from "./errors.ts";
import {
  below,
  checkHttpOptions,
  exchangeEvents,
  type HttpDriverOptions,
  jsonHeaders,
  OpenFlag,
  parseEvent,
} from "./http-step.ts";
import { count, isObject, type JsonObject, StepBuilder, plainText } from "./step-builder.ts";

/** A message as the API takes it; `content` may be text or parts. */
export interface ChatMessage {
  readonly role: "system" | "developer" | "user" | "assistant" | "tool";
  readonly content?: unknown;
  readonly tool_calls?: unknown;
  readonly tool_call_id?: string;
}

export interface ChatStep {
  readonly messages: readonly ChatMessage[];
  /** As the API takes them. */
  readonly tools?: readonly unknown[];
  readonly maxTokens?: number;
  /** Over the driver's. */
  readonly model?: string;
  /** Any other member of the request body. */
  readonly body?: JsonObject;
}

export interface OpenAiDriverOptions extends HttpDriverOptions {
  /** `url` is the base that ends in `/v1`. */
  readonly model: string;
  /** Members of every request body: temperature, seed … */
  readonly body?: JsonObject;
}

/** OpenAI chat completions, streamed. Works with every server that speaks them (vLLM, llama.cpp, Ollama …). */
export function openAiChat(options: OpenAiDriverOptions): Driver<ChatStep> {
  checkHttpOptions("openai-chat", options);
  return { name: "openai-chat", open: (user) => Promise.resolve(new ChatSession(user, options)) };
}

class ChatSession implements DriverSession<ChatStep> {
  readonly #user: VirtualUser;
  readonly #options: OpenAiDriverOptions;
  readonly #url: string;
  readonly #headers: readonly (readonly [string, string])[];
  readonly #open = new OpenFlag("openai-chat");

  constructor(user: VirtualUser, options: OpenAiDriverOptions) {
    this.#user = user;
    this.#options = options;
    this.#url = below(options.url, "/chat/completions");
    this.#headers = jsonHeaders(options, "text/event-stream");
  }

  async send(step: ChatStep, onEvent: (event: StepEvent) => void): Promise<StepOutcome> {
    this.#open.require();
    if (step.messages.length === 0) {
      throw driverErrors.create("DRIVER_STEP_INVALID", "openai-chat: a step needs at least one message.");
    }
    const builder = new StepBuilder(onEvent);
    const body = JSON.stringify({
      ...this.#options.body,
      ...step.body,
      model: step.model ?? this.#options.model,
      messages: step.messages,
      ...(step.tools && { tools: step.tools }),
      ...(step.maxTokens !== undefined && { max_completion_tokens: step.maxTokens }),
      stream: true,
      stream_options: { include_usage: true },
    });
    let reason = "";
    const { response, text } = await exchangeEvents(
      this.#user,
      this.#options,
      { method: "POST", url: this.#url, headers: this.#headers, body },
      builder,
      (data, _event, at) => {
        if (data === "[DONE]") builder.done(at, reason === "" ? "stop" : reason);
        else reason = readChunk(builder, data, at) ?? reason;
      },
    );
    return builder.ofResponse(response, text);
  }

  close(): Promise<void> {
    this.#open.close();
    return Promise.resolve();
  }
}

/** Hot: once a chunk. @returns the finish reason where the chunk has one */
function readChunk(builder: StepBuilder, data: string, at: number): string | undefined {
  const chunk = parseEvent(builder, data, at);
  if (!chunk) return undefined;
  const error = chunk["error"];
  if (isObject(error)) builder.fail(at, "MODEL_FAILED", plainText(error["message"], "the model failed"));
  const usage = chatUsage(chunk["usage"]);
  if (usage) builder.usage(at, usage);
  const choices = chunk["choices"];
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
  if (!isObject(choice)) return undefined;
  const delta = choice["delta"];
  if (isObject(delta)) readDelta(builder, delta, at);
  const reason = choice["finish_reason"];
  return typeof reason === "string" ? reason : undefined;
}

function readDelta(builder: StepBuilder, delta: JsonObject, at: number): void {
  const content = delta["content"];
  if (typeof content === "string") builder.token(at, "content", content);
  // Two names are in use for it.
  const reasoning = delta["reasoning_content"] ?? delta["reasoning"];
  if (typeof reasoning === "string") builder.token(at, "reasoning", reasoning);
  const calls = delta["tool_calls"];
  if (!Array.isArray(calls)) return;
  for (const call of calls as unknown[]) {
    if (!isObject(call)) continue;
    const { name, arguments: input } = (isObject(call["function"]) ? call["function"] : {}) as {
      name?: unknown;
      arguments?: unknown;
    };
    builder.toolDelta(at, count(call["index"]) ?? 0, {
      ...(typeof call["id"] === "string" && { id: call["id"] }),
      ...(typeof name === "string" && { name }),
      ...(typeof input === "string" && { input }),
    });
  }
}

function chatUsage(value: unknown): TokenUsage | undefined {
  if (!isObject(value)) return undefined;
  const prompt = isObject(value["prompt_tokens_details"]) ? value["prompt_tokens_details"] : {};
  const completion = isObject(value["completion_tokens_details"]) ? value["completion_tokens_details"] : {};
  return tokenUsage(
    value["prompt_tokens"],
    prompt["cached_tokens"],
    value["completion_tokens"],
    completion["reasoning_tokens"],
  );
}

/** Counts that the server gave; the others stay absent. */
export function tokenUsage(input: unknown, cachedInput: unknown, output: unknown, reasoning: unknown): TokenUsage {
  const counts = {
    input: count(input),
    cachedInput: count(cachedInput),
    output: count(output),
    reasoning: count(reasoning),
  };
  return Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== undefined));
}
