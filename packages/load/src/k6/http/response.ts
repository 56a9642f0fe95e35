import type { HttpRequest, HttpResponse } from "../../http/exchange.ts";
import { errorCodeOfStatus } from "../../http/failure.ts";
import { type Selection, parseHtml } from "../html/selection.ts";
import { readJsonPath } from "./json-path.ts";

export interface ResponseTimings {
  readonly duration: number;
  readonly blocked: number;
  readonly looking_up: number;
  readonly connecting: number;
  readonly tls_handshaking: number;
  readonly sending: number;
  readonly waiting: number;
  readonly receiving: number;
}

export interface ResponseCookie {
  readonly name: string;
  readonly value: string;
  readonly domain: string;
  readonly path: string;
  readonly http_only: boolean;
  readonly secure: boolean;
  readonly max_age: number;
  readonly expires: number;
}

/** What a response needs of the user it belongs to, for its forms and links. */
export interface Requester {
  request(method: string, url: string, body: unknown, params: unknown): Promise<Response>;
  cookiesOf(response: HttpResponse): Record<string, ResponseCookie[]>;
}

const tlsNames: Readonly<Record<string, string>> = {
  TLSv1: "tls1.0",
  "TLSv1.1": "tls1.1",
  "TLSv1.2": "tls1.2",
  "TLSv1.3": "tls1.3",
};

export const tlsVersionOf = (version: string): string => tlsNames[version] ?? version.toLowerCase();

/** `content-type` → `Content-Type`, as scripts written for k6 look headers up. */
const canonical = (name: string): string =>
  name.toLowerCase().replaceAll(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase());

