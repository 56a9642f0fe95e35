import { createRequire } from "node:module";
import { isIP } from "node:net";
import type * as Tldts from "tldts";
import { parseCookieDate } from "./cookie-date.ts";

export interface Cookie {
  readonly name: string;
  readonly value: string;
  /** Without a leading dot, lower case. */
  readonly domain: string;
  /** Sent to `domain` alone, not to what is below it. */
  readonly hostOnly: boolean;
  readonly path: string;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  /** ms since 1970; Infinity for a cookie of the session. */
  readonly expiresAt: number;
}

/** What a user's code may say of a cookie that it sets itself. */
export type CookieAttributes = Partial<Pick<Cookie, "domain" | "path" | "secure" | "httpOnly" | "expiresAt">>;

interface Stored extends Cookie {
  /** Order of creation, which decides among cookies of equal paths (RFC 6265 5.4). */
  readonly order: number;
}

/** As much as browsers keep; more is a server gone wrong, and memory must stay bounded. */
const MAX_COOKIES_PER_DOMAIN = 180;
const MAX_COOKIES = 3000;
const MAX_COOKIE_LENGTH = 4096;

/** The cookies of one user, by RFC 6265. */
export class CookieJar {
  // In both, a cookie that is replaced keeps its place, so that the first is the oldest.
  readonly #all = new Map<string, Stored>();
  readonly #domains = new Map<string, Map<string, Stored>>();
  readonly #wallTime: () => number;
  #order = 0;

  /** @param wallTime - ms since 1970 */
  constructor(wallTime: () => number = Date.now) {
    this.#wallTime = wallTime;
  }

  get size(): number {
    return this.#all.size;
  }

  /**
   * Takes the value of a `Set-Cookie` header of a response from `url`.
   *
   * @returns false where the cookie is refused: malformed, too long, or for a domain that is not the server's to speak for
   */
  store(url: string, setCookie: string): boolean {
    const from = URL.parse(url);
    const parsed = from && setCookie.length <= MAX_COOKIE_LENGTH ? parseSetCookie(setCookie) : undefined;
    if (!from || !parsed) return false;
    const { name, value, attributes } = parsed;
    // As browsers do it: an open connection has no say in what only secure ones see.
    if (attributes.has("secure") && from.protocol !== "https:") return false;
    const domain = attributes.get("domain")?.replace(/^\./, "").toLowerCase() ?? "";
    const path = attributes.get("path") ?? "";
    return this.#put(from, {
      name,
      value,
      domain,
      path,
      secure: attributes.has("secure"),
      httpOnly: attributes.has("httponly"),
      expiresAt: this.#expiry(attributes),
    });
  }

  /** Sets a cookie as the user's own code, for the host of `url` unless a domain is given. False where it is refused. */
  set(url: string, name: string, value: string, attributes: CookieAttributes = {}): boolean {
    const from = URL.parse(url);
    if (!from || !isCookieText(name) || !isCookieText(value)) return false;
    return this.#put(from, {
      name,
      value,
      domain: attributes.domain?.replace(/^\./, "").toLowerCase() ?? "",
      path: attributes.path ?? "/",
      secure: attributes.secure ?? false,
      httpOnly: attributes.httpOnly ?? false,
      expiresAt: attributes.expiresAt ?? Number.POSITIVE_INFINITY,
    });
  }

  /** What a request to `url` carries: longer paths first, then the older. */
  cookiesFor(url: string): Cookie[] {
    if (this.#all.size === 0) return [];
    const to = URL.parse(url);
    if (!to) return [];
    const host = hostOf(to);
    const found: Stored[] = [];
    for (const domain of domainsAbove(host)) {
      for (const cookie of this.#domains.get(domain)?.values() ?? []) {
        if (cookie.hostOnly && domain !== host) continue;
        if (cookie.secure && to.protocol !== "https:") continue;
        if (!pathMatches(to.pathname, cookie.path)) continue;
        if (cookie.expiresAt <= this.#wallTime()) this.#remove(cookie);
        else found.push(cookie);
      }
    }
    return found.sort((a, b) => b.path.length - a.path.length || a.order - b.order);
  }

  /** Removes those named, or all, that a request to `url` would carry. */
  delete(url: string, name?: string): void {
    for (const cookie of this.cookiesFor(url)) {
      if (name === undefined || cookie.name === name) this.#remove(cookie);
    }
  }

  clear(): void {
    this.#domains.clear();
    this.#all.clear();
  }

  #expiry(attributes: ReadonlyMap<string, string>): number {
    const maxAge = attributes.get("max-age");
    if (maxAge !== undefined) {
      const seconds = Number(maxAge);
      return seconds <= 0 ? Number.NEGATIVE_INFINITY : this.#wallTime() + seconds * 1000;
    }
    const expires = attributes.get("expires");
    return (expires === undefined ? undefined : parseCookieDate(expires)) ?? Number.POSITIVE_INFINITY;
  }

  #put(from: URL, cookie: Omit<Cookie, "hostOnly">): boolean {
    const host = hostOf(from);
    let { domain, path } = cookie;
    let hostOnly = domain === "" || domain === host;
    if (domain !== "" && isPublicSuffix(domain)) {
      // Nobody may set cookies for all of a public suffix; a host that is one may for itself.
      if (domain !== host) return false;
      domain = "";
    }
    if (domain === "") domain = host;
    else if (domain !== host && (isIP(host) !== 0 || !host.endsWith(`.${domain}`))) return false;
    else hostOnly = isIP(host) !== 0;
    if (cookie.domain === "") hostOnly = true;
    if (!path.startsWith("/")) path = defaultPath(from.pathname);
    if (!prefixHolds(cookie, from, hostOnly, path)) return false;
    this.#insert({ ...cookie, domain, hostOnly, path, order: this.#order++ });
    return true;
  }

  #insert(cookie: Stored): void {
    const { domain, path, name } = cookie;
    let cookies = this.#domains.get(domain);
    if (!cookies) {
      cookies = new Map();
      this.#domains.set(domain, cookies);
    }
    const key = `${name};${path}`;
    const old = cookies.get(key);
    if (cookie.expiresAt <= this.#wallTime()) {
      if (old) this.#remove(old);
      else if (cookies.size === 0) this.#domains.delete(domain);
      return;
    }
    const stored = old ? { ...cookie, order: old.order } : cookie;
    cookies.set(key, stored);
    this.#all.set(`${key};${domain}`, stored);
    if (cookies.size > MAX_COOKIES_PER_DOMAIN) this.#remove(cookies.values().next().value!);
    if (this.#all.size > MAX_COOKIES) this.#remove(this.#all.values().next().value!);
  }

  #remove({ domain, path, name }: Cookie): void {
    const cookies = this.#domains.get(domain);
    const key = `${name};${path}`;
    if (cookies?.delete(key) !== true) return;
    this.#all.delete(`${key};${domain}`);
    if (cookies.size === 0) this.#domains.delete(domain);
  }
}

