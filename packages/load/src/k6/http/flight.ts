import type { CookieJar } from "../../http/cookie-jar.ts";
import { digestAuthorization } from "../../http/digest-authentication.ts";
import type { HttpRequest, HttpResponse } from "../../http/exchange.ts";
import { Exchange } from "../../http/exchange-record.ts";
import { failureCodes } from "../../http/failure.ts";
import { PooledHttpClient } from "../../http/http-client.ts";
import type { PreparedRequest } from "../../http/prepared-request.ts";
import { compressBody } from "../../http/request-compression.ts";
import type { UserContext } from "../runtime/user-context.ts";
import { shownRequest, shownResponse } from "./debug.ts";
import type { RequestParams } from "./params.ts";
import { type Requester, Response } from "./response.ts";
import { recordExchange, type Sampled } from "./samples.ts";
import { isBlocked, type Target, targetOf, unreadable } from "./target.ts";

/** What the requests of one user share. */
export interface Fleet extends Requester {
  readonly context: UserContext;
  /** Kept from a request that has ended: most users send the same again. */
  spare: FlightExchange | undefined;
}

/** What a script asked for, its arguments read. */
export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly name: string | undefined;
  readonly body: string | Uint8Array | undefined;
  readonly contentType: string | undefined;
  readonly params: RequestParams;
}

/** Of `settle`: the flight blocks nobody. */
const BLOCKS_NOBODY = -1;

/** An exchange that knows whose it is, and may be used again for the next. */
class FlightExchange extends Exchange {
  flight: Flight | undefined = undefined;

  constructor(prepared: PreparedRequest) {
    super(prepared, { onDone: landed });
  }
}

/** Hot: once a request. */
function landed(exchange: Exchange): void {
  const { flight } = exchange as FlightExchange;
  (exchange as FlightExchange).flight = undefined;
  flight!.land(exchange as FlightExchange);
}

/**
 * One request of a script on its way: itself, and what redirects and a digest challenge ask for after it, with samples for
 * each. Works by callbacks up to the one promise that the script waits for: with thousands of users in flight, what every
 * further promise and its frame hold is most of the memory, and moving it about most of the collector's work.
 */
export class Flight implements Sampled {
  readonly name: string | undefined;
  method: string;
  target: Target;
  readonly #fleet: Fleet;
  readonly #params: RequestParams;
  #body: string | Uint8Array | undefined;
  #contentType: string | undefined;
  readonly #isReadable: boolean;
  #request: HttpRequest | undefined;
  #redirects = 0;
  /** A redirect has led to another site. */
  #isAbroad = false;
  #challenged = false;
  readonly #resolve: (response: Response) => void;
  readonly #reject: (error: unknown) => void;
  readonly #epoch: number;

  /** @param epoch - of the blocking call that ends with it; absent where it blocks nobody */
  constructor(
    fleet: Fleet,
    asked: Asked,
    resolve: (response: Response) => void,
    reject: (error: unknown) => void,
    epoch: number = BLOCKS_NOBODY,
  ) {
    this.#fleet = fleet;
    this.method = asked.method;
    this.name = asked.name;
    this.#params = asked.params;
    this.#body = asked.body;
    this.#contentType = asked.contentType;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#epoch = epoch;
    const target = targetOf(fleet.context.share.targets, asked.url);
    this.#isReadable = target !== undefined;
    this.target = target ?? unreadable(asked.url);
  }

