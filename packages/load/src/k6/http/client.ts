import type { HttpResponse } from "../../http/exchange.ts";
import type { UserContext } from "../runtime/user-context.ts";
import { encodeBody } from "./body.ts";
import { type Asked, type Fleet, Flight } from "./flight.ts";
import { readParams } from "./params.ts";
import type { Requester, Response, ResponseCookie } from "./response.ts";
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

/** As the script wrote them, for messages. */
const blockedNames: Readonly<Record<string, string>> = { GET: "http.get", POST: "http.post", DELETE: "http.del" };

/** The HTTP side of one virtual user. */
export class UserHttp implements Requester, Fleet {
  readonly context: UserContext;
  spare: Fleet["spare"] = undefined;
  /** Shared by all requests that do not name their own; null records no failures. */
  expected: ExpectedStatuses | null = defaultExpectedStatuses;

  constructor(context: UserContext) {
    this.context = context;
  }

  /** A request that blocks the script until it and its redirects are done; what is wrong with its arguments rejects. Hot. */
  request(method: string, url: unknown, body?: unknown, params?: unknown): Promise<Response> {
    return new Promise((resolve, reject) => {
      const asked = this.#read(method, url, body, params);
      const epoch = this.context.loop.block(blockedNames[method] ?? method);
      if (asked) new Flight(this, asked, resolve, reject, epoch).begin();
    });
  }

  /** Reads the arguments now, as k6 does, and gives what sends the request. */
  start(method: string, url: unknown, body?: unknown, params?: unknown): () => Promise<Response> {
    const asked = this.#read(method, url, body, params);
    return () =>
      new Promise((resolve, reject) => {
        if (asked) new Flight(this, asked, resolve, reject).begin();
      });
  }

  /** Undefined where the iteration was cut off: the script waits for ever then. */
  #read(method: string, url: unknown, body: unknown, params: unknown): Asked | undefined {
    const { context } = this;
    context.running("An HTTP request");
    if (context.stopInterrupted()) return undefined;
    const read = readParams(params, context, this.expected);
    const isNamed = url instanceof NamedUrl;
    const { body: bytes, contentType } = encodeBody(body);
    return {
      method,
      url: isNamed ? url.url : String(url),
      name: read.tags?.["name"] ?? (isNamed ? url.name : undefined),
      body: bytes,
      contentType,
      params: read,
    };
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
