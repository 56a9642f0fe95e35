import { messageOf } from "@mettle/core";
import type { CloudEvent } from "./cloud-event.ts";
import { cloudEventProblems } from "./cloud-event.ts";
import { signalErrors } from "./errors.ts";
import { type JsonLimits, jsonLimits, parseJson } from "./safe-json.ts";

/** An event as an HTTP message carries it. Header names are in lower case. */
export interface CloudEventMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** Headers as Node gives them, names in lower case. */
export type MessageHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

const structuredType = "application/cloudevents+json";
const batchType = "application/cloudevents-batch+json";
const jsonType = /^(?:application|text)\/(?:[\w.+-]+\+)?json$/;

/**
 * The whole event as one JSON document (structured mode).
 *
 * @throws MettleError `SIGNAL_UNWRITABLE` when the data cannot be JSON: a cycle, a bigint, a function
 */
export function toStructured(event: CloudEvent): CloudEventMessage {
  const { data, ...attributes } = event;
  const document = data instanceof Uint8Array ? { ...attributes, data_base64: base64(data) } : event;
  return { headers: { "content-type": `${structuredType}; charset=utf-8` }, body: stringify(document) };
}

/** Attributes as `ce-` headers, data as the body (binary mode). */
export function toBinary(event: CloudEvent): CloudEventMessage {
  // A header could be called __proto__ only if an attribute were; names are a-z and 0-9.
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(event)) {
    if (name === "data" || name === "datacontenttype" || value === undefined) continue;
    headers[`ce-${name}`] = encodeHeader(typeof value === "string" ? value : JSON.stringify(value));
  }
  const { data, datacontenttype } = event;
  if (data instanceof Uint8Array) {
    return { headers: { ...headers, "content-type": datacontenttype ?? "application/octet-stream" }, body: data };
  }
  if (datacontenttype !== undefined && typeof data === "string" && !isJson(datacontenttype)) {
    return { headers: { ...headers, "content-type": datacontenttype }, body: data };
  }
  if (data === undefined) {
    return {
      headers: datacontenttype === undefined ? headers : { ...headers, "content-type": datacontenttype },
      body: "",
    };
  }
  return { headers: { ...headers, "content-type": datacontenttype ?? "application/json" }, body: stringify(data) };
}

/**
 * Reads the event or events of an HTTP message: structured, batched or binary mode by its content type.
 * Checked to be CloudEvents; `fromCloudEvent` makes signals of them.
 *
 * @throws MettleError `SIGNAL_INVALID`, `SIGNAL_TOO_LARGE`, `SIGNAL_UNSAFE`
 */
export function fromHttp(
  headers: MessageHeaders,
  body: string | Uint8Array,
  limits: JsonLimits = jsonLimits,
): CloudEvent[] {
  const size = typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;
  if (size > limits.maxBytes) {
    throw signalErrors.create("SIGNAL_TOO_LARGE", `The event is longer than ${limits.maxBytes} bytes.`);
  }
  const mediaType = mediaTypeOf(header(headers, "content-type"));
  if (mediaType === structuredType) return [checked(parseJson(textOf(body), limits))];
  if (mediaType === batchType) {
    const events = parseJson(textOf(body), limits);
    if (!Array.isArray(events)) throw invalid("a batch is a list");
    return events.map(checked);
  }
  if (mediaType.startsWith("application/cloudevents")) throw invalid(`the format ${mediaType} is not supported`);
  return [checked(readBinary(headers, body, limits))];
}

function readBinary(headers: MessageHeaders, body: string | Uint8Array, limits: JsonLimits): CloudEvent {
  const event = Object.create(null) as Record<string, unknown>;
  for (const name of Object.keys(headers)) {
    if (!name.startsWith("ce-")) continue;
    const value = header(headers, name);
    if (value !== undefined) event[name.slice(3)] = decodeHeader(value);
  }
  if (event["data"] !== undefined || event["data_base64"] !== undefined) throw invalid("data is no header");
  const contentType = header(headers, "content-type");
  if (contentType !== undefined) event["datacontenttype"] = contentType;
  if (body.length > 0) {
    if (isJson(contentType ?? "application/json")) event["data"] = parseJson(textOf(body), limits);
    else event["data"] = mediaTypeOf(contentType).startsWith("text/") ? textOf(body) : bytesOf(body);
  }
  return event as unknown as CloudEvent;
}

function checked(event: unknown): CloudEvent {
  const problems = cloudEventProblems(event);
  if (problems.length > 0) throw invalid(problems.join("; "));
  return event as CloudEvent;
}

function header(headers: MessageHeaders, name: string): string | undefined {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
  return typeof value === "string" || value === undefined ? value : value.join(", ");
}

const mediaTypeOf = (contentType: string | undefined): string =>
  (contentType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";

const isJson = (contentType: string): boolean => jsonType.test(mediaTypeOf(contentType));

const base64 = (data: Uint8Array): string =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");

const bytesOf = (body: string | Uint8Array): Uint8Array =>
  typeof body === "string" ? new Uint8Array(Buffer.from(body)) : body;

/** Bytes that are not UTF-8 are refused: replacing them would change the event. */
function textOf(body: string | Uint8Array): string {
  if (typeof body === "string") return body;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch (error) {
    throw signalErrors.create("SIGNAL_INVALID", "The event is not UTF-8.", { cause: error });
  }
}

function stringify(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw signalErrors.create("SIGNAL_UNWRITABLE", `The signal cannot be JSON: ${messageOf(error)}.`, { cause: error });
  }
  if (text === undefined) {
    throw signalErrors.create("SIGNAL_UNWRITABLE", `The signal's data is a ${typeof value}, which JSON has not.`);
  }
  return text;
}

/** Space, `"`, `%` and whatever is no printable ASCII become %XX of their UTF-8 (HTTP binding, section 3.1.3.2). */
function encodeHeader(value: string): string {
  return value
    .toWellFormed()
    .replace(/[^\u0021\u0023\u0024\u0026-\u007e]+/gu, (part) =>
      Array.from(Buffer.from(part), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
    );
}

function decodeHeader(value: string): string {
  const bare = /^"(?:[^"\\]|\\.)*"$/.test(value) ? value.slice(1, -1).replace(/\\(.)/g, "$1") : value;
  try {
    return bare.replace(/(?:%[0-9a-fA-F]{2})+/g, (part) => decodeURIComponent(part));
  } catch (error) {
    throw signalErrors.create("SIGNAL_INVALID", "The event has a header that is not percent-encoded UTF-8.", {
      cause: error,
    });
  }
}

const invalid = (why: string): Error =>
  signalErrors.create("SIGNAL_INVALID", `The event is no CloudEvent: ${why}.`, { details: { problems: [why] } });