  /** Sends it, or says why not. Once. */
  begin(): void {
    const { target } = this;
    try {
      if (!this.#isReadable) this.#refuse(failureCodes.invalidUrl, `invalid URL: ${target.url}`);
      else if (isBlocked(target, this.#fleet.context.options)) {
        const reason = `hostname (${target.parsed.hostname}) is in a blocked pattern`;
        this.#refuse(failureCodes.blockedHostname, reason);
      } else this.#send(this.#prepare());
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#release();
    this.#reject(error);
  }

  #settle(response: Response): void {
    this.#release();
    this.#resolve(response);
  }

  #release(): void {
    if (this.#epoch !== BLOCKS_NOBODY) this.#fleet.context.loop.unblock(this.#epoch);
  }

  /** Hot. */
  #send(request: HttpRequest): void {
    const fleet = this.#fleet;
    const { context } = fleet;
    const { http } = context.running("an HTTP request");
    const { httpDebug } = context.options;
    if (httpDebug) this.#debug(shownRequest(request, httpDebug));
    // The answer to a challenge is not what the script sent.
    if (!this.#challenged) this.#request = request;
    if (!(http instanceof PooledHttpClient)) {
      http
        .send(request)
        .then((exchange) => this.#land(exchange))
        .catch((error: unknown) => this.#fail(error));
      return;
    }
    const prepared = http.prepare(request);
    const { spare } = fleet;
    let exchange: FlightExchange;
    if (spare?.prepared === prepared) {
      exchange = spare;
      fleet.spare = undefined;
    } else exchange = new FlightExchange(prepared);
    exchange.flight = this;
    http.dispatch(exchange);
  }

  /** @internal Hot. */
  land(exchange: FlightExchange): void {
    const response = exchange.toResponse();
    // What it brought belongs to the response now; a body may be large.
    exchange.body = undefined;
    exchange.headText = "";
    exchange.headerList = undefined;
    this.#fleet.spare = exchange;
    this.#land(response);
  }

  /** Nothing may be thrown into the socket's callback: what the script's side throws is the script's. Hot. */
  #land(response: HttpResponse): void {
    try {
      this.#answered(response);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Hot. */
  #answered(answer: HttpResponse): void {
    const exchange = answer.failure !== undefined && answer.status !== 0 ? brokenOff(answer) : answer;
    const { context } = this.#fleet;
    // Of a script that was cut off and goes on nevertheless, nothing goes further.
    if (context.stopInterrupted()) return;
    const { httpDebug } = context.options;
    if (httpDebug) this.#debug(shownResponse(exchange, httpDebug));
    if (exchange.setsCookies !== false) this.#keepCookies(exchange);
    recordExchange(context, exchange, this, this.#params);
    if (exchange.status === 401 && this.#params.auth === "digest" && !this.#challenged) {
      const answer = this.#answerTo(exchange);
      if (answer) {
        this.#challenged = true;
        this.#send(answer);
        return;
      }
    }
    this.#follow(new Response(exchange, this.#request!, this.target.url, this.#fleet));
  }

  #keepCookies(exchange: HttpResponse): void {
    const { context } = this.#fleet;
    for (const [name, value] of exchange.headers) {
      // Most headers differ in length, which is cheaper to ask.
      if (name.length === 10 && name.toLowerCase() === "set-cookie")
        (this.#params.jar ?? context.jar).store(this.target.url, value);
    }
  }

  #answerTo(exchange: HttpResponse): HttpRequest | undefined {
    const { parsed } = this.target;
    const challenges = exchange.headers
      .filter(([name]) => name.toLowerCase() === "www-authenticate")
      .map(([, value]) => value);
    const authorization = digestAuthorization(challenges, this.target, this.method, parsed.pathname + parsed.search);
    if (authorization === undefined) return undefined;
    const request = this.#request!;
    return { ...request, headers: [...(request.headers ?? []), ["Authorization", authorization] as const] };
  }

  /** Sends what a redirect asks for, or gives the response to the script. */
  #follow(response: Response): void {
    const { context } = this.#fleet;
    const { redirects } = this.#params;
    const location = redirects === 0 ? undefined : redirectOf(response, this.target);
    if (location === undefined) {
      this.#finish(response);
      return;
    }
    if (this.#redirects >= redirects) {
      const text = `Stopped after ${redirects} redirects; the last response is used. (${this.target.clean})`;
      context.host.log("warning", text);
      this.#settle(response);
      return;
    }
    const target = targetOf(context.share.targets, new URL(location, this.target.url).href);
    if (!target || isBlocked(target, context.options)) {
      this.#settle(response);
      return;
    }
    this.#redirects += 1;
    this.#challenged = false;
    if (!isBelow(target, this.target)) this.#isAbroad = true;
    this.target = target;
    // 307 and 308 keep the method and the body.
    if (response.status < 307) {
      this.method = this.method === "HEAD" ? "HEAD" : "GET";
      this.#body = undefined;
      this.#contentType = undefined;
    }
    this.#send(this.#prepare());
  }

  #finish(response: Response): void {
    if (response.status !== 0) {
      this.#settle(response);
      return;
    }
    const what = `${this.method} ${response.url}: ${response.error}`;
    if (this.#params.throws) throw new Error(what);
    this.#fleet.context.host.log("warning", `Request Failed error="${what}"`);
    this.#settle(response);
  }

  /** A failure before anything was sent is a sample too. */
  #refuse(code: number, message: string): void {
    const { url } = this.target;
    const exchange = unsent({ code, message });
    recordExchange(this.#fleet.context, exchange, this, this.#params);
    const request: HttpRequest = { method: this.method, url };
    this.#finish(new Response(exchange, request, url, this.#fleet));
  }

  #debug(text: string): void {
    const { host, share } = this.#fleet.context;
    host.log("info", share.secrets.redact(text));
  }

  /** Hot where a request has nothing of its own. */
  #prepare(): HttpRequest {
    const { options, cookies: stored } = this.#fleet.context;
    const { method, target } = this;
    const params = this.#params;
    const jar = params.jar ?? stored;
    const isPlain =
      params.headers.length === 0 &&
      params.cookies.length === 0 &&
      jar === undefined &&
      this.#body === undefined &&
      target.username === "";
    const known = target.plain;
    if (
      isPlain &&
      known?.method === method &&
      known.timeoutMs === params.timeoutMs &&
      known.responseBody === params.responseType
    ) {
      return known;
    }
    const headers = this.#isAbroad ? params.headers.filter(isForAnySite) : [...params.headers];
    const given = new Set(headers.map(([name]) => name.toLowerCase()));
    const add = (name: string, value: string | undefined): void => {
      if (value !== undefined && value !== "" && !given.has(name.toLowerCase())) headers.push([name, value]);
    };
    add("User-Agent", options.userAgent ?? "mettle");
    add("Content-Type", this.#contentType);
    if (target.username !== "" && params.auth !== "digest") {
      const credentials = Buffer.from(`${target.username}:${target.password}`).toString("base64");
      add("Authorization", `Basic ${credentials}`);
    }
    add("Cookie", cookieHeader(params.cookies, jar, target.url));
    let body = this.#body;
    if (body !== undefined && params.compression.length > 0) {
      const compressed = compressBody(body, params.compression);
      body = compressed.body;
      add("Content-Encoding", compressed.contentEncoding);
    }
    const request: HttpRequest = {
      method,
      url: target.url,
      headers,
      timeoutMs: params.timeoutMs,
      responseBody: params.responseType,
      ...(body !== undefined && { body }),
    };
    if (isPlain) target.plain = request;
    return request;
  }
}

/** Meant for the site that the script named: as in Go, and so in k6, no other gets to see them. */
const forOneSite = new Set(["authorization", "www-authenticate", "cookie", "host"]);
const isForAnySite = ([name]: readonly [string, string]): boolean => !forOneSite.has(name.toLowerCase());

/** The same host, or one below it. */
const isBelow = ({ parsed }: Target, { parsed: { hostname } }: Target): boolean =>
  parsed.hostname === hostname || parsed.hostname.endsWith(`.${hostname}`);

/** An exchange that never was. */
function unsent(failure: { readonly code: number; readonly message: string }): HttpResponse {
  const now = performance.now();
  return {
    status: 0,
    statusText: "",
    protocol: "",
    headers: [],
    bytesSent: 0,
    bytesReceived: 0,
    timings: {
      scheduledAt: now,
      startedAt: now,
      blocked: 0,
      lookingUp: 0,
      connecting: 0,
      tlsHandshaking: 0,
      sending: 0,
      waiting: 0,
      receiving: 0,
      duration: 0,
    },
    failure,
  };
}

/** As k6 has it: of an answer that fails after its head nothing counts, its status neither. */
const brokenOff = (answer: HttpResponse): HttpResponse => ({
  status: 0,
  statusText: "",
  protocol: "",
  headers: [],
  setsCookies: false,
  bytesSent: answer.bytesSent,
  bytesReceived: answer.bytesReceived,
  timings: answer.timings,
  ...(answer.failure && { failure: answer.failure }),
  ...(answer.remoteAddress !== undefined && { remoteAddress: answer.remoteAddress }),
  ...(answer.remotePort !== undefined && { remotePort: answer.remotePort }),
});

function cookieHeader(cookies: RequestParams["cookies"], jar: CookieJar | undefined, url: string): string {
  if (cookies.length === 0 && !jar) return "";
  const replaced = new Set(cookies.filter(({ replace }) => replace).map(({ name }) => name));
  const stored = !jar ? [] : jar.cookiesFor(url).filter(({ name }) => !replaced.has(name));
  return [...stored, ...cookies].map(({ name, value }) => `${name}=${value}`).join("; ");
}

/** Where a redirecting response leads; undefined for one that leads nowhere. */
function redirectOf(response: Response, from: Target): string | undefined {
  const { status } = response;
  if (status !== 301 && status !== 302 && status !== 303 && status !== 307 && status !== 308) return undefined;
  const location = response.headers["Location"];
  return location !== undefined && URL.canParse(location, from.url) ? location : undefined;
}