/** RFC 6265 5.2: split at the first `;` and `=`, blanks trimmed; the last of equal attributes counts. */
function parseSetCookie(
  text: string,
): { name: string; value: string; attributes: ReadonlyMap<string, string> } | undefined {
  const [pair = "", ...rest] = text.split(";");
  const equals = pair.indexOf("=");
  if (equals < 0) return undefined;
  const name = pair.slice(0, equals).trim();
  const value = pair.slice(equals + 1).trim();
  if (name === "" || !isCookieText(name) || !isCookieText(value)) return undefined;
  const attributes = new Map<string, string>();
  for (const attribute of rest) {
    const at = attribute.indexOf("=");
    const key = (at < 0 ? attribute : attribute.slice(0, at)).trim().toLowerCase();
    const content = at < 0 ? "" : attribute.slice(at + 1).trim();
    if (isUsable(key, content)) attributes.set(key, content);
  }
  return { name, value, attributes };
}

/** What cannot be understood is as if it were not there, and leaves an earlier attribute of its name in force. */
function isUsable(attribute: string, content: string): boolean {
  switch (attribute) {
    case "domain":
      return content !== "";
    case "max-age":
      return /^-?\d+$/.test(content);
    case "expires":
      return parseCookieDate(content) !== undefined;
    default:
      return attribute !== "";
  }
}

/** No control characters, of which some would end the header; nor what would make two cookies of one. */
function isCookieText(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x7f || code === 0x3b) return false;
  }
  return true;
}

const hostOf = ({ hostname }: URL): string =>
  hostname.startsWith("[") ? hostname.slice(1, -1) : hostname.toLowerCase().replace(/\.$/, "");

/** The host and every domain above it. */
function* domainsAbove(host: string): Generator<string> {
  yield host;
  if (isIP(host) !== 0) return;
  for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) yield host.slice(dot + 1);
}

let suffixes: typeof Tldts | undefined;

/** Read with the first cookie that names a domain: the list costs each thread 20 ms of CPU and 10 MiB. */
const publicSuffixes = (): typeof Tldts => (suffixes ??= createRequire(import.meta.url)("tldts") as typeof Tldts);

function isPublicSuffix(domain: string): boolean {
  return isIP(domain) === 0 && publicSuffixes().getPublicSuffix(domain, { allowPrivateDomains: true }) === domain;
}

/** RFC 6265 5.1.4. */
function pathMatches(path: string, cookiePath: string): boolean {
  if (!path.startsWith(cookiePath)) return false;
  return path.length === cookiePath.length || cookiePath.endsWith("/") || path[cookiePath.length] === "/";
}

function defaultPath(path: string): string {
  const last = path.lastIndexOf("/");
  return last <= 0 ? "/" : path.slice(0, last);
}

/** `__Secure-` and `__Host-` promise what the cookie must keep (RFC 6265bis 4.1.3). */
function prefixHolds(
  { name, secure, domain }: Omit<Cookie, "hostOnly">,
  from: URL,
  hostOnly: boolean,
  path: string,
): boolean {
  const fromSecure = secure && from.protocol === "https:";
  if (/^__secure-/i.test(name)) return fromSecure;
  if (/^__host-/i.test(name)) return fromSecure && hostOnly && domain === "" && path === "/";
  return true;
}
