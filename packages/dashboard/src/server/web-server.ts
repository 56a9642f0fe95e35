import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { messageOf } from "@mettle/core";
import { dashboardErrors } from "../errors.ts";
import { type Address, hostOf, isLoopback } from "./address.ts";

export interface WebServerOptions extends Address {
  /** What viewers from elsewhere must know. @defaultValue none on loopback, a random one elsewhere */
  readonly token?: string;
}

/** Answers a request that may be answered; paths come decoded and begin with `/`. */
export type PageHandler = (
  path: string,
  query: URLSearchParams,
  response: ServerResponse,
  request: IncomingMessage,
) => void;

const COOKIE = "mettle-token";
const HEADERS_TIMEOUT_MS = 10_000;
const MOST_CONNECTIONS = 256;

const always: Readonly<Record<string, string>> = {
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin",
};

/**
 * Shows pages and changes nothing: answers GET and HEAD only. On loopback it answers only requests that were sent to this
 * machine by name, so that no page from elsewhere can read it; bound elsewhere, only those who know the token, which the
 * first address carries and a cookie keeps. Close it: it keeps a port.
 */
export class WebServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #host: string;
  readonly #token: string | undefined;

  private constructor(host: string, token: string | undefined, handler: PageHandler) {
    this.#host = host;
    this.#token = token;
    this.#server = createServer({ headersTimeout: HEADERS_TIMEOUT_MS }, (request, response) => {
      for (const [name, value] of Object.entries(always)) response.setHeader(name, value);
      try {
        if (this.#admits(request, response)) this.#dispatch(handler, request, response);
      } catch (error) {
        // One page that cannot be made must not end the run behind it.
        refuse(response, 500, `This page could not be made: ${messageOf(error)}`);
      }
    });
    this.#server.maxConnections = MOST_CONNECTIONS;
  }

  /** @throws MettleError `DASHBOARD_ADDRESS_TAKEN` where it cannot be listened on */
  static async listen({ host, port, token }: WebServerOptions, handler: PageHandler): Promise<WebServer> {
    const needed = token ?? (isLoopback(host) ? undefined : randomBytes(18).toString("base64url"));
    const made = new WebServer(host, needed, handler);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    made.#server.once("error", reject);
    made.#server.listen(port, host, resolve);
    try {
      await promise;
    } catch (cause) {
      throw dashboardErrors.create(
        "DASHBOARD_ADDRESS_TAKEN",
        `Cannot listen on ${host}:${port}: ${messageOf(cause)}.`,
        {
          details: { host, port },
          cause,
        },
      );
    }
    // A process that has done its work must not stay for a page that somebody left open.
    made.#server.unref();
    return made;
  }

  /** What to open in a browser; with the token where one is needed. */
  get url(): string {
    const { address, port, family } = this.#server.address() as AddressInfo;
    const host = isLoopback(this.#host) ? this.#host : reachable(address, family);
    const shown = host.includes(":") ? `[${host}]` : host;
    return `http://${shown}:${port}/${this.#token === undefined ? "" : `?token=${this.#token}`}`;
  }

  /** Keeps the process alive for as long as it listens. */
  stay(): this {
    this.#server.ref();
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #dispatch(handler: PageHandler, request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", "http://page");
    handler(pathOf(url), url.searchParams, response, request);
  }

  #admits(request: IncomingMessage, response: ServerResponse): boolean {
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("Allow", "GET, HEAD");
      refuse(response, 405, "Pages are only read here.");
      return false;
    }
    // A name that somebody else's server resolves to this machine is how a page from elsewhere would get in.
    if (isLoopback(this.#host) && !isLoopback(hostOf(request.headers.host))) {
      refuse(response, 421, "This page is only for this machine: open it as http://127.0.0.1 or http://localhost.");
      return false;
    }
    return this.#token === undefined || this.#knowsToken(this.#token, request, response);
  }

  #knowsToken(token: string, request: IncomingMessage, response: ServerResponse): boolean {
    const url = new URL(request.url ?? "/", "http://page");
    const given = url.searchParams.get("token");
    if (given !== null && isSame(given, token)) {
      // From the address into a cookie: an address is shown, kept and passed on.
      url.searchParams.delete("token");
      response.setHeader("Set-Cookie", `${COOKIE}=${token}; HttpOnly; SameSite=Strict; Path=/`);
      response.writeHead(303, { Location: `${url.pathname}${url.search}` }).end();
      return false;
    }
    const kept = (request.headers.cookie ?? "").split(/;\s*/).find((each) => each.startsWith(`${COOKIE}=`));
    if (kept !== undefined && isSame(kept.slice(COOKIE.length + 1), token)) return true;
    refuse(response, 401, "Open the whole address that the command wrote, with its token.");
    return false;
  }
}

/** Takes the same time however much of it is right. */
function isSame(given: string, token: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

/** A path whose escapes are broken is one that there is not. */
function pathOf({ pathname }: URL): string {
  try {
    return decodeURIComponent(pathname);
  } catch (error) {
    if (error instanceof URIError) return "/…";
    throw error;
  }
}

export function refuse(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" }).end(`${text}\n`);
}

/** A page of ours: markup whose policy stands in it. */
export function answerPage(response: ServerResponse, page: string): void {
  response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end(page);
}

/** On every address of the machine means nothing elsewhere: the first one that others can reach, where there is one. */
function reachable(address: string, family: string): string {
  if (address !== "0.0.0.0" && address !== "::") return address;
  const others = Object.values(networkInterfaces()).flatMap((each = []) => each.filter(({ internal }) => !internal));
  // Who listens on `::` is reached over IPv4 too, and an IPv6 address may be good on its own link only.
  return (
    (others.find((each) => each.family === "IPv4") ?? others.find((each) => each.family === family))?.address ?? address
  );
}
