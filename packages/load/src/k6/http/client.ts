import type { CookieJar } from "../../http/cookie-jar.ts";
import { digestAuthorization } from "../../http/digest-authentication.ts";
import type { HttpRequest, HttpResponse } from "../../http/exchange.ts";
import { errorCodeOfStatus, failureCodes } from "../../http/failure.ts";
import { compressBody } from "../../http/request-compression.ts";
import { builtIn } from "../../metrics/built-in.ts";
import type { MetricDefinition, TagSet } from "../../metrics/recorder.ts";
import type { UserContext } from "../runtime/user-context.ts";
import { encodeBody } from "./body.ts";
import { shownRequest, shownResponse } from "./debug.ts";
import { type RequestParams, readParams } from "./params.ts";
import { type Requester, Response, type ResponseCookie, tlsVersionOf } from "./response.ts";
import type { Target } from "./target.ts";
import { parseSetCookie } from "./set-cookie.ts";
import { defaultExpectedStatuses, type ExpectedStatuses } from "./statuses.ts";

/** What `` http.url`…` `` makes: an address whose samples share the name of its template. */
export class NamedUrl {
  readonly name: string;
  readonly url: string;

  constructor(name: string, url: string) {
    this.name = name;
    this.url = url;
  }

  toString(): string {
    return this.url;
  }
}

const maxTargets = 5000;
/** As the script wrote them, for messages. */
const blockedNames: Readonly<Record<string, string>> = { GET: "http.get", POST: "http.post", DELETE: "http.del" };

/** What a request is before the network sees it: the state between the hops of its redirects. */
interface Hop {
  readonly method: string;
  readonly target: Target;
  readonly name: string | undefined;
  readonly body: string | Uint8Array | undefined;
  readonly contentType: string | undefined;
}

/** The HTTP side of one virtual user. */
export class UserHttp implements Requester {
  readonly #context: UserContext;
  /** Shared by all requests that do not name their own; null records no failures. */
  expected: ExpectedStatuses | null = defaultExpectedStatuses;

  constructor(context: UserContext) {
    this.#context = context;
  }

  /** A request that blocks the script until it and its redirects are done. Hot. */
  async request(method: string, url: unknown, body?: unknown, params?: unknown): Promise<Response> {
    const { loop } = this.#context;
    const running = this.start(method, url, body, params);
    const epoch = loop.block(blockedNames[method] ?? method);
    try {
      return await running();
    } finally {
      loop.unblock(epoch);
    }
  }

  /** Reads the arguments now, as k6 does, and gives what sends the request. */
  start(method: string, url: unknown, body?: unknown, params?: unknown): () => Promise<Response> {
    const context = this.#context;
    context.running("An HTTP request");
    context.checkInterrupted();
    const read = readParams(params, context, this.expected);
    const name = read.tags?.["name"] ?? (url instanceof NamedUrl ? url.name : undefined);
    const text = url instanceof NamedUrl ? url.url : String(url);
    const { body: bytes, contentType } = encodeBody(body);
    return () => this.#send(method, text, name, bytes, contentType, read);
  }

