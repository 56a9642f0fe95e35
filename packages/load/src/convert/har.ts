import { DocumentReader, isObject, type Json, plainText } from "./document.ts";
import { convertErrors } from "./errors.ts";
import {
  isConnectionHeader,
  isHeaderName,
  ScenarioBuilder,
  type ScenarioModel,
  type Template,
} from "./scenario-model.ts";

export interface HarOptions {
  /** Named in errors. */
  readonly source?: string;
  /** Only requests to these hosts. @defaultValue all */
  readonly hosts?: readonly string[];
  /** Keep images, styles, fonts and scripts. @defaultValue false */
  readonly assets?: boolean;
  /** Pauses below are the browser's own. @defaultValue 500 */
  readonly leastThinkMs?: number;
  /** @defaultValue 15 000 */
  readonly mostThinkMs?: number;
}

const asset = /^(?:image|font|audio|video)\/|^text\/css|javascript/;
const secret: Readonly<Record<string, string>> = { authorization: "AUTHORIZATION", "x-api-key": "X_API_KEY" };

/**
 * A browser's recording as a scenario: requests in order, the pauses between them, pages as groups. Cookies are left to the
 * users' own jars, credentials become environment variables.
 *
 * @throws MettleError `CONVERT_INVALID` with the place, `CONVERT_UNSUPPORTED`, `CONVERT_EMPTY`
 */
export function scenarioFromHar(document: unknown, options: HarOptions = {}): ScenarioModel {
  const reader = new DocumentReader(options.source ?? "HAR");
  const log = reader.object(reader.object(document, "the document")["log"], "log");
  const { version } = log as { version?: unknown };
  if (typeof version === "string" && !/^1\.[12]$/.test(version)) {
    throw convertErrors.create("CONVERT_UNSUPPORTED", `${reader.source}: HAR version ${JSON.stringify(version)}.`, {
      details: { version },
    });
  }
  const pages = pageTitles(log);
  const builder = new ScenarioBuilder([...pages.values()][0] ?? "recording");
  const { leastThinkMs = 500, mostThinkMs = 15_000 } = options;
  let readyAt = Number.NaN;
  reader.list(log["entries"], "log.entries").forEach((item, index) => {
    const place = `log.entries[${index}]`;
    const entry = reader.object(item, place);
    if (!readEntry(reader, builder, entry, place, pages, options, (startedAt) => think(startedAt))) return;
    const startedAt = Date.parse(String(entry["startedDateTime"]));
    const took = typeof entry["time"] === "number" && entry["time"] > 0 ? entry["time"] : 0;
    // Requests overlap; the user waited for the last of them.
    if (!Number.isNaN(startedAt)) readyAt = Math.max(Number.isNaN(readyAt) ? startedAt : readyAt, startedAt + took);
  });
  if (builder.requests === 0) throw convertErrors.create("CONVERT_EMPTY", `${reader.source}: no request is left.`);
  return builder.build();

  function think(startedAt: number): void {
    const pause = startedAt - readyAt;
    if (pause >= leastThinkMs) builder.step({ kind: "think", milliseconds: Math.round(Math.min(pause, mostThinkMs)) });
  }
}

/** @returns false for a request that is left out */
function readEntry(
  reader: DocumentReader,
  builder: ScenarioBuilder,
  entry: Json,
  place: string,
  pages: ReadonlyMap<string, string>,
  options: HarOptions,
  before: (startedAt: number) => void,
): boolean {
  const request = reader.object(entry["request"], `${place}.request`);
  const response = isObject(entry["response"]) ? entry["response"] : {};
  const text = reader.text(request["url"], `${place}.request.url`);
  if (/^(?:data|blob|wss?|chrome-extension):/i.test(text)) {
    builder.note("requests that are not http were left out");
    return false;
  }
  const url = reader.url(text, `${place}.request.url`);
  if (options.hosts && !options.hosts.includes(url.hostname)) return false;
  const content = isObject(response["content"]) ? response["content"] : {};
  if (options.assets !== true && asset.test(plainText(content["mimeType"]))) {
    builder.note("images, fonts, styles and scripts were left out");
    return false;
  }
  const method = reader.method(request["method"], `${place}.request.method`);
  before(Date.parse(String(entry["startedDateTime"])));
  const status = response["status"];
  const page = pages.get(String(entry["pageref"]));
  const body = readBody(builder, request["postData"]);
  url.hash = "";
  builder.step({
    kind: "request",
    name: `${method} ${url.pathname}`,
    method,
    url: [url.href],
    headers: readHeaders(reader, builder, request["headers"], `${place}.request.headers`),
    ...(body !== undefined && { body: [body] }),
    ...(Number.isInteger(status) &&
      (status as number) >= 100 &&
      (status as number) < 600 && { expectedStatus: status as number }),
    groups: page === undefined ? [] : [page],
  });
  return true;
}

function pageTitles(log: Json): ReadonlyMap<string, string> {
  const pages = Array.isArray(log["pages"]) ? (log["pages"] as unknown[]) : [];
  return new Map(
    pages.filter(isObject).map((page) => [String(page["id"]), String(page["title"] ?? page["id"])] as const),
  );
}

function readHeaders(
  reader: DocumentReader,
  builder: ScenarioBuilder,
  value: unknown,
  place: string,
): [string, Template][] {
  if (value === undefined) return [];
  return reader.list(value, place).flatMap((item, index): [string, Template][] => {
    const header = reader.object(item, `${place}[${index}]`);
    const name = reader.text(header["name"], `${place}[${index}].name`);
    if (isConnectionHeader(name) || !isHeaderName(name)) return [];
    if (name.toLowerCase() === "cookie") {
      builder.note("cookies of the recording were left out: each user has a jar");
      return [];
    }
    const environment = Object.hasOwn(secret, name.toLowerCase()) ? secret[name.toLowerCase()] : undefined;
    if (environment !== undefined) {
      builder.note(`the header ${name} is taken from the environment variable ${environment}`);
      return [[name, [builder.variable({ name: environment, value: "", environment })]]];
    }
    return [[name, [reader.text(header["value"], `${place}[${index}].value`)]]];
  });
}

function readBody(builder: ScenarioBuilder, value: unknown): string | undefined {
  if (!isObject(value)) return undefined;
  if (typeof value["text"] === "string" && value["text"] !== "") return value["text"];
  if (!Array.isArray(value["params"])) return undefined;
  const params = (value["params"] as unknown[]).filter(isObject);
  if (params.some((param) => param["fileName"] !== undefined)) {
    builder.note("uploaded files are not part of a recording: a form has its text fields only");
  }
  const pairs = params.map((param): [string, string] => [String(param["name"]), plainText(param["value"])]);
  return new URLSearchParams(pairs).toString();
}
