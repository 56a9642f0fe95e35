import type { VirtualUser } from "../engine/virtual-user.ts";
import { PacedClient } from "../engine/request-pacer.ts";
import { CookieJar } from "../http/cookie-jar.ts";
import type { ContentCoding } from "../http/content-coding.ts";
import type { BodyChunkHandler, HttpRequest, HttpResponse } from "../http/exchange.ts";
import { PooledHttpClient } from "../http/http-client.ts";
import { exchangeAll, type Hop, type SessionOptions } from "../http/http-session.ts";
import type { Tags } from "../metrics/recorder.ts";
import { MultipartForm, multipartBody } from "../http/multipart.ts";
import { compressBody } from "../http/request-compression.ts";
import type { ServerSentEvent } from "../sse/event-stream-parser.ts";
import { EventMetrics, EventReader } from "./event-metrics.ts";
import { type HttpMetrics, isExpected, type RequestTags } from "./http-metrics.ts";

export interface RequestDefaults {
  readonly baseUrl?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly maxRedirects: number;
  /** Cookies last for the user's life, not for one iteration. */
  readonly keepCookies: boolean;
}

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** What the request is called in results. @defaultValue method and path, without query */
  readonly name?: string;
  readonly tags?: Tags;
  readonly timeoutMs?: number;
  /** Query parameters, added to those in the URL. */
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  /** `none` only counts the bytes, which is cheapest. @defaultValue "text" */
  readonly responseBody?: "text" | "binary" | "none";
  /** Statuses that are no failure. @defaultValue 200 to 399 */
  readonly expect?: readonly number[] | ((status: number) => boolean);
  /** Redirects followed, each recorded; 0 gives the redirect itself. @defaultValue 10 */
  readonly maxRedirects?: number;
  readonly auth?: SessionOptions["auth"];
  /** As parts of the body arrive. */
  readonly onChunk?: BodyChunkHandler;
  /**
   * As events of the response arrive (`text/event-stream`). Recorded beside the request: `sse_events`,
   * `sse_time_to_first_event`, `sse_event_gap`.
   */
  readonly onEvent?: (event: ServerSentEvent, at: number) => void;
  /** Codings for the body, the first applied first. */
  readonly compress?: readonly ContentCoding[];
}

/** Text, bytes, a form of parts, or plain data that is sent as JSON. */
export type RequestBody = string | Uint8Array | MultipartForm | object;

/** What came back. A request that got no answer has status 0 and says why in `failure`; it does not throw. */
export class LoadResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: HttpResponse["headers"];
  readonly timings: HttpResponse["timings"];
  readonly failure: HttpResponse["failure"];
  /** Whether the status was one of those expected. */
  readonly ok: boolean;
  readonly #body: string | Uint8Array | undefined;

  constructor(response: HttpResponse, ok: boolean) {
    this.status = response.status;
    this.statusText = response.statusText;
    this.headers = response.headers;
    this.timings = response.timings;
    this.failure = response.failure;
    this.ok = ok;
    this.#body = response.body;
  }

  get text(): string {
    const body = this.#body;
    return typeof body === "string" ? body : body ? new TextDecoder().decode(body) : "";
  }

  get bytes(): Uint8Array {
    const body = this.#body;
    return body instanceof Uint8Array ? body : new TextEncoder().encode(body ?? "");
  }

  /** @throws SyntaxError for a body that is no JSON */
  // The caller names the shape that it expects, as with JSON everywhere.
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
  json<Value = unknown>(): Value {
    return JSON.parse(this.text) as Value;
  }

  /** The first header of this name, whatever its case. */
  header(name: string): string | undefined {
    const wanted = name.toLowerCase();
    return this.headers.find(([each]) => each.toLowerCase() === wanted)?.[1];
  }
}

/** HTTP as one user does it: connections of its own, everything recorded. */
export class UserHttp {
  readonly #user: VirtualUser;
  readonly #defaults: RequestDefaults;
  readonly #metrics: HttpMetrics;
  readonly #tagged: { readonly tags: Tags };
  #dueAt = Number.NaN;
  #jar: CookieJar | undefined;
  #events: EventMetrics | undefined;

  constructor(user: VirtualUser, defaults: RequestDefaults, metrics: HttpMetrics, tagged: { readonly tags: Tags }) {
    this.#user = user;
    this.#defaults = defaults;
    this.#metrics = metrics;
    this.#tagged = tagged;
  }

