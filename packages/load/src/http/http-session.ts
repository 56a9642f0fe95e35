import type { CookieJar } from "./cookie-jar.ts";
import { type Credentials, digestAuthorization } from "./digest-authentication.ts";
import type { BodyChunkHandler, HttpFailure, HttpRequest, HttpResponse } from "./exchange.ts";
import { failure, failureCodes } from "./failure.ts";
import type { PooledHttpClient } from "./http-client.ts";
import { basicAuthorization } from "./prepared-request.ts";

/** What a user's request may ask for beyond one exchange. */
export interface SessionOptions {
  /** Redirects followed; 0 returns the redirect itself. @defaultValue 10, as in k6 */
  readonly maxRedirects?: number;
  /** Read and filled in each exchange; none: cookies are neither kept nor sent. */
  readonly jar?: CookieJar | undefined;
  /** Sent besides the jar's; `replace` leaves the jar's cookie of the same name out. */
  readonly cookies?: Readonly<Record<string, string | { readonly value: string; readonly replace?: boolean }>>;
  readonly auth?: Credentials & { readonly scheme: "basic" | "digest" };
}

/** One exchange of several: a redirect, or the question before the answer of digest authentication. */
export interface Hop {
  readonly request: HttpRequest;
  readonly response: HttpResponse;
}

export interface SessionOutcome {
  /** In order; at least one. The last is what the user asked for. */
  readonly hops: readonly Hop[];
  readonly response: HttpResponse;
  /** Where the last response came from. */
  readonly url: string;
  /** Another redirect was due and was not followed. */
  readonly redirectsExhausted: boolean;
  /** Of the last exchange, or of a redirect that leads nowhere. */
  readonly failure?: HttpFailure;
}

export const sessionDefaults: { readonly maxRedirects: number } = { maxRedirects: 10 };

const redirects = new Set([301, 302, 303, 307, 308]);
/** Not for another site's eyes. */
const confidential = new Set(["authorization", "www-authenticate", "cookie", "cookie2", "proxy-authorization"]);
const aboutBody = new Set(["content-type", "content-length", "content-encoding", "transfer-encoding"]);

/**
 * Sends a request as a browser would: cookies, authentication, redirects. Each exchange is visible in the outcome. Like
 * `HttpClient.send` it never rejects for what the network or a server does.
 *
 * @param onChunk - of the last response only: the body of a redirect that is followed is not handed on
 */
export async function exchangeAll(
  client: PooledHttpClient,
  request: HttpRequest,
  options: SessionOptions = {},
  onChunk?: BodyChunkHandler,
): Promise<SessionOutcome> {
  const { maxRedirects = sessionDefaults.maxRedirects, jar, auth } = options;
  const startedAt = client.now();
  const hops: Hop[] = [];
  let current = withAuthorization(request, auth);
  let followed = 0;
  let answered = false;
  for (;;) {
    const sent = withTimeLeft(withCookies(current, options), request.timeoutMs, client.now() - startedAt);
    const response = await sendHop(client, sent, onChunk, followed < maxRedirects);
    hops.push({ request: sent, response });
    if (jar) storeCookies(jar, sent.url, response);
    const outcome = { hops, response, url: sent.url, redirectsExhausted: false };
    if (response.failure) return { ...outcome, failure: response.failure };
    if (auth?.scheme === "digest" && response.status === 401 && !answered) {
      const authorization = answerTo(response, sent, auth);
      if (authorization === undefined) return outcome;
      answered = true;
      current = { ...current, headers: [...without(current, "authorization"), ["Authorization", authorization]] };
      continue;
    }
    const location = redirects.has(response.status) ? headerOf(response, "location") : undefined;
    if (location === undefined) return outcome;
    if (followed >= maxRedirects) return { ...outcome, redirectsExhausted: true };
    const next = URL.parse(location, sent.url);
    if (!next || (next.protocol !== "http:" && next.protocol !== "https:")) {
      const problem = failure(failureCodes.generic, `the redirect leads to ${JSON.stringify(location)}`);
      return { ...outcome, failure: problem };
    }
    followed++;
    current = redirected(current, response.status, next);
  }
}

