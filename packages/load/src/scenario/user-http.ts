import type { VirtualUser } from "../engine/virtual-user.ts";
import type { BodyChunkHandler, HttpResponse } from "../http/exchange.ts";
import type { Tags } from "../metrics/recorder.ts";
import { type HttpMetrics, isExpected, type RequestTags } from "./http-metrics.ts";

export interface RequestDefaults {
  readonly baseUrl?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
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
  /** As parts of the body arrive. */
  readonly onChunk?: BodyChunkHandler;
}

/** Text, bytes, or plain data that is sent as JSON. */
export type RequestBody = string | Uint8Array | object;

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

  constructor(user: VirtualUser, defaults: RequestDefaults, metrics: HttpMetrics, tagged: { readonly tags: Tags }) {
    this.#user = user;
    this.#defaults = defaults;
    this.#metrics = metrics;
    this.#tagged = tagged;
  }

  /** @internal The first request of an iteration is due when the iteration is. */
  beginIteration(scheduledAt: number): void {
    this.#dueAt = scheduledAt;
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
    const absolute = this.#absolute(url, options.query);
    const { headers, content } = this.#contentOf(body, options);
    const dueAt = this.#dueAt;
    this.#dueAt = Number.NaN;
    const response = await this.#user.http.send(
      {
        method,
        url: absolute,
        headers,
        ...(content !== undefined && { body: content }),
        timeoutMs: options.timeoutMs ?? this.#defaults.timeoutMs,
        responseBody: options.responseBody ?? "text",
      },
      options.onChunk,
    );
    const ok = response.failure === undefined && expected(response.status, options.expect);
    this.#metrics.record(response, response.timings, this.#kindOf(method, absolute, options), dueAt, ok);
    return new LoadResponse(response, ok);
  }

  #absolute(url: string, query: RequestOptions["query"]): string {
    const { baseUrl } = this.#defaults;
    const whole = baseUrl !== undefined && url.startsWith("/") ? baseUrl.replace(/\/$/, "") + url : url;
    if (!query) return whole;
    const pairs = new URLSearchParams(
      Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
    );
    return `${whole}${whole.includes("?") ? "&" : "?"}${pairs.toString()}`;
  }

  #contentOf(
    body: RequestBody | undefined,
    { headers }: RequestOptions,
  ): { headers: readonly (readonly [string, string])[]; content: string | Uint8Array | undefined } {
    const given = Object.entries({ ...this.#defaults.headers, ...headers });
    if (body === undefined || typeof body === "string" || body instanceof Uint8Array) {
      return { headers: given, content: body };
    }
    const typed = given.some(([name]) => name.toLowerCase() === "content-type");
    return {
      headers: typed ? given : [...given, ["Content-Type", "application/json"]],
      content: JSON.stringify(body),
    };
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
