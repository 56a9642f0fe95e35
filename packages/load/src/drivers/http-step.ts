import type { VirtualUser } from "../engine/virtual-user.ts";
import type { HttpRequest, HttpResponse } from "../http/exchange.ts";
import { EventStreamParser } from "../sse/event-stream-parser.ts";
import { driverErrors } from "./errors.ts";
import { endOf, type StepBuilder } from "./step-builder.ts";

/** What drivers over HTTP have in common. */
export interface HttpDriverOptions {
  /** The address that the protocol's paths are appended to. */
  readonly url: string;
  /** Sent as `Authorization: Bearer …`. */
  readonly apiKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** From sending to the last byte; 0 for none. @defaultValue 120 000 */
  readonly timeoutMs?: number;
  /** An answer beyond it is cut off as `STREAM_OVERFLOW`. @defaultValue 16 MiB */
  readonly maxAnswerBytes?: number;
}

/** Enough of an error page. */
const ERROR_CHARACTERS = 64 * 1024;
/** For answers that may come in one piece. */
export const WHOLE_CHARACTERS: number = 16 * 2 ** 20;
const TIMEOUT_MS = 120_000;
const ANSWER_BYTES = 16 * 2 ** 20;

/** @throws MettleError `DRIVER_OPTIONS_INVALID` unless the URL is http or https and the limits are numbers ≥ 0 */
export function checkHttpOptions(driver: string, options: HttpDriverOptions): void {
  const { url, timeoutMs = TIMEOUT_MS, maxAnswerBytes = ANSWER_BYTES } = options;
  const problems: string[] = [];
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    problems.push(`url ${JSON.stringify(url)} is not an http address`);
  if (!(timeoutMs >= 0)) problems.push(`timeoutMs is ${timeoutMs}`);
  if (!(maxAnswerBytes >= 0)) problems.push(`maxAnswerBytes is ${maxAnswerBytes}`);
  if (problems.length > 0) {
    throw driverErrors.create("DRIVER_OPTIONS_INVALID", `${driver}: ${problems.join("; ")}.`, {
      details: { problems },
    });
  }
}

/** An address below the base, whether or not the base ends with a slash. */
export const below = (url: string, path: string): string => url.replace(/\/+$/, "") + path;

/** The headers of a JSON request. Made once a session, not once a step. */
export function jsonHeaders(options: HttpDriverOptions, accept: string): readonly (readonly [string, string])[] {
  const given = Object.entries(options.headers ?? {});
  const named = new Set(given.map(([name]) => name.toLowerCase()));
  const own: [string, string][] = [
    ["content-type", "application/json"],
    ["accept", accept],
  ];
  if (options.apiKey !== undefined) own.push(["authorization", `Bearer ${options.apiKey}`]);
  return [...own.filter(([name]) => !named.has(name)), ...given];
}

/** The code of a step that the end of the run cut off. It is in no metric. */
export const ABORTED = "ABORTED";

export interface StepExchange {
  readonly response: HttpResponse;
  /** The beginning of a body that held no events: an error, or an answer in one piece. */
  readonly text: string;
}

/**
 * Sends a request and reads its answer as events.
 *
 * @param onData - an event's data; what it throws would be a defect, so it reports through the builder
 * @param keptCharacters - how much is kept of a body that holds no events
 */
export async function exchangeEvents(
  user: VirtualUser,
  options: HttpDriverOptions,
  request: Pick<HttpRequest, "method" | "url" | "headers" | "body">,
  builder: StepBuilder,
  onData: (data: string, event: string, at: number) => void,
  keptCharacters: number = ERROR_CHARACTERS,
): Promise<StepExchange> {
  const answer = new EventAnswer(builder, onData, keptCharacters, options.maxAnswerBytes ?? ANSWER_BYTES);
  const onAbort = (): void => answer.cut.abort();
  user.signal.addEventListener("abort", onAbort, { once: true });
  try {
    const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    const response = await user.http.send(
      { ...request, timeoutMs, responseBody: "none", signal: answer.cut.signal },
      (chunk, at) => answer.push(chunk, at),
    );
    // A run that ends cuts its requests off; that is no failure of the server's.
    if (response.failure && user.signal.aborted) {
      builder.fail(endOf(response.timings), ABORTED, "the load test ended before the answer did");
    }
    return { response, text: answer.text };
  } finally {
    user.signal.removeEventListener("abort", onAbort);
  }
}

/** Reads one answer, within limits: a server may send without end. */
class EventAnswer {
  /** Aborted when no more of the answer is wanted. */
  readonly cut = new AbortController();
  readonly #builder: StepBuilder;
  readonly #parser: EventStreamParser;
  readonly #decoder = new TextDecoder();
  readonly #keptCharacters: number;
  readonly #maxBytes: number;
  #bytes = 0;
  #events = 0;
  #text = "";

  constructor(
    builder: StepBuilder,
    onData: (data: string, event: string, at: number) => void,
    keptCharacters: number,
    maxBytes: number,
  ) {
    this.#builder = builder;
    this.#keptCharacters = keptCharacters;
    this.#maxBytes = maxBytes;
    this.#parser = new EventStreamParser({
      onEvent: ({ data, type }, at) => {
        this.#events++;
        onData(data, type, at);
      },
    });
  }

  /** The beginning of a body that held no events. */
  get text(): string {
    return this.#events === 0 ? this.#text : "";
  }

  /** Hot: once for each chunk of every stream. */
  push(chunk: Uint8Array, at: number): void {
    if (this.cut.signal.aborted) return;
    this.#builder.byte(at);
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) {
      this.#overflow(at, `the answer exceeds ${this.#maxBytes} bytes`);
      return;
    }
    if (this.#events === 0 && this.#text.length < this.#keptCharacters) {
      this.#text += this.#decoder.decode(chunk, { stream: true });
    }
    this.#parser.push(chunk, at);
    // A body in one piece may be a longer line than any event; it is no event stream at all.
    if (this.#parser.problem !== "" && this.#events > 0) this.#overflow(at, this.#parser.problem);
  }

  #overflow(at: number, problem: string): void {
    this.#builder.fail(at, "STREAM_OVERFLOW", problem);
    this.cut.abort();
  }
}

/** Data of an event as a JSON object; reports and returns undefined for anything else. */
export function parseEvent(
  builder: StepBuilder,
  data: string,
  at: number,
): Readonly<Record<string, unknown>> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    // What a malformed event looks like is a fact about the server, recorded as such.
    builder.fail(at, "STREAM_MALFORMED", `an event is not JSON: ${data.slice(0, 100)}`);
    return undefined;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>;
  builder.fail(at, "STREAM_MALFORMED", `an event is not an object: ${data.slice(0, 100)}`);
  return undefined;
}

/** Throws once a session was closed. */
export class OpenFlag {
  #open = true;
  readonly #driver: string;

  constructor(driver: string) {
    this.#driver = driver;
  }

  close(): void {
    this.#open = false;
  }

  /** @throws MettleError `DRIVER_SESSION_CLOSED` */
  require(): void {
    if (!this.#open) throw driverErrors.create("DRIVER_SESSION_CLOSED", `${this.#driver}: the session is closed.`);
  }
}
