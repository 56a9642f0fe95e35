import { FileData } from "../http/body.ts";
import { NamedUrl, UserHttp } from "../http/client.ts";
import { CookieJar } from "../../http/cookie-jar.ts";
import { jarOf } from "../http/params.ts";
import { Response } from "../http/response.ts";
import { ExpectedStatuses } from "../http/statuses.ts";
import type { MemberMakers } from "../runtime/lazy-members.ts";
import type { UserContext } from "../runtime/user-context.ts";
import { textOf } from "../text.ts";

type BatchItem = readonly [key: string, send: () => Promise<Response>, host: string];

/** A user's jar as scripts see it. */
class ScriptCookieJar {
  constructor(jar: CookieJar = new CookieJar()) {
    jarOf.set(this, jar);
  }

  get #jar(): CookieJar {
    return jarOf.get(this) as CookieJar;
  }

  cookiesForURL(url: unknown): Record<string, string[]> {
    const cookies: Record<string, string[]> = {};
    for (const { name, value } of this.#jar.cookiesFor(String(url))) (cookies[name] ??= []).push(value);
    return cookies;
  }

  set(url: unknown, name: string, value: unknown, options: Record<string, unknown> = {}): boolean {
    const expires = options["expires"] === undefined ? undefined : Date.parse(textOf(options["expires"]));
    if (Number.isNaN(expires)) throw new TypeError(`cannot read the date ${String(options["expires"])}`);
    const maxAge = options["max_age"] === undefined ? undefined : Number(options["max_age"]);
    const until = maxAge === undefined || maxAge === 0 ? expires : Date.now() + maxAge * 1000;
    const domain = options["domain"] === undefined ? undefined : textOf(options["domain"]);
    return this.#jar.set(textOf(url), textOf(name), textOf(value), {
      path: textOf(options["path"] ?? "/"),
      secure: Boolean(options["secure"]),
      httpOnly: Boolean(options["http_only"]),
      ...(domain !== undefined && domain !== "" && { domain }),
      ...(until !== undefined && { expiresAt: until }),
    });
  }

  clear(url: unknown): void {
    this.#jar.delete(String(url));
  }

  delete(url: unknown, name: string): void {
    this.#jar.delete(String(url), name);
  }
}

const tlsAndOcsp: Readonly<Record<string, string>> = {
  TLS_1_0: "tls1.0",
  TLS_1_1: "tls1.1",
  TLS_1_2: "tls1.2",
  TLS_1_3: "tls1.3",
  SSL_3_0: "ssl3.0",
  OCSP_STATUS_GOOD: "good",
  OCSP_STATUS_REVOKED: "revoked",
  OCSP_STATUS_SERVER_FAILED: "server_failed",
  OCSP_STATUS_UNKNOWN: "unknown",
};

/** What the members of `k6/http` share, for one user. */
export class HttpParts {
  readonly context: UserContext;
  readonly http: UserHttp;

  constructor(context: UserContext) {
    this.context = context;
    this.http = new UserHttp(context);
  }
}

const withBody =
  (method: string) =>
  ({ http }: HttpParts) =>
  (url: unknown, body?: unknown, params?: unknown) =>
    http.request(method, url, body, params);
const withoutBody =
  (method: string) =>
  ({ http }: HttpParts) =>
  (url: unknown, params?: unknown) =>
    http.request(method, url, null, params);

function batchItem({ http }: HttpParts, key: string, given: unknown): BatchItem {
  const [method, url, body, params] = readBatchItem(key, given);
  const text = url instanceof NamedUrl ? url.url : String(url);
  return [key, http.start(method, url, body, params), URL.canParse(text) ? new URL(text).host : ""];
}

const makeBatch =
  (parts: HttpParts) =>
  (requests: unknown): Promise<unknown> => {
    if (typeof requests !== "object" || requests === null)
      throw new TypeError("http.batch() needs a list or an object of requests");
    const { options, loop } = parts.context;
    const items = Object.entries(requests).map(([key, given]) => batchItem(parts, key, given));
    const results: unknown[] | Record<string, unknown> = Array.isArray(requests) ? [] : {};
    return loop.blocking("http.batch", async () => {
      await runLimited(items, options.batch, options.batchPerHost, (key, response) => {
        (results as Record<string, unknown>)[key] = response;
      });
      return results;
    });
  };

