import { linesOf, type TextSource } from "@mettle/results";
import { tooLong } from "./csv-table.ts";
import { type RecordedCall, type TraceSession, traceSession } from "./dependencies.ts";
import { invalidTrace, traceErrors } from "./errors.ts";
import type { ReadTraceOptions } from "./trace.ts";

export interface OtelTraceOptions extends ReadTraceOptions {
  /** Characters of one JSON document. @defaultValue 64 Mi */
  readonly maxCharacters?: number;
  /** Spans held at once. @defaultValue 200 000 */
  readonly maxSpans?: number;
  /**
   * How predecessors are found where spans neither link nor have an ended parent: `content`, an answer that a later request
   * quotes; `time`, whatever ended before; `auto`, content where both sides recorded it. @defaultValue auto
   */
  readonly dependencies?: "auto" | "content" | "time";
}

type Json = Readonly<Record<string, unknown>>;

/**
 * Agent traces of OpenTelemetry as sessions of dependent calls: `{spans: […]}` as tracing tools write them, OTLP JSON
 * (`resourceSpans`), one document or one a line. Spans without `gen_ai.*` are left out, except as links between others.
 * One session for each `gen_ai.conversation.id` or `session.id`, else for each trace.
 *
 * @throws MettleError `TRACE_INVALID` with the span, `TRACE_TOO_LARGE`, `TRACE_EMPTY`
 */
export async function readOtelTrace(text: TextSource, options: OtelTraceOptions = {}): Promise<TraceSession[]> {
  const { source = "trace", maxSpans = 200_000 } = options;
  const sessions = new Map<string, RecordedCall[]>();
  let spans = 0;
  for await (const document of documents(text, source, options.maxCharacters ?? 64 * 2 ** 20)) {
    for (const { span, resource } of spansOf(document.value, source, document.place)) {
      if (++spans > maxSpans) {
        throw traceErrors.create("TRACE_TOO_LARGE", `${source}: more than ${maxSpans} spans.`, {
          details: { source, maxSpans },
        });
      }
      const call = readSpan(span, resource, source, `span ${spans}`);
      if (!call) continue;
      const { session, ...recorded } = call;
      const known = sessions.get(session);
      if (known) known.push(recorded);
      else sessions.set(session, [recorded]);
    }
  }
  if (sessions.size === 0)
    throw traceErrors.create("TRACE_EMPTY", `${source}: there is no span with gen_ai attributes.`);
  const begins = Math.min(...[...sessions.values()].flatMap((calls) => calls.map(({ startMs }) => startMs)));
  return [...sessions]
    .map(([id, calls]) => traceSession(id, calls, begins, options.dependencies ?? "auto", source))
    .sort((a, b) => a.atMs - b.atMs);
}

/** A file is one document, perhaps over many lines, or one document a line. */
async function* documents(
  text: TextSource,
  source: string,
  maxCharacters: number,
): AsyncGenerator<{ readonly value: unknown; readonly place: string }> {
  let gathered = "";
  let from = 1;
  for await (const { number, text: line } of linesOf(text, (at) => tooLong(source, at))) {
    if (gathered === "") {
      from = number;
      const whole = parse(line);
      if (whole.ok) {
        yield { value: whole.value, place: `line ${number}` };
        continue;
      }
    }
    gathered += `${line}\n`;
    if (gathered.length > maxCharacters) {
      const message = `${source}: a document is longer than ${maxCharacters} characters.`;
      throw traceErrors.create("TRACE_TOO_LARGE", message, { details: { source, maxCharacters } });
    }
  }
  if (gathered === "") return;
  const rest = parse(gathered);
  if (!rest.ok) throw invalidTrace(source, `line ${from}`, "what begins there is not JSON", rest.cause);
  yield { value: rest.value, place: `line ${from}` };
}

function parse(text: string): { ok: true; value: unknown } | { ok: false; cause: unknown } {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (cause) {
    return { ok: false, cause };
  }
}

interface FoundSpan {
  readonly span: Json;
  readonly resource: Json;
}

function* spansOf(document: unknown, source: string, place: string): Generator<FoundSpan> {
  if (!isObject(document)) throw invalidTrace(source, place, "a trace is an object with spans or resourceSpans");
  if (Array.isArray(document["spans"])) {
    for (const span of objects(document["spans"], source, place)) {
      yield { span, resource: isObject(span["resource_attributes"]) ? span["resource_attributes"] : {} };
    }
  } else if (Array.isArray(document["resourceSpans"])) {
    for (const group of objects(document["resourceSpans"], source, place)) {
      const resource = isObject(group["resource"]) ? attributesOf(group["resource"]["attributes"]) : {};
      for (const scope of objects(group["scopeSpans"] ?? [], source, place)) {
        for (const span of objects(scope["spans"] ?? [], source, place)) yield { span, resource };
      }
    }
  } else throw invalidTrace(source, place, "it has neither spans nor resourceSpans");
}

function objects(value: unknown, source: string, place: string): Json[] {
  if (!Array.isArray(value) || !value.every(isObject))
    throw invalidTrace(source, place, "spans must be a list of objects");
  return value;
}

