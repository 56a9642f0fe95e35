import { type Clock, systemClock } from "@mettle/core";
import type { CloudEventIds } from "./cloud-event-id.ts";
import { signalErrors } from "./errors.ts";
import { checkData } from "./safe-json.ts";
import type { Signal } from "./signal.ts";
import { isSignalType, quoted } from "./signal-type.ts";

/** The attributes of CloudEvents 1.0, as its JSON format spells them; any further attribute is an extension. */
export interface CloudEvent {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  /** RFC 3339. */
  readonly time?: string;
  readonly datacontenttype?: string;
  readonly dataschema?: string;
  /** A JSON value, or bytes. */
  readonly data?: unknown;
  readonly [extension: string]: unknown;
}

/** What `fromCloudEvent` needs of its runtime. */
export interface SignalIds {
  next(): number;
}

/** Attributes of the outer form that a signal has no field for; they travel in `extensions`. */
const carried: readonly string[] = ["id", "datacontenttype", "dataschema", "time"];
const own: ReadonlySet<string> = new Set([
  "specversion",
  "type",
  "source",
  "subject",
  "traceparent",
  "data",
  "data_base64",
]);
const extensionName = /^[a-z0-9]+$/;
const rfc3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;
const traceparentForm = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;
const maxInteger = 2 ** 31;

/**
 * Writes a signal in the outer form. Its id is a UUIDv7, or what it had when it came from outside, so an event that is
 * passed on stays the same event.
 */
export function toCloudEvent(signal: Signal, ids: CloudEventIds): CloudEvent {
  const event: Record<string, unknown> = Object.assign(Object.create(null), {
    specversion: "1.0",
    id: ids.idOf(signal.time, signal.id),
    source: signal.source,
    type: signal.type,
    time: new Date(signal.time).toISOString(),
  }) as Record<string, unknown>;
  if (signal.subject !== undefined) event["subject"] = signal.subject;
  if (signal.traceparent !== undefined) event["traceparent"] = signal.traceparent;
  if (signal.extensions !== undefined) {
    for (const [name, value] of Object.entries(signal.extensions)) if (!own.has(name)) event[name] = value;
  }
  if (signal.data !== undefined) event["data"] = signal.data;
  return event as unknown as CloudEvent;
}

/**
 * Reads an event from outside as a signal of this runtime. Checks every attribute by the specification and the type by
 * our grammar; refuses data whose keys would reach a prototype. The data is taken as it is, not copied.
 *
 * @param clock - stamps events that carry no time
 * @throws MettleError `SIGNAL_INVALID` naming every problem, `SIGNAL_TYPE_INVALID`, `SIGNAL_UNSAFE`, `SIGNAL_TOO_LARGE`
 */
export function fromCloudEvent(event: unknown, ids: SignalIds, clock: Clock = systemClock): Signal {
  const problems = cloudEventProblems(event);
  if (problems.length > 0) {
    throw signalErrors.create("SIGNAL_INVALID", `The event is no CloudEvent: ${problems.join("; ")}.`, {
      details: { problems },
    });
  }
  const attributes = event as CloudEvent;
  if (!isSignalType(attributes.type)) {
    throw signalErrors.create("SIGNAL_TYPE_INVALID", `${quoted(attributes.type)} is not a type of signal.`, {
      details: { type: attributes.type.slice(0, 300) },
    });
  }
  const data = dataOf(attributes);
  checkData(data);
  const time = attributes.time === undefined ? clock.wallTime() : Date.parse(attributes.time.toUpperCase());
  return {
    id: ids.next(),
    type: attributes.type,
    source: attributes.source,
    time,
    data,
    subject: attributes.subject,
    traceparent: attributes["traceparent"] as string | undefined,
    extensions: extensionsOf(attributes, time),
  };
}

/** One line for each thing that makes a value no CloudEvent 1.0; none when it is one. */
export function cloudEventProblems(event: unknown): string[] {
  if (typeof event !== "object" || event === null || Array.isArray(event)) return ["it is not an object"];
  const problems: string[] = [];
  const attributes = event as Readonly<Record<string, unknown>>;
  const attribute = (name: string): unknown => (Object.hasOwn(attributes, name) ? attributes[name] : undefined);
  if (attribute("specversion") !== "1.0") problems.push('specversion must be "1.0"');
  for (const name of ["id", "source", "type"]) {
    if (!isText(attribute(name))) problems.push(`${name} must be a string that is not empty`);
  }
  for (const name of ["subject", "datacontenttype", "dataschema"]) {
    const value = attribute(name);
    if (value !== undefined && !isText(value)) problems.push(`${name} must be a string that is not empty`);
  }
  const time = attribute("time");
  if (time !== undefined && !isTime(time)) problems.push("time must be a time as RFC 3339 writes it");
  const traceparent = attribute("traceparent");
  if (traceparent !== undefined && !(typeof traceparent === "string" && traceparentForm.test(traceparent))) {
    problems.push("traceparent must have the form of W3C trace context");
  }
  if (attribute("data") !== undefined && attribute("data_base64") !== undefined) {
    problems.push("data and data_base64 exclude each other");
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (own.has(name) || carried.includes(name)) continue;
    if (!extensionName.test(name)) problems.push(`${quoted(name)} is no attribute name: use a-z and 0-9`);
    else if (!isExtensionValue(value)) problems.push(`${name} must be a string, a boolean or a 32-bit integer`);
  }
  return problems;
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

const isTime = (value: unknown): boolean =>
  typeof value === "string" && rfc3339.test(value) && !Number.isNaN(Date.parse(value.toUpperCase()));

const isExtensionValue = (value: unknown): value is string | number | boolean =>
  typeof value === "string" ||
  typeof value === "boolean" ||
  (Number.isInteger(value) && (value as number) >= -maxInteger && (value as number) < maxInteger);

/** Bytes, when the event has them as base64. */
function dataOf(event: CloudEvent): unknown {
  const encoded = Object.hasOwn(event, "data_base64") ? event["data_base64"] : undefined;
  if (encoded === undefined) return Object.hasOwn(event, "data") ? event.data : undefined;
  if (typeof encoded !== "string" || encoded.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) {
    throw signalErrors.create("SIGNAL_INVALID", "The event is no CloudEvent: data_base64 must be base64.");
  }
  return new Uint8Array(Buffer.from(encoded, "base64"));
}

/** On an object without a prototype: an extension may be called `constructor`. */
function extensionsOf(event: CloudEvent, timeMs: number): Signal["extensions"] {
  const extensions = Object.create(null) as Record<string, string | number | boolean>;
  for (const [name, value] of Object.entries(event)) {
    if (own.has(name) || !isExtensionValue(value)) continue;
    // Kept only where milliseconds would not write it again as it was.
    if (name === "time" && value === new Date(timeMs).toISOString()) continue;
    extensions[name] = value;
  }
  return extensions;
}
