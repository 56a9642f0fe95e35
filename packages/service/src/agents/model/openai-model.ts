import { CircuitBreaker } from "@mettle/agents";
import { type Clock, MettleError, messageOf, type Milliseconds, ms } from "@mettle/core";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { TaskFailure } from "../agent-type.ts";
import type { ChatModel, ModelRequest } from "./chat-model.ts";

export interface OpenAiModelOptions {
  /** `https://host/v1`; the path of the operation is put after it. */
  readonly baseUrl: string;
  readonly name: string;
  readonly apiKey?: string;
  readonly clock: Clock;
  /** A model that sends nothing for so long is given up. */
  readonly silentAtMost: Milliseconds;
}

export interface ModelStatistics {
  readonly answered: number;
  readonly failed: number;
  readonly retried: number;
}

const attempts = 3;
const firstBackoffMs = 500;
const backoffAtMostMs = 20_000;
/** No answer is so long; one that never ends must. */
const charactersAtMost = 400_000;
const worthAnother = new Set([408, 429, 500, 502, 503, 504]);

/** Failed in a way that may pass: `retryAfterMs` is what the model's server asked for. */
class Passing extends Error {
  readonly retryAfterMs: number | undefined;
  constructor(message: string, retryAfterMs?: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * A model behind OpenAI's chat completions, streaming. What fails before the answer has begun is tried again; an answer that
 * breaks off is not, because its beginning has been passed on. When it keeps failing it is left alone for a while.
 */
export class OpenAiModel implements ChatModel {
  readonly #options: OpenAiModelOptions;
  readonly #url: string;
  readonly #breaker: CircuitBreaker;
  readonly #counts = { answered: 0, failed: 0, retried: 0 };

  constructor(options: OpenAiModelOptions) {
    this.#options = options;
    this.#url = `${options.baseUrl.replace(/\/+$/, "")}/chat/completions`;
    this.#breaker = new CircuitBreaker({
      clock: options.clock,
      isFailure: (error) => error instanceof Passing || (error instanceof TaskFailure && error.retryable),
    });
  }

  get name(): string {
    return this.#options.name;
  }

  get statistics(): ModelStatistics {
    return { ...this.#counts };
  }

  async write(request: ModelRequest): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      try {
        const text = await this.#breaker.run(() => this.#ask(request));
        this.#counts.answered += 1;
        return text;
      } catch (thrown) {
        request.signal.throwIfAborted();
        const passing = thrown instanceof Passing;
        if (!passing || attempt === attempts) {
          this.#counts.failed += 1;
          throw failureOf(thrown);
        }
        this.#counts.retried += 1;
        const wait = thrown.retryAfterMs ?? firstBackoffMs * 2 ** (attempt - 1);
        await this.#options.clock.sleep(ms(Math.min(backoffAtMostMs, wait)), request.signal);
      }
    }
  }

  async #ask(request: ModelRequest): Promise<string> {
    const { clock, silentAtMost } = this.#options;
    const silent = new AbortController();
    const over = new AbortController();
    let heardAt = clock.now();
    const watch = async (): Promise<void> => {
      while (!over.signal.aborted) {
        await clock.sleep(silentAtMost, over.signal);
        if ((clock.now() - heardAt) / 1e6 >= silentAtMost) silent.abort();
      }
    };
    void watch().catch(() => undefined); // the answer came first
    const answer = new Answer(request.onText);
    try {
      const response = await this.#send(request, AbortSignal.any([request.signal, silent.signal]));
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? []) {
        heardAt = clock.now();
        answer.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
        if (answer.complete) break;
      }
    } catch (thrown) {
      request.signal.throwIfAborted();
      if (thrown instanceof TaskFailure) throw thrown;
      const message = silent.signal.aborted ? `it sent nothing for ${silentAtMost} ms` : networkMessage(thrown);
      if (answer.text !== "") throw cutOff(message);
      throw thrown instanceof Passing ? thrown : new Passing(message);
    } finally {
      over.abort();
    }
    if (answer.complete) return answer.text;
    if (answer.text !== "") throw cutOff("the connection ended");
    throw new Passing("it ended without an answer");
  }

  async #send({ instruction, material, maxTokens, settings }: ModelRequest, signal: AbortSignal): Promise<Response> {
    const { name, apiKey } = this.#options;
    const response = await fetch(this.#url, {
      method: "POST",
      redirect: "error", // the key is for this address alone
      headers: {
        "content-type": "application/json",
        accept: "text/event-stream",
        ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify({
        model: name,
        stream: true,
        max_tokens: Math.min(maxTokens, settings?.maxTokens ?? maxTokens),
        temperature: settings?.temperature ?? 0,
        messages: [
          { role: "system", content: instruction },
          { role: "user", content: material },
        ],
      }),
      signal,
    });
    if (response.ok) return response;
    await response.body?.cancel();
    if (worthAnother.has(response.status)) {
      throw new Passing(`it answered ${response.status}`, retryAfterMs(response.headers.get("retry-after")));
    }
    throw new TaskFailure("MODEL_REFUSED", `The model refused the request with status ${response.status}.`);
  }
}

/** The text of a streamed answer, as far as it has come. */
class Answer {
  text = "";
  /** The model has said that it has ended. */
  complete = false;
  readonly #onText: ((text: string) => void) | undefined;
  readonly #parser = createParser({ onEvent: (event) => this.#take(event) });

  constructor(onText: ((text: string) => void) | undefined) {
    this.#onText = onText;
  }

  feed(chunk: string): void {
    this.#parser.feed(chunk);
  }

  #take({ data }: EventSourceMessage): void {
    if (this.complete) return;
    if (data === "[DONE]") {
      this.complete = true;
      return;
    }
    const { error, choices } = chunkOf(data);
    if (error !== undefined) throw new Passing("it reported an error");
    const [choice] = choices ?? [];
    const piece = choice?.delta?.content ?? "";
    if (piece !== "") {
      this.text += piece;
      this.#onText?.(piece);
    }
    if (typeof choice?.finish_reason === "string") this.complete = true;
    if (this.text.length > charactersAtMost) throw cutOff("its answer did not end");
  }
}

interface Chunk {
  readonly error?: unknown;
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null };
    readonly finish_reason?: string | null;
  }[];
}

function chunkOf(data: string): Chunk {
  try {
    return JSON.parse(data) as Chunk;
  } catch {
    throw new Passing("it sent an event that is no JSON");
  }
}

const cutOff = (reason: string): TaskFailure =>
  new TaskFailure("MODEL_CUT_OFF", `The model's answer broke off: ${reason}.`, true);

function failureOf(thrown: unknown): unknown {
  if (thrown instanceof TaskFailure) return thrown;
  const reason = thrown instanceof MettleError ? "it kept failing and is left alone for a while" : messageOf(thrown);
  return new TaskFailure("MODEL_UNAVAILABLE", `The model could not be reached: ${reason}.`, true);
}

/** `fetch failed` says nothing: the cause does. */
const networkMessage = (thrown: unknown): string =>
  thrown instanceof Error && thrown.cause !== undefined ? messageOf(thrown.cause) : messageOf(thrown);

function retryAfterMs(header: string | null): number | undefined {
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : undefined;
}
