import type { HttpResponse, HttpTimings } from "../http/exchange.ts";
import type { StepEvent, StepOutcome, TokenKind, TokenUsage } from "./driver.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Text, numbers and truths as text; anything else is not what belongs there. */
export const plainText = (value: unknown, otherwise: string = ""): string =>
  typeof value === "string"
    ? value
    : typeof value === "number" || typeof value === "boolean"
      ? String(value)
      : otherwise;

/** A number that is a count, or nothing. */
export const count = (value: unknown): number | undefined =>
  typeof value === "number" && value >= 0 && Number.isFinite(value) ? value : undefined;

/** When an exchange was over: the wait for a connection is no part of its duration. */
export const endOf = ({ startedAt, blocked, duration }: HttpTimings): number => startedAt + blocked + duration;

interface PendingCall {
  id: string;
  name: string;
  input: string;
}

/**
 * Collects one step: emits its events in order and ends as its outcome. What drivers have in common, so that the same
 * stream means the same events whatever the protocol.
 *
 * Codes of failed outcomes: `HTTP_<status>`; `NETWORK_<k6 error code>`; `STREAM_TRUNCATED`, the answer ended before it was
 * finished; `STREAM_MALFORMED`, an event was not what the protocol says; `STREAM_OVERFLOW`; `RPC_<code>`; `MODEL_FAILED`,
 * `TASK_FAILED` and `TOOL_FAILED`, the other side said so itself.
 */
export class StepBuilder {
  readonly #onEvent: (event: StepEvent) => void;
  readonly #calls = new Map<string | number, PendingCall>();
  #text = "";
  #sawByte = false;
  #sawToken = false;
  #usage: TokenUsage | undefined;
  #error: { readonly code: string; readonly message: string } | undefined;
  #doneReason: string | undefined;
  #lastAt = Number.NaN;

  constructor(onEvent: (event: StepEvent) => void) {
    this.#onEvent = onEvent;
  }

  get finished(): boolean {
    return this.#doneReason !== undefined;
  }

  get failed(): boolean {
    return this.#error !== undefined;
  }

  byte(at: number): void {
    this.#lastAt = at;
    if (this.#sawByte) return;
    this.#sawByte = true;
    this.#onEvent({ type: "firstByte", at });
  }

  /** Hot. Empty text is no token, nor is what comes after the end. */
  token(at: number, kind: TokenKind, text: string): void {
    if (text === "" || this.#doneReason !== undefined) return;
    if (!this.#sawToken) {
      this.#sawToken = true;
      this.#onEvent({ type: "firstToken", at, kind });
    }
    if (kind === "content") this.#text += text;
    this.#onEvent({ type: "token", at, kind, text });
  }

  /** A piece of a tool call: the name and id come first, the input in pieces. */
  toolDelta(at: number, key: string | number, part: { id?: string; name?: string; input?: string }): void {
    if (this.#doneReason !== undefined) return;
    const call = this.#calls.get(key) ?? { id: "", name: "", input: "" };
    call.id = part.id ?? call.id;
    call.name += part.name ?? "";
    call.input += part.input ?? "";
    this.#calls.set(key, call);
    // The first piece is output even while its arguments are still empty: the model has decided.
    this.token(at, "tool", (part.name ?? "") + (part.input ?? ""));
  }

  usage(at: number, usage: TokenUsage): void {
    if (this.#doneReason !== undefined) return;
    this.#usage = usage;
    this.#onEvent({ type: "usage", at, usage });
  }

  toolResult(at: number, callId: string, failed: boolean): void {
    this.#onEvent({ type: "toolResult", at, callId, failed });
  }

  /** The first error stands; later ones follow from it. */
  fail(at: number, code: string, message: string): void {
    if (this.#error) return;
    this.#error = { code, message };
    this.#onEvent({ type: "error", at, code, message });
  }

  done(at: number, reason: string): void {
    if (this.#doneReason !== undefined) return;
    this.#doneReason = reason;
    for (const { id, name, input } of this.#calls.values()) {
      this.#onEvent({ type: "toolCall", at, name, callId: id, input });
    }
    this.#onEvent({ type: "done", at, reason });
  }

  outcome(startedAt: number, endedAt: number): StepOutcome {
    return {
      ok: this.#error === undefined,
      startedAt,
      endedAt,
      text: this.#text,
      toolCalls: [...this.#calls.values()].map(({ id, name, input }) => ({ id, name, input })),
      ...(this.#usage && { usage: this.#usage }),
      ...(this.#error && { error: this.#error }),
    };
  }

  /**
   * The outcome of an HTTP exchange: whatever went wrong below the protocol is said first.
   *
   * @param errorText - what the server sent instead of an answer
   */
  ofResponse(response: HttpResponse, errorText: string): StepOutcome {
    const { timings, failure, status } = response;
    const endedAt = Math.max(endOf(timings), Number.isNaN(this.#lastAt) ? 0 : this.#lastAt);
    if (failure) {
      const code = this.#sawByte && status >= 200 && status < 300 ? "STREAM_TRUNCATED" : `NETWORK_${failure.code}`;
      this.fail(endedAt, code, failure.message);
    } else if (status < 200 || status >= 300) this.fail(endedAt, `HTTP_${status}`, serverMessage(errorText, status));
    else if (!this.finished) this.fail(endedAt, "STREAM_TRUNCATED", "the answer ended before it was finished");
    return this.outcome(timings.startedAt, endedAt);
  }
}

/** The message within an error body, or the body's beginning. */
export function serverMessage(text: string, status: number): string {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // Error pages are often HTML or plain text; their beginning says enough.
    return text.trim() === "" ? `status ${status}` : text.trim().slice(0, 200);
  }
  const error = isObject(body) ? body["error"] : undefined;
  const message = isObject(error) ? error["message"] : error;
  return typeof message === "string" ? message.slice(0, 500) : text.slice(0, 200);
}
