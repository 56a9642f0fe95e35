import { fieldValueBytes, tokenBytes } from "./byte-classes.ts";
import type { HttpFailure, HttpRequest } from "./exchange.ts";
import { failure, failureCodes } from "./failure.ts";

/** Scheme, host and port: what connections are kept by. */
export interface Origin {
  /** `https://example.test:443`; the port is always there. */
  readonly key: string;
  readonly secure: boolean;
  /** Without the brackets of an IPv6 address. */
  readonly hostname: string;
  readonly port: number;
}

/** What a URL says to HTTP, worked out once a URL. */
export interface Target {
  readonly origin: Origin;
  /** For the Host header: the default port is left out. */
  readonly authority: string;
  /** Path and query. */
  readonly path: string;
  /** `Basic …` from credentials in the URL, or empty. */
  readonly authorization: string;
}

const EMPTY = Buffer.alloc(0);
const idempotent = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);
const expectsBody = new Set(["POST", "PUT", "PATCH"]);

/** A request made ready to be sent any number of times: checked, its URL split, its bytes laid out once. */
export class PreparedRequest {
  readonly request: HttpRequest;
  /** `undefined` where `problem` is set. */
  readonly target: Target | undefined;
  readonly isHead: boolean;
  /** May be sent again when a kept connection turns out to be closed. */
  readonly idempotent: boolean;
  readonly wantsBody: boolean;
  readonly wantsText: boolean;
  /** `Connection: close` is asked for. */
  readonly closes: boolean;
  /** Set where the request cannot be sent at all. */
  readonly problem: HttpFailure | undefined;
  readonly #body: Buffer | string | undefined;
  #bytes: Buffer | undefined;
  #bytesForProxy: Buffer | undefined;

  constructor(request: HttpRequest, target: Target | HttpFailure) {
    this.request = request;
    this.isHead = request.method === "HEAD";
    this.idempotent = idempotent.has(request.method);
    const problem = "code" in target ? target : problemOf(request);
    this.problem = problem;
    this.target = "code" in target ? undefined : target;
    const { body, responseBody = "text", headers = [] } = request;
    this.wantsBody = responseBody !== "none";
    this.wantsText = responseBody === "text";
    this.closes = headers.some(([name, value]) => /^connection$/i.test(name) && /\bclose\b/i.test(value));
    this.#body =
      body === undefined || typeof body === "string"
        ? body
        : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  }

  /** Head and body for a connection to the origin. The same buffer each time: not to be changed. */
  get bytes(): Buffer {
    return (this.#bytes ??= this.#serialize(this.target!.path, ""));
  }

  /** With the absolute URL that a forward proxy needs, and its credentials (`Basic …` or empty). */
  bytesForProxy(proxyAuthorization: string): Buffer {
    const { origin, authority, path } = this.target!;
    return (this.#bytesForProxy ??= this.#serialize(
      `${origin.secure ? "https" : "http"}://${authority}${path}`,
      proxyAuthorization,
    ));
  }

  get body(): Buffer {
    const body = this.#body;
    if (body === undefined) return EMPTY;
    return typeof body === "string" ? Buffer.from(body, "utf8") : body;
  }

  #serialize(requestTarget: string, proxyAuthorization: string): Buffer {
    const { method, headers = [] } = this.request;
    const { authority, authorization } = this.target!;
    let fields = "";
    let hasHost = false;
    let hasLength = false;
    let hasAuthorization = false;
    let chunked = false;
    for (const [name, value] of headers) {
      switch (name.length === 4 || name.length >= 13 ? name.toLowerCase() : "") {
        case "host":
          hasHost = true;
          break;
        case "content-length":
          hasLength = true;
          break;
        case "authorization":
          hasAuthorization = true;
          break;
        case "transfer-encoding":
          chunked = value.toLowerCase().endsWith("chunked");
          break;
        default:
      }
      fields += `${name}: ${value}\r\n`;
    }
    let head = `${method} ${requestTarget} HTTP/1.1\r\n`;
    if (!hasHost) head += `Host: ${authority}\r\n`;
    head += fields;
    if (authorization !== "" && !hasAuthorization) head += `Authorization: ${authorization}\r\n`;
    if (proxyAuthorization !== "") head += `Proxy-Authorization: ${proxyAuthorization}\r\n`;
    const body = this.#body;
    if (body === undefined && !expectsBody.has(method)) return Buffer.from(`${head}\r\n`, "utf8");
    return this.#withBody(head, this.body, hasLength, chunked);
  }

  #withBody(head: string, body: Buffer, hasLength: boolean, chunked: boolean): Buffer {
    if (chunked) {
      const size = Buffer.from(`${head}\r\n${body.length > 0 ? `${body.length.toString(16)}\r\n` : ""}`, "utf8");
      return Buffer.concat([size, body, Buffer.from(body.length > 0 ? "\r\n0\r\n\r\n" : "0\r\n\r\n", "latin1")]);
    }
    const length = hasLength ? "" : `Content-Length: ${body.length}\r\n`;
    const bytes = Buffer.from(`${head}${length}\r\n`, "utf8");
    return body.length === 0 ? bytes : Buffer.concat([bytes, body]);
  }
}

/** Splits a URL. A failure where it is not an absolute `http:` or `https:` URL. About a microsecond: keep the result. */
export function targetOf(url: string): Target | HttpFailure {
  const parsed = URL.parse(url);
  if (!parsed || (parsed.protocol !== "http:" && parsed.protocol !== "https:") || parsed.hostname === "") {
    return failure(failureCodes.invalidUrl, `invalid URL: ${url}`);
  }
  const secure = parsed.protocol === "https:";
  const hostname = parsed.hostname.startsWith("[") ? parsed.hostname.slice(1, -1) : parsed.hostname;
  const port = parsed.port === "" ? (secure ? 443 : 80) : Number(parsed.port);
  return {
    origin: { key: `${parsed.protocol}//${parsed.hostname}:${port}`, secure, hostname, port },
    authority: parsed.host,
    path: parsed.pathname + parsed.search,
    authorization:
      parsed.username === "" && parsed.password === ""
        ? ""
        : basicAuthorization(percentDecoded(parsed.username), percentDecoded(parsed.password)),
  };
}

/** The value of an Authorization header for RFC 7617, in UTF-8. */
export function basicAuthorization(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`;
}

/** As written where the escapes are not UTF-8. */
function percentDecoded(text: string): string {
  return /%(?![0-9a-f]{2})/i.test(text)
    ? text
    : Buffer.from(text.replace(/%([0-9a-f]{2})/gi, fromHex), "latin1").toString();
}

function fromHex(_: string, digits: string): string {
  return String.fromCharCode(Number.parseInt(digits, 16));
}

function problemOf({ method, headers }: HttpRequest): HttpFailure | undefined {
  if (method === "" || !everyCharacter(method, tokenBytes)) {
    return failure(failureCodes.generic, `invalid method ${JSON.stringify(method)}`);
  }
  for (const [name, value] of headers ?? []) {
    if (name === "" || !everyCharacter(name, tokenBytes)) {
      return failure(failureCodes.generic, `invalid header name ${JSON.stringify(name)}`);
    }
    if (!everyCharacter(value, fieldValueBytes)) {
      return failure(failureCodes.generic, `invalid header value for ${JSON.stringify(name)}`);
    }
  }
  return undefined;
}

/** Characters beyond Latin-1 are allowed where bytes above 0x7f are: they are sent as UTF-8. Hot. */
function everyCharacter(text: string, allowed: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (allowed[code > 0xff ? 0xff : code] !== 1) return false;
  }
  return true;
}