  #send(
    method: string,
    url: string,
    name: string | undefined,
    body: string | Uint8Array | undefined,
    contentType: string | undefined,
    params: RequestParams,
  ): Promise<Response> {
    const target = this.#target(url);
    if (!target)
      return this.#refuse(
        this.#unsent(method, url, name, params, failureCodes.invalidUrl, `invalid URL: ${url}`),
        params,
      );
    if (this.#isBlocked(target.parsed)) {
      const reason = `hostname (${target.parsed.hostname}) is in a blocked pattern`;
      return this.#refuse(this.#unsent(method, url, name, params, failureCodes.blockedHostname, reason), params);
    }
    return this.#follow({ method, target, name, body, contentType }, params);
  }

  async #refuse(response: Response, params: RequestParams): Promise<Response> {
    return this.#finish(response, params);
  }

  /** Sends a request and what its redirects ask for, with samples for each. */
  async #follow(first: Hop, params: RequestParams): Promise<Response> {
    let hop = first;
    for (let redirects = 0; ; redirects++) {
      const response = await this.#exchange(hop, params);
      const next = redirectOf(response, hop);
      if (!next || params.redirects === 0) return this.#finish(response, params);
      if (redirects >= params.redirects) {
        this.#context.host.log(
          "warning",
          `Stopped after ${params.redirects} redirects; the last response is used. (${hop.target.clean})`,
        );
        return response;
      }
      const target = this.#target(new URL(next.location, hop.target.url).href);
      if (!target || this.#isBlocked(target.parsed)) return response;
      hop = { ...next, target, name: first.name };
    }
  }

  async #exchange(hop: Hop, params: RequestParams): Promise<Response> {
    const request = this.#prepare(hop, params);
    const { target } = hop;
    let exchange = await this.#sendOnce(request, hop, params);
    if (params.auth === "digest" && exchange.status === 401) {
      const challenges = exchange.headers
        .filter(([name]) => name.toLowerCase() === "www-authenticate")
        .map(([, value]) => value);
      const authorization = digestAuthorization(
        challenges,
        target,
        hop.method,
        target.parsed.pathname + target.parsed.search,
      );
      if (authorization !== undefined) {
        const headers = [...(request.headers ?? []), ["Authorization", authorization] as const];
        exchange = await this.#sendOnce({ ...request, headers }, hop, params);
      }
    }
    return new Response(exchange, request, target.url, this);
  }

  async #sendOnce(request: HttpRequest, hop: Hop, params: RequestParams): Promise<HttpResponse> {
    const user = this.#context.running("an HTTP request");
    const { httpDebug } = this.#context.options;
    if (httpDebug) this.#debug(shownRequest(request, httpDebug));
    const exchange = await user.http.send(request);
    this.#context.checkInterrupted();
    if (httpDebug) this.#debug(shownResponse(exchange, httpDebug));
    for (const [name, value] of exchange.headers) {
      // Most headers differ in length, which is cheaper to ask.
      if (name.length === 10 && name.toLowerCase() === "set-cookie")
        (params.jar ?? this.#context.jar).store(hop.target.url, value);
    }
    this.#record(exchange, hop, params);
    return exchange;
  }

  #debug(text: string): void {
    const { host, share } = this.#context;
    host.log("info", share.secrets.redact(text));
  }

  #prepare(hop: Hop, params: RequestParams): HttpRequest {
    const { options } = this.#context;
    const headers: (readonly [string, string])[] = [];
    const given = new Set<string>();
    for (const header of params.headers) {
      headers.push(header);
      given.add(header[0].toLowerCase());
    }
    const add = (name: string, value: string | undefined): void => {
      if (value !== undefined && value !== "" && !given.has(name.toLowerCase())) headers.push([name, value]);
    };
    if (!given.has("user-agent")) add("User-Agent", options.userAgent ?? "mettle");
    add("Content-Type", hop.contentType);
    const { username, password } = hop.target;
    if (username !== "" && params.auth !== "digest") {
      add("Authorization", `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`);
    }
    add("Cookie", cookieHeader(params.cookies, params.jar ?? this.#context.cookies, hop.target.url));
    let { body } = hop;
    if (body !== undefined && params.compression.length > 0) {
      const compressed = compressBody(body, params.compression);
      body = compressed.body;
      add("Content-Encoding", compressed.contentEncoding);
    }
    return {
      method: hop.method,
      url: hop.target.url,
      headers,
      timeoutMs: params.timeoutMs,
      responseBody: params.responseType,
      ...(body !== undefined && { body }),
    };
  }

  /** A failure before anything was sent is a sample too. */
  #unsent(
    method: string,
    url: string,
    name: string | undefined,
    params: RequestParams,
    code: number,
    message: string,
  ): Response {
    const request: HttpRequest = { method, url };
    const now = performance.now();
    const none = {
      blocked: 0,
      lookingUp: 0,
      connecting: 0,
      tlsHandshaking: 0,
      sending: 0,
      waiting: 0,
      receiving: 0,
      duration: 0,
    };
    const exchange: HttpResponse = {
      status: 0,
      statusText: "",
      protocol: "",
      headers: [],
      bytesSent: 0,
      bytesReceived: 0,
      timings: { scheduledAt: now, startedAt: now, ...none },
      failure: { code, message },
    };
    const target: Target = {
      url,
      clean: url,
      parsed: new URL("http://invalid.invalid"),
      username: "",
      password: "",
      last: undefined,
    };
    this.#record(exchange, { method, target, name, body: undefined, contentType: undefined }, params);
    return new Response(exchange, request, url, this);
  }

  #finish(response: Response, params: RequestParams): Response {
    if (response.status !== 0) return response;
    if (params.throws) throw new Error(`${response.request.method} ${response.url}: ${response.error}`);
    this.#context.host.log(
      "warning",
      `Request Failed error="${response.request.method} ${response.url}: ${response.error}"`,
    );
    return response;
  }

  /** Hot: the samples of one exchange. */
  #record(exchange: HttpResponse, hop: Hop, params: RequestParams): void {
    const context = this.#context;
    const { status, timings } = exchange;
    const expected = params.expected === null ? undefined : status !== 0 && params.expected.includes(status);
    const tags = this.#tagSet(exchange, hop, expected, params);
    const add = (definition: MetricDefinition, value: number, set: TagSet): void => {
      context.metric(definition)?.add(value, set);
    };
    add(builtIn.httpRequests, 1, tags);
    add(builtIn.httpDuration, timings.duration, tags);
    add(builtIn.httpBlocked, timings.blocked, tags);
    add(builtIn.httpConnecting, timings.connecting, tags);
    add(builtIn.httpTls, timings.tlsHandshaking, tags);
    add(builtIn.httpSending, timings.sending, tags);
    add(builtIn.httpWaiting, timings.waiting, tags);
    add(builtIn.httpReceiving, timings.receiving, tags);
    if (expected !== undefined) add(builtIn.httpFailed, expected ? 0 : 1, tags);
    const base = context.ownTagSet();
    add(builtIn.dataSent, exchange.bytesSent, base);
    add(builtIn.dataReceived, exchange.bytesReceived, base);
  }

  /** Hot: usually that of the last exchange with this address. */
  #tagSet(exchange: HttpResponse, hop: Hop, expected: boolean | undefined, params: RequestParams): TagSet {
    const { base } = this.#context;
    const { status, protocol, failure } = exchange;
    const { target, method, name } = hop;
    const { last } = target;
    const isPlain = params.tags === undefined && failure === undefined;
    if (
      isPlain &&
      last?.base === base &&
      last.status === status &&
      last.method === method &&
      last.name === name &&
      last.expected === expected &&
      last.protocol === protocol
    ) {
      return last.set;
    }
    const url = name ?? target.clean;
    const code = failure?.code ?? errorCodeOfStatus(status) ?? 0;
    const custom = params.tags === undefined ? "" : JSON.stringify(params.tags);
    const key = `${method} ${url}\0${status}\0${code}\0${expected}\0${protocol}\0${failure?.message ?? ""}\0${custom}`;
    const set = this.#context.tagSet(key, () => this.#tags(exchange, method, url, code, expected, params));
    if (isPlain) target.last = { base, method, name, status, protocol, expected, set };
    return set;
  }

  #tags(
    { status, protocol, tls, failure }: HttpResponse,
    method: string,
    url: string,
    code: number,
    expected: boolean | undefined,
    params: RequestParams,
  ): Record<string, string> {
    const system: Record<string, string | undefined> = {
      proto: protocol === "" ? undefined : protocol,
      status: String(status),
      method,
      url,
      name: url,
      error: failure?.message,
      error_code: code === 0 ? undefined : String(code),
      tls_version: tls && tlsVersionOf(tls.version),
      expected_response: expected === undefined ? undefined : String(expected),
    };
    const tags: Record<string, string> = {};
    for (const [name, value] of Object.entries(system)) {
      if (value !== undefined && value !== "" && this.#context.has(name)) tags[name] = value;
    }
    return { ...tags, ...params.tags };
  }

  /** Parsing an address costs more than a look-up, and scripts repeat theirs. */
  #target(url: string): Target | undefined {
    const { targets } = this.#context.share;
    const known = targets.get(url);
    if (known) return known;
    if (!URL.canParse(url)) return undefined;
    const parsed = new URL(url);
    if (parsed.protocol !== "http:" && parsed.protocol !== "https:") return undefined;
    const { username, password } = parsed;
    let clean = url;
    if (username !== "") {
      const hidden = new URL(parsed);
      hidden.username = "****";
      hidden.password = password === "" ? "" : "****";
      clean = hidden.href;
      parsed.username = "";
      parsed.password = "";
    }
    const target: Target = {
      url: username === "" ? url : parsed.href,
      clean,
      parsed,
      username: decodeURIComponent(username),
      password: decodeURIComponent(password),
      last: undefined,
    };
    if (targets.size >= maxTargets) targets.clear();
    targets.set(url, target);
    return target;
  }

  #isBlocked({ hostname }: URL): boolean {
    return (
      this.#context.options.blockHostnames?.some((pattern) =>
        pattern.startsWith("*.") ? hostname.endsWith(pattern.slice(1)) : hostname === pattern,
      ) ?? false
    );
  }

  cookiesOf(response: HttpResponse): Record<string, ResponseCookie[]> {
    const cookies: Record<string, ResponseCookie[]> = {};
    for (const [name, value] of response.headers) {
      const cookie = name.toLowerCase() === "set-cookie" ? parseSetCookie(value) : undefined;
      if (!cookie) continue;
      (cookies[cookie.name] ??= []).push({
        name: cookie.name,
        value: cookie.value,
        domain: cookie.domain,
        path: cookie.path,
        http_only: cookie.httpOnly,
        secure: cookie.secure,
        max_age: cookie.maxAge ?? 0,
        expires: cookie.expires ?? 0,
      });
    }
    return cookies;
  }
}

function cookieHeader(cookies: RequestParams["cookies"], jar: CookieJar | undefined, url: string): string {
  if (cookies.length === 0 && !jar) return "";
  const replaced = new Set(cookies.filter(({ replace }) => replace).map(({ name }) => name));
  const stored = !jar ? [] : jar.cookiesFor(url).filter(({ name }) => !replaced.has(name));
  return [...stored, ...cookies].map(({ name, value }) => `${name}=${value}`).join("; ");
}

/** What a redirecting response asks for next; 307 and 308 keep the method and the body. */
function redirectOf(response: Response, hop: Hop): (Omit<Hop, "target" | "name"> & { location: string }) | undefined {
  const { status } = response;
  if (status !== 301 && status !== 302 && status !== 303 && status !== 307 && status !== 308) return undefined;
  const location = response.headers["Location"];
  if (location === undefined || !URL.canParse(location, hop.target.url)) return undefined;
  if (status >= 307) return { method: hop.method, body: hop.body, contentType: hop.contentType, location };
  const method = hop.method === "HEAD" ? "HEAD" : "GET";
  return { method, body: undefined, contentType: undefined, location };
}
