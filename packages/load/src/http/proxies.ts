import { BlockList, isIP } from "node:net";
import { httpErrors } from "./errors.ts";
import type { ProxyOptions } from "./http-options.ts";
import { type Origin, targetOf } from "./prepared-request.ts";

export interface Proxy {
  readonly origin: Origin;
  /** `Basic …`, or empty. */
  readonly authorization: string;
}

/** Which proxy an origin is reached through. */
export class Proxies {
  readonly #http: Proxy | undefined;
  readonly #https: Proxy | undefined;
  readonly #exempt: readonly ((hostname: string, port: number) => boolean)[];

  /** @throws MettleError `LOAD_HTTP_OPTIONS_INVALID` for a proxy that is no `http:` or `https:` URL */
  constructor(options: ProxyOptions) {
    this.#http = parseProxy(options.http ?? "");
    this.#https = parseProxy(options.https ?? "");
    this.#exempt = (options.no ?? "")
      .split(",")
      .map((entry) => entry.trim())
      .filter((entry) => entry !== "")
      .map(exemption);
  }

  /** As curl and Go do it, this machine is always reached directly. */
  proxyFor({ secure, hostname, port }: Origin): Proxy | undefined {
    const proxy = secure ? this.#https : this.#http;
    if (!proxy || isThisMachine(hostname)) return undefined;
    return this.#exempt.some((applies) => applies(hostname, port)) ? undefined : proxy;
  }
}

function parseProxy(text: string): Proxy | undefined {
  if (text === "") return undefined;
  const target = targetOf(text.includes("://") ? text : `http://${text}`);
  if ("code" in target) {
    throw httpErrors.create(
      "LOAD_HTTP_OPTIONS_INVALID",
      `HTTP options: the proxy ${withoutPassword(text)} is no http:// or https:// URL.`,
    );
  }
  return { origin: target.origin, authorization: target.authorization };
}

const withoutPassword = (url: string): string => JSON.stringify(url.replace(/\/\/[^@/]*@/, "//"));

function isThisMachine(hostname: string): boolean {
  return hostname === "localhost" || hostname === "::1" || (isIP(hostname) === 4 && hostname.startsWith("127."));
}

/** One entry of NO_PROXY. A name means itself and everything below it. */
function exemption(entry: string): (hostname: string, port: number) => boolean {
  if (entry === "*") return () => true;
  const network = networkOf(entry);
  if (network)
    return (hostname) => isIP(hostname) !== 0 && network.check(hostname, isIP(hostname) === 6 ? "ipv6" : "ipv4");
  const [, bracketed, name = entry, portText] = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [];
  const wanted = (bracketed ?? (isIP(entry) === 6 ? entry : name)).toLowerCase().replace(/^\*?\./, "");
  const port = portText === undefined ? undefined : Number(portText);
  return (hostname, actualPort) => {
    const actual = hostname.toLowerCase();
    return (port === undefined || port === actualPort) && (actual === wanted || actual.endsWith(`.${wanted}`));
  };
}

/** A network in CIDR notation, or `undefined` where the text is none. */
export function networkOf(text: string): BlockList | undefined {
  const [, address = "", bits = ""] = /^([0-9a-f.:]+)\/(\d+)$/i.exec(text) ?? [];
  const family = isIP(address);
  if (family === 0 || Number(bits) > (family === 4 ? 32 : 128)) return undefined;
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family === 4 ? "ipv4" : "ipv6");
  return list;
}