/** Whether a response is a redirect shows in the exchange itself, before its body comes. */
function sendHop(
  client: PooledHttpClient,
  request: HttpRequest,
  onChunk: BodyChunkHandler | undefined,
  follows: boolean,
): Promise<HttpResponse> {
  if (!onChunk) return client.send(request);
  return client.send(request, (chunk, at, status) => {
    if (!follows || !redirects.has(status)) onChunk(chunk, at, status);
  });
}

/** The limit is for all exchanges together, as in k6. */
function withTimeLeft(request: HttpRequest, timeoutMs: number | undefined, elapsedMs: number): HttpRequest {
  if (timeoutMs === undefined || timeoutMs === 0) return request;
  return { ...request, timeoutMs: Math.max(0.001, timeoutMs - elapsedMs) };
}

function withAuthorization(request: HttpRequest, auth: SessionOptions["auth"]): HttpRequest {
  if (!auth) return request;
  // Credentials in the URL would be sent as Basic.
  const url = URL.parse(request.url);
  if (!url) return request;
  url.username = "";
  url.password = "";
  const plain = { ...request, url: url.href };
  if (auth.scheme === "digest") return plain;
  const authorization = basicAuthorization(auth.username, auth.password);
  return { ...plain, headers: [...without(plain, "authorization"), ["Authorization", authorization]] };
}

function withCookies(request: HttpRequest, { jar, cookies }: SessionOptions): HttpRequest {
  if (!jar && !cookies) return request;
  const pairs: string[] = [];
  const replaced = new Set<string>();
  for (const [name, cookie] of Object.entries(cookies ?? {})) {
    const { value, replace = false } = typeof cookie === "string" ? { value: cookie } : cookie;
    pairs.push(`${name}=${value}`);
    if (replace) replaced.add(name);
  }
  for (const { name, value } of jar?.cookiesFor(request.url) ?? []) {
    if (!replaced.has(name)) pairs.push(`${name}=${value}`);
  }
  if (pairs.length === 0) return request;
  const own = (request.headers ?? []).filter(([name]) => name.toLowerCase() === "cookie").map(([, value]) => value);
  return { ...request, headers: [...without(request, "cookie"), ["Cookie", [...own, ...pairs].join("; ")]] };
}

function storeCookies(jar: CookieJar, url: string, response: HttpResponse): void {
  if (response.setsCookies === false) return;
  for (const [name, value] of response.headers) {
    if (name.length === 10 && name.toLowerCase() === "set-cookie") jar.store(url, value);
  }
}

function answerTo(response: HttpResponse, request: HttpRequest, credentials: Credentials): string | undefined {
  const challenges = response.headers
    .filter(([name]) => name.toLowerCase() === "www-authenticate")
    .map(([, value]) => value);
  const { pathname, search } = new URL(request.url);
  return digestAuthorization(challenges, credentials, request.method, pathname + search);
}

/** What browsers and Go do: 301 to 303 become GET without a body, 307 and 308 stay as they are. */
function redirected(request: HttpRequest, status: number, to: URL): HttpRequest {
  const from = new URL(request.url);
  const rewritten = status <= 303 && request.method !== "GET" && request.method !== "HEAD";
  const sameSite = to.hostname === from.hostname || to.hostname.endsWith(`.${from.hostname}`);
  const headers = (request.headers ?? []).filter(([name]) => {
    const lower = name.toLowerCase();
    if (lower === "host" || lower === "referer") return false;
    if (!sameSite && confidential.has(lower)) return false;
    return !(rewritten && aboutBody.has(lower));
  });
  const { body, ...rest } = request;
  return {
    ...rest,
    ...(!rewritten && body !== undefined && { body }),
    method: rewritten ? "GET" : request.method,
    url: to.href,
    headers: [...headers, ...referer(from, to)],
  };
}

/** Without credentials, and not from a secure page to an open one. */
function referer(from: URL, to: URL): [string, string][] {
  if (from.protocol === "https:" && to.protocol === "http:") return [];
  const shown = new URL(from);
  shown.username = "";
  shown.password = "";
  shown.hash = "";
  return [["Referer", shown.href]];
}

function without(request: HttpRequest, lowerCaseName: string): (readonly [string, string])[] {
  return (request.headers ?? []).filter(([name]) => name.toLowerCase() !== lowerCaseName);
}

function headerOf(response: HttpResponse, lowerCaseName: string): string | undefined {
  return response.headers.find(([name]) => name.toLowerCase() === lowerCaseName)?.[1];
}