/** Headers by name; several of one name are joined. */
export function canonicalHeaders(list: readonly (readonly [string, string])[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of list) {
    const key = canonical(name);
    headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`;
  }
  return headers;
}

/** One response as k6's scripts see it. Parts that cost something are made when they are read. */
export class Response {
  readonly #exchange: HttpResponse;
  readonly #sent: HttpRequest;
  readonly #requester: Requester;
  readonly status: number;
  readonly url: string;
  readonly error: string;
  readonly error_code: number;
  #headers: Record<string, string> | undefined;
  #timings: ResponseTimings | undefined;
  #cookies: Record<string, ResponseCookie[]> | undefined;
  #json: { readonly value: unknown } | undefined;
  #body: string | ArrayBuffer | null | undefined;

  constructor(exchange: HttpResponse, sent: HttpRequest, url: string, requester: Requester) {
    this.#exchange = exchange;
    this.#sent = sent;
    this.#requester = requester;
    this.status = exchange.status;
    this.url = url;
    this.error = exchange.failure?.message ?? "";
    this.error_code = exchange.failure?.code ?? errorCodeOfStatus(exchange.status) ?? 0;
  }

  get status_text(): string {
    return this.#exchange.status === 0 ? "" : `${this.#exchange.status} ${this.#exchange.statusText}`.trim();
  }

  get proto(): string {
    return this.#exchange.protocol;
  }

  /** Text, an ArrayBuffer, or null where it was discarded. A script may set it. */
  get body(): string | ArrayBuffer | null {
    if (this.#body === undefined) {
      const { body } = this.#exchange;
      if (body === undefined) this.#body = null;
      else if (typeof body === "string") this.#body = body;
      else this.#body = body.buffer.slice(body.byteOffset, body.byteOffset + body.byteLength) as ArrayBuffer;
    }
    return this.#body;
  }

  set body(body: string | ArrayBuffer | null) {
    this.#body = body;
    this.#json = undefined;
  }

  get headers(): Record<string, string> {
    return (this.#headers ??= canonicalHeaders(this.#exchange.headers));
  }

  get timings(): ResponseTimings {
    const { timings } = this.#exchange;
    return (this.#timings ??= {
      duration: timings.duration,
      blocked: timings.blocked,
      looking_up: timings.lookingUp,
      connecting: timings.connecting,
      tls_handshaking: timings.tlsHandshaking,
      sending: timings.sending,
      waiting: timings.waiting,
      receiving: timings.receiving,
    });
  }

  get cookies(): Record<string, ResponseCookie[]> {
    return (this.#cookies ??= this.#requester.cookiesOf(this.#exchange));
  }

  get remote_ip(): string {
    return this.#exchange.remoteAddress ?? "";
  }

  get remote_port(): number {
    return this.#exchange.remotePort ?? 0;
  }

  get tls_version(): string {
    return this.#exchange.tls ? tlsVersionOf(this.#exchange.tls.version) : "";
  }

  get tls_cipher_suite(): string {
    return this.#exchange.tls?.cipher ?? "";
  }

  get request(): { method: string; url: string; headers: Record<string, string[]>; body: string } {
    const headers: Record<string, string[]> = {};
    for (const [name, value] of this.#sent.headers ?? []) (headers[canonical(name)] ??= []).push(value);
    const { body } = this.#sent;
    return {
      method: this.#sent.method,
      url: this.#sent.url,
      headers,
      body: body === undefined ? "" : typeof body === "string" ? body : new TextDecoder().decode(body),
    };
  }

  /** The body as JSON, or the part of it that a path names. */
  json(path?: string): unknown {
    this.#json ??= { value: JSON.parse(this.#text("json")) as unknown };
    return path === undefined ? this.#json.value : readJsonPath(this.#json.value, path);
  }

  html(selector?: string): Selection {
    const document = parseHtml(this.#text("html"), this.url);
    return selector === undefined ? document : document.find(selector);
  }

  #text(what: string): string {
    const { body } = this;
    if (body === null) {
      throw new Error(`${what}(): the body is null; it was discarded by responseType or discardResponseBodies`);
    }
    return typeof body === "string" ? body : new TextDecoder().decode(body);
  }

  /** Sends a form of the page with its fields and those given. */
  submitForm(
    options: {
      formSelector?: string;
      fields?: Record<string, unknown>;
      submitSelector?: string;
      params?: unknown;
    } = {},
  ): Promise<Response> {
    const { formSelector = "form", fields = {}, submitSelector = '[type="submit"]', params } = options;
    const form = this.html().find(formSelector);
    if (form.size() === 0) throw new Error(`no form found for selector '${formSelector}' in response '${this.url}'`);
    const method = (form.attr("method") ?? "GET").toUpperCase();
    const values: Record<string, unknown> = form.serializeObject();
    const submit = form.find(submitSelector);
    const submitName = submit.attr("name");
    if (submitName !== undefined) values[submitName] = submit.val() ?? "";
    Object.assign(values, fields);
    const target = new URL(form.attr("action") ?? this.url, this.url);
    if (method !== "GET") return this.#requester.request(method, target.href, values, params);
    for (const [name, value] of Object.entries(values)) target.searchParams.set(name, String(value));
    return this.#requester.request("GET", target.href, null, params);
  }

  /** Follows a link of the page. */
  clickLink(options: { selector?: string; params?: unknown } = {}): Promise<Response> {
    const { selector = "a[href]", params } = options;
    const link = this.html().find(selector);
    if (link.size() === 0) throw new Error(`no element found for selector '${selector}' in response '${this.url}'`);
    const href = link.attr("href");
    if (href === undefined)
      throw new Error(`no valid href attribute value found on element '${selector}' in response '${this.url}'`);
    return this.#requester.request("GET", new URL(href, this.url).href, null, params);
  }

  toJSON(): Record<string, unknown> {
    const { status, status_text, url, proto, headers, cookies, body, timings, error, error_code, request } = this;
    const { remote_ip, remote_port, tls_version, tls_cipher_suite } = this;
    return {
      remote_ip,
      remote_port,
      url,
      status,
      status_text,
      proto,
      headers,
      cookies,
      body,
      timings,
      tls_version,
      tls_cipher_suite,
      error,
      error_code,
      request,
    };
  }
}