  /** @internal The first request of an iteration is due when the iteration is. */
  beginIteration(scheduledAt: number): void {
    this.#dueAt = scheduledAt;
    if (!this.#defaults.keepCookies) this.#jar = undefined;
  }

  /** What servers set and get back: empty at the start of each iteration, unless `http.keepCookies` says otherwise. */
  get cookies(): CookieJar {
    this.#jar ??= new CookieJar();
    return this.#jar;
  }

  get(url: string, options?: RequestOptions): Promise<LoadResponse> {
    return this.request("GET", url, undefined, options);
  }

  head(url: string, options?: RequestOptions): Promise<LoadResponse> {
    return this.request("HEAD", url, undefined, options);
  }

  post(url: string, body?: RequestBody, options?: RequestOptions): Promise<LoadResponse> {
    return this.request("POST", url, body, options);
  }

  put(url: string, body?: RequestBody, options?: RequestOptions): Promise<LoadResponse> {
    return this.request("PUT", url, body, options);
  }

  patch(url: string, body?: RequestBody, options?: RequestOptions): Promise<LoadResponse> {
    return this.request("PATCH", url, body, options);
  }

  delete(url: string, body?: RequestBody, options?: RequestOptions): Promise<LoadResponse> {
    return this.request("DELETE", url, body, options);
  }

  async request(method: string, url: string, body?: RequestBody, options: RequestOptions = {}): Promise<LoadResponse> {
    const absolute = this.absolute(url, options.query);
    const { headers, content } = this.#contentOf(body, options);
    const dueAt = this.#dueAt;
    this.#dueAt = Number.NaN;
    const kind = this.#kindOf(method, absolute, options);
    const events = options.onEvent && this.#eventReader(kind.tags, options.onEvent);
    const hops = await this.#exchange(
      {
        method,
        url: absolute,
        headers,
        ...(content !== undefined && { body: content }),
        timeoutMs: options.timeoutMs ?? this.#defaults.timeoutMs,
        responseBody: options.responseBody ?? (events ? "none" : "text"),
      },
      options,
      chunkHandler(events, options.onChunk),
    );
    const before = hops.slice(0, -1);
    const { response } = hops.at(-1)!;
    const ok = response.failure === undefined && expected(response.status, options.expect);
    // What the end of the run cut off says nothing of the server: it is an interrupted iteration, and no request.
    if (this.#user.interrupted === true) return new LoadResponse(response, ok);
    // Redirects that were followed are as they should be; the wait for a user is the first one's.
    before.forEach(({ response }, index) => {
      this.#metrics.record(response, response.timings, kind, index === 0 ? dueAt : Number.NaN, true);
    });
    events?.finish(response.timings.startedAt);
    this.#metrics.record(response, response.timings, kind, before.length === 0 ? dueAt : Number.NaN, ok);
    return new LoadResponse(response, ok);
  }

  /** @returns every exchange that the request took, at least one */
  async #exchange(
    request: HttpRequest,
    options: RequestOptions,
    onChunk: BodyChunkHandler | undefined,
  ): Promise<readonly Hop[]> {
    let client = this.#user.http;
    if (client instanceof PacedClient) {
      await client.turn(this.#user.signal);
      client = client.inner;
    }
    if (!(client instanceof PooledHttpClient)) {
      return [{ request, response: await client.send(request, onChunk) }];
    }
    const { auth, maxRedirects = this.#defaults.maxRedirects } = options;
    const session = { jar: this.cookies, maxRedirects, ...(auth && { auth }) };
    return (await exchangeAll(client, request, session, onChunk)).hops;
  }

  /** @internal The URL that a path stands for. */
  absolute(url: string, query?: RequestOptions["query"]): string {
    const { baseUrl } = this.#defaults;
    const whole = baseUrl !== undefined && url.startsWith("/") ? baseUrl.replace(/\/$/, "") + url : url;
    if (!query) return whole;
    const pairs = new URLSearchParams(
      Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
    );
    return `${whole}${whole.includes("?") ? "&" : "?"}${pairs.toString()}`;
  }

  #contentOf(body: RequestBody | undefined, { headers, compress, onEvent }: RequestOptions): Content {
    const given = Object.entries({ ...this.#defaults.headers, ...headers });
    const has = (wanted: string): boolean => given.some(([name]) => name.toLowerCase() === wanted);
    if (onEvent && !has("accept")) given.push(["Accept", "text/event-stream"]);
    const { content, contentType } = bytesOf(body);
    if (contentType !== undefined && !has("content-type")) given.push(["Content-Type", contentType]);
    if (!compress || content === undefined) return { headers: given, content };
    const { body: compressed, contentEncoding } = compressBody(content, compress);
    return { headers: [...given, ["Content-Encoding", contentEncoding]], content: compressed };
  }

  #eventReader(tags: Tags, onEvent: NonNullable<RequestOptions["onEvent"]>): EventReader {
    const { recorder } = this.#user;
    this.#events ??= new EventMetrics(recorder);
    return new EventReader(this.#events, recorder.tagSet(tags), onEvent);
  }

  /** The tags of a request, kept for the next of its kind: the same name under the same tags. */
  #kindOf(method: string, url: string, { name, tags }: RequestOptions): RequestTags {
    const { tags: around } = this.#tagged;
    const path = pathOf(url);
    const called = name ?? `${method} ${path}`;
    const key = tags ? `${method} ${path} ${called} ${JSON.stringify(tags)}` : `${method} ${path} ${called}`;
    return this.#metrics.kindOf(around, key, () => ({
      method,
      name: called,
      url: url.split("?", 1)[0] ?? url,
      ...tags,
    }));
  }
}

interface Content {
  readonly headers: readonly (readonly [string, string])[];
  readonly content: string | Uint8Array | undefined;
}

function bytesOf(body: RequestBody | undefined): {
  readonly content: Content["content"];
  readonly contentType?: string;
} {
  if (body === undefined || typeof body === "string" || body instanceof Uint8Array) return { content: body };
  if (body instanceof MultipartForm) {
    const { body: content, contentType } = multipartBody(body.parts);
    return { content, contentType };
  }
  return { content: JSON.stringify(body), contentType: "application/json" };
}

function chunkHandler(
  events: EventReader | undefined,
  onChunk: BodyChunkHandler | undefined,
): BodyChunkHandler | undefined {
  if (!events) return onChunk;
  return (chunk, at, status) => {
    events.push(chunk, at);
    onChunk?.(chunk, at, status);
  };
}

/** Path of a URL, without query. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  if (start < 0) return "/";
  const end = url.slice(start).search(/[?#]/);
  return end < 0 ? url.slice(start) : url.slice(start, start + end);
}

function expected(status: number, expect: RequestOptions["expect"]): boolean {
  if (expect === undefined) return isExpected(status);
  return typeof expect === "function" ? expect(status) : expect.includes(status);
}
