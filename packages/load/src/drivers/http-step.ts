import type { VirtualUser } from "../engine/virtual-user.ts";
import type { HttpRequest, HttpResponse } from "../http/exchange.ts";
import { EventStreamParser } from "../sse/event-stream-parser.ts";
import { driverErrors } from "./errors.ts";
import type { StepBuilder } from "./step-builder.ts";

/** What drivers over HTTP have in common. */
export interface HttpDriverOptions {
  /** The address that the protocol's paths are appended to. */
  readonly url: string;
  /** Sent as `Authorization: Bearer …`. */
  readonly apiKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** From sending to the last byte; 0 for none. @defaultValue 120 000 */
  readonly timeoutMs?: number;
}

/** Enough of an error page. */
const ERROR_CHARACTERS = 64 * 1024;
/** For answers that may come in one piece. */
export const WHOLE_CHARACTERS: number = 16 * 2 ** 20;
const TIMEOUT_MS = 120_000;

/** @throws MettleError `DRIVER_OPTIONS_INVALID` unless the URL is http or https and the timeout a number ≥ 0 */
export function checkHttpOptions(driver: string, { url, timeoutMs = TIMEOUT_MS }: HttpDriverOptions): void {
  const problems: string[] = [];
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    problems.push(`url ${JSON.stringify(url)} is not an http address`);
  if (!(timeoutMs >= 0)) problems.push(`timeoutMs is ${timeoutMs}`);
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

export interface StepExchange {
  readonly response: HttpResponse;
  /** The beginning of a body that held no events: an error, or an answer in one piece. */
  readonly text: string;
}

/**
 * Sends a request and reads its answer as events. Hot: the handler runs once for each chunk of every stream.
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
  let events = 0;
  let text = "";
  const decoder = new TextDecoder();
  const parser = new EventStreamParser({
    onEvent: ({ data, type }, at) => {
      events++;
      onData(data, type, at);
    },
  });
  const response = await user.http.send(
    { ...request, timeoutMs: options.timeoutMs ?? TIMEOUT_MS, responseBody: "none", signal: user.signal },
    (chunk, at) => {
      builder.byte(at);
      if (events === 0 && text.length < keptCharacters) text += decoder.decode(chunk, { stream: true });
      parser.push(chunk, at);
    },
  );
  // A body in one piece may be a longer line than any event; it is no event stream at all.
  if (parser.problem !== "" && events > 0) {
    builder.fail(response.timings.startedAt + response.timings.duration, "STREAM_OVERFLOW", parser.problem);
  }
  return { response, text: events === 0 ? text : "" };
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