/** Undefined for a span that is no call of a model or a tool. */
function readSpan(
  span: Json,
  resource: Json,
  source: string,
  place: string,
): (RecordedCall & { session: string }) | undefined {
  const attributes = attributesOf(span["attributes"]);
  const operation = text(attributes["gen_ai.operation.name"]);
  const kind = operation === "execute_tool" ? "tool" : modelOperations.has(operation ?? "") ? "llm" : undefined;
  if (!kind) return undefined;
  const id = text(span["span_id"]) ?? text(span["spanId"]);
  const trace = text(span["trace_id"]) ?? text(span["traceId"]);
  if (id === undefined) throw invalidTrace(source, place, "it has no span_id");
  const at = `${place} (${id})`;
  const startMs = readTime(span["start_time"] ?? span["startTimeUnixNano"], source, at, "start");
  const endMs = readTime(span["end_time"] ?? span["endTimeUnixNano"], source, at, "end");
  if (endMs < startMs) throw invalidTrace(source, at, "it ends before it starts");
  const parent = text(span["parent_span_id"]) ?? text(span["parentSpanId"]);
  const links = Array.isArray(span["links"]) ? span["links"] : [];
  const input = count(attributes, ["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"], source, at);
  const output = count(attributes, ["gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"], source, at);
  const cached = count(attributes, ["gen_ai.usage.cache_read.input_tokens"], source, at);
  const said = text(attributes["gen_ai.output.text"]) ?? messageText(attributes["gen_ai.output.messages"]);
  const heard = messageText(attributes["gen_ai.input.messages"]);
  const session =
    text(attributes["gen_ai.conversation.id"]) ??
    text(attributes["session.id"]) ??
    Object.entries(attributes).find(([key]) => key.endsWith(".session.id"))?.[1] ??
    text(resource["session.id"]) ??
    trace;
  return {
    session: typeof session === "string" ? session : "session",
    id,
    kind,
    name: text(attributes[kind === "tool" ? "gen_ai.tool.name" : "gen_ai.request.model"]) ?? operation ?? kind,
    startMs,
    endMs,
    failed: isFailed(span["status"]),
    ...(parent !== undefined && { parent }),
    links: links.flatMap((link: unknown) =>
      isObject(link) ? (text(link["span_id"]) ?? text(link["spanId"]) ?? []) : [],
    ),
    ...(input !== undefined && { inputTokens: input }),
    ...(output !== undefined && { outputTokens: output }),
    ...(cached !== undefined && { cachedInputTokens: cached }),
    ...(said !== undefined && { said }),
    ...(heard !== undefined && { heard }),
  };
}

const modelOperations: ReadonlySet<string> = new Set(["chat", "text_completion", "generate_content", "embeddings"]);

/** OTLP writes attributes as a list of typed values, tools as an object. */
function attributesOf(value: unknown): Json {
  if (isObject(value)) return value;
  if (!Array.isArray(value)) return {};
  const pairs = value.flatMap((item: unknown): [string, unknown][] => {
    if (!isObject(item) || typeof item["key"] !== "string" || !isObject(item["value"])) return [];
    const [type, held] = Object.entries(item["value"])[0] ?? [];
    return [[item["key"], type === "intValue" && typeof held === "string" ? Number(held) : held]];
  });
  return Object.fromEntries(pairs);
}

const isoTime = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:\d{2})?$/;

/** Milliseconds since 1970. ISO without a zone is UTC; OTLP counts nanoseconds, as text. */
function readTime(value: unknown, source: string, place: string, name: string): number {
  if ((typeof value === "string" && /^\d{10,}$/.test(value)) || typeof value === "number") {
    const text = String(value);
    const ms = Number(text.slice(0, -6)) + Number(`0.${text.slice(-6)}`);
    if (Number.isFinite(ms)) return ms;
  }
  const [, day, clock, fraction = "", zone = "Z"] = isoTime.exec(typeof value === "string" ? value : "") ?? [];
  const whole = day === undefined ? Number.NaN : Date.parse(`${day}T${clock}${zone}`);
  if (Number.isNaN(whole))
    throw invalidTrace(source, place, `its ${name} ${JSON.stringify(value) ?? "is absent"}: not a time`);
  return whole + (fraction === "" ? 0 : Number(fraction) * 1000);
}

function count(attributes: Json, names: readonly string[], source: string, place: string): number | undefined {
  const name = names.find((each) => attributes[each] !== undefined && attributes[each] !== null);
  if (name === undefined) return undefined;
  const value = attributes[name];
  if (typeof value === "number" && Number.isInteger(value) && value >= 0) return value;
  throw invalidTrace(source, place, `${name} is ${JSON.stringify(value)}, not a whole number ≥ 0`);
}

/** The contents of messages, given as JSON text or as a list. */
function messageText(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  const parsed = typeof value === "string" ? parse(value) : { ok: true as const, value };
  if (!parsed.ok) return typeof value === "string" ? value : undefined;
  const found: string[] = [];
  const pending: unknown[] = [parsed.value];
  while (pending.length > 0) {
    const item = pending.pop();
    if (Array.isArray(item)) pending.push(...(item as unknown[]));
    else if (isObject(item)) pending.push(item["content"], item["parts"]);
    else if (typeof item === "string") found.push(item);
  }
  return found.join("\n");
}

const isFailed = (status: unknown): boolean =>
  isObject(status) && (status["code"] === 2 || status["code"] === "STATUS_CODE_ERROR");

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