const makeAsyncRequest =
  ({ context, http }: HttpParts) =>
  (method: unknown, url: unknown, body?: unknown, params?: unknown): Promise<Response> => {
    context.loop.check("http.asyncRequest");
    const send = http.start(String(method).toUpperCase(), url, body, params);
    return context.loop.promise(send());
  };

/** The module `k6/http`. */
export const httpMembers: MemberMakers<HttpParts> = {
  get: withoutBody("GET"),
  head: withoutBody("HEAD"),
  post: withBody("POST"),
  put: withBody("PUT"),
  patch: withBody("PATCH"),
  del: withBody("DELETE"),
  options: withBody("OPTIONS"),
  request:
    ({ http }) =>
    (method: unknown, url: unknown, body?: unknown, params?: unknown) =>
      http.request(String(method).toUpperCase(), url, body, params),
  batch: makeBatch,
  asyncRequest: makeAsyncRequest,
  file: () => (data: string | ArrayBuffer, filename?: string, contentType?: string) =>
    new FileData(data, filename, contentType),
  url:
    () =>
    (strings: TemplateStringsArray | string, ...values: unknown[]) =>
      typeof strings === "string"
        ? new NamedUrl(strings, strings)
        : new NamedUrl(strings.join("${}"), String.raw({ raw: strings }, ...values)),
  cookieJar:
    ({ context }) =>
    () =>
      new ScriptCookieJar(context.jar),
  CookieJar: () => ScriptCookieJar,
  FileData: () => FileData,
  Response: () => Response,
  expectedStatuses:
    () =>
    (...statuses: (number | { min: number; max: number })[]) =>
      new ExpectedStatuses(...statuses),
  setResponseCallback:
    ({ http }) =>
    (callback: unknown) => {
      if (callback !== null && !(callback instanceof ExpectedStatuses))
        throw new TypeError("setResponseCallback needs what http.expectedStatuses returns, or null");
      http.expected = callback;
    },
  ...Object.fromEntries(Object.entries(tlsAndOcsp).map(([name, value]) => [name, () => value])),
};

function readBatchItem(key: string, given: unknown): [method: string, url: unknown, body: unknown, params: unknown] {
  if (typeof given === "string" || given instanceof NamedUrl) return ["GET", given, null, undefined];
  if (Array.isArray(given)) {
    const [method, url, ...rest] = given as unknown[];
    // As in the functions: methods without a body take their parameters right after the address.
    if (rest.length === 0 && !/^[A-Za-z]+$/.test(String(method))) return ["GET", method, null, url];
    return [String(method).toUpperCase(), url, rest[0] ?? null, rest[1]];
  }
  if (typeof given === "object" && given !== null) {
    const { method = "GET", url, body, params } = given as Record<string, unknown>;
    if (url === undefined) throw new TypeError(`http.batch(): request ${key} has no url`);
    return [String(method).toUpperCase(), url, body ?? null, params];
  }
  throw new TypeError(`http.batch(): request ${key} must be a text, a list or an object`);
}

/** At most `limit` at once and `perHost` to one host; 0 is no limit. */
async function runLimited(
  items: readonly BatchItem[],
  limit: number,
  perHost: number,
  done: (key: string, response: Response) => void,
): Promise<void> {
  const waiting = [...items];
  const active = new Map<string, number>();
  let running = 0;
  let failure: { error: unknown } | undefined;
  const sendOne = async (key: string, send: BatchItem[1]): Promise<void> => {
    try {
      done(key, await send());
    } catch (error) {
      failure ??= { error };
    }
  };
  await new Promise<void>((resolve) => {
    const next = (): void => {
      if (running === 0 && (waiting.length === 0 || failure)) return resolve();
      for (let i = 0; !failure && i < waiting.length && (limit === 0 || running < limit); ) {
        const [key, send, host] = waiting[i] as BatchItem;
        const atHost = active.get(host) ?? 0;
        if (perHost > 0 && atHost >= perHost) {
          i++;
          continue;
        }
        waiting.splice(i, 1);
        running++;
        active.set(host, atHost + 1);
        void sendOne(key, send).then(() => {
          running--;
          active.set(host, (active.get(host) as number) - 1);
          // oxlint-disable-next-line promise/no-callback-in-promise -- it starts what waits, and throws nothing
          next();
        });
      }
    };
    next();
  });
  if (failure) throw failure.error;
}
