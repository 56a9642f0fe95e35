/** One stored cookie. `expires` is ms since 1970; absent for one of the session. */
export interface StoredCookie {
  readonly name: string;
  readonly value: string;
  readonly domain: string;
  readonly path: string;
  readonly hostOnly: boolean;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly expires?: number;
  readonly maxAge?: number;
}

const maxCookies = 300;

/** Cookies of one user, by RFC 6265; domains are compared without a list of public suffixes, as k6 does. */
export class CookieJar {
  readonly #cookies = new Map<string, StoredCookie>();

  get isEmpty(): boolean {
    return this.#cookies.size === 0;
  }

  /** Those that a request to `url` carries, longer paths first. */
  matching(url: URL, now: number = Date.now()): StoredCookie[] {
    const found: StoredCookie[] = [];
    for (const [key, cookie] of this.#cookies) {
      if (cookie.expires !== undefined && cookie.expires <= now) this.#cookies.delete(key);
      else if (matches(cookie, url)) found.push(cookie);
    }
    return found.toSorted((a, b) => b.path.length - a.path.length);
  }

  set(cookie: StoredCookie, now: number = Date.now()): void {
    const key = `${cookie.domain}\0${cookie.path}\0${cookie.name}`;
    if (cookie.expires !== undefined && cookie.expires <= now) {
      this.#cookies.delete(key);
      return;
    }
    if (this.#cookies.size >= maxCookies && !this.#cookies.has(key)) {
      const [oldest] = this.#cookies.keys();
      if (oldest !== undefined) this.#cookies.delete(oldest);
    }
    this.#cookies.set(key, cookie);
  }

  /** Stores what a `Set-Cookie` header says; false where the host may not set it. */
  receive(header: string, url: URL): boolean {
    const cookie = parseSetCookie(header, url);
    if (cookie) this.set(cookie);
    return cookie !== undefined;
  }

  delete(url: URL, name: string): void {
    for (const [key, cookie] of this.#cookies) if (cookie.name === name && matches(cookie, url)) this.#cookies.delete(key);
  }

  clear(url: URL): void {
    for (const [key, cookie] of this.#cookies) if (matches(cookie, url)) this.#cookies.delete(key);
  }
}

function matches(cookie: StoredCookie, url: URL): boolean {
  const host = url.hostname.toLowerCase();
  const domain = host === cookie.domain || (!cookie.hostOnly && host.endsWith(`.${cookie.domain}`) && !isAddress(host));
  if (!domain || (cookie.secure && url.protocol !== "https:")) return false;
  const path = url.pathname;
  return path === cookie.path || (path.startsWith(cookie.path) && (cookie.path.endsWith("/") || path[cookie.path.length] === "/"));
}

const isAddress = (host: string): boolean => /^[\d.]+$/.test(host) || host.startsWith("[");

/** @returns undefined for a header that is malformed, or for a domain that is not the host's own */
export function parseSetCookie(header: string, url: URL, now: number = Date.now()): StoredCookie | undefined {
  const [pair = "", ...attributes] = header.split(";");
  const equals = pair.indexOf("=");
  if (equals < 1) return undefined;
  const name = pair.slice(0, equals).trim();
  const value = pair.slice(equals + 1).trim().replace(/^"(.*)"$/, "$1");
  const options = new Map(
    attributes.map((attribute) => {
      const at = attribute.indexOf("=");
      return at < 0
        ? [attribute.trim().toLowerCase(), ""]
        : [attribute.slice(0, at).trim().toLowerCase(), attribute.slice(at + 1).trim()];
    }),
  );
  const host = url.hostname.toLowerCase();
  const domain = options.get("domain")?.replace(/^\./, "").toLowerCase();
  if (domain !== undefined && domain !== "" && host !== domain && (!host.endsWith(`.${domain}`) || isAddress(host))) {
    return undefined;
  }
  const maxAge = options.has("max-age") ? Number(options.get("max-age")) : undefined;
  const date = options.has("expires") ? Date.parse(options.get("expires") ?? "") : Number.NaN;
  const expires =
    maxAge !== undefined && Number.isFinite(maxAge) ? (maxAge <= 0 ? 0 : now + maxAge * 1000) : Number.isNaN(date) ? undefined : date;
  const path = options.get("path");
  return {
    name,
    value,
    domain: domain === undefined || domain === "" ? host : domain,
    hostOnly: domain === undefined || domain === "",
    path: path?.startsWith("/") ? path : defaultPath(url),
    secure: options.has("secure"),
    httpOnly: options.has("httponly"),
    ...(expires !== undefined && { expires }),
    ...(maxAge !== undefined && Number.isFinite(maxAge) && { maxAge }),
  };
}

function defaultPath({ pathname }: URL): string {
  const last = pathname.lastIndexOf("/");
  return last <= 0 ? "/" : pathname.slice(0, last);
}
