import { performance } from "node:perf_hooks";
import type { DnsOptions, Lookup } from "./dns-cache.ts";
import { dnsDefaults } from "./dns-cache.ts";
import { httpErrors } from "./errors.ts";
import { expandLocalAddresses } from "./local-addresses.ts";
import { type ParserLimits, parserLimitDefaults } from "./response-parser.ts";
import type { TlsOptions } from "./tls-options.ts";

/** How the clients of one worker behave. Every time is in ms. */
export interface HttpOptions {
  /** Connections at once to one scheme, host and port, of one client. @defaultValue Infinity */
  readonly maxConnectionsPerHost?: number;
  /** Of all clients together. @defaultValue 5000: more than a server accepts in health, less than a storm */
  readonly connectsPerSecond?: number;
  /** Connections that may be made at once after a rest. @defaultValue 1000 */
  readonly connectBurst?: number;
  /** Lookup, connecting and TLS together; 0 for none. @defaultValue 30000 */
  readonly dialTimeoutMs?: number;
  /** A connection that rested this long is closed instead of used. @defaultValue 90000 */
  readonly idleTimeoutMs?: number;
  /** False: a connection for each request, and `Connection: close`. @defaultValue true */
  readonly keepAlive?: boolean;
  /** Requests sent on one HTTP/1.1 connection before their answers came. @defaultValue 1: no pipelining */
  readonly pipelining?: number;
  /** Offer HTTP/2 to servers with TLS. @defaultValue true */
  readonly http2?: boolean;
  /** A longer body is a failure where it is kept. @defaultValue 268435456 (256 MiB) */
  readonly maxBodyBytes?: number;
  readonly limits?: Partial<ParserLimits>;
  readonly dns?: DnsOptions;
  /** `"name"`, `"name:port"` or `"*.name"` → `"address"` or `"address:port"`. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** Names, or `*.name`, that are never connected to. */
  readonly blockedHostnames?: readonly string[];
  /** Networks such as `10.0.0.0/8` that are never connected to. */
  readonly blockedNetworks?: readonly string[];
  /** Addresses, ranges (`a-b`) and networks of this machine that connections come from, in turn over the clients. */
  readonly localAddresses?: readonly string[];
  readonly tls?: TlsOptions;
  /** @defaultValue the environment's HTTP_PROXY, HTTPS_PROXY and NO_PROXY */
  readonly proxy?: ProxyOptions;
  /** Seed for choosing among addresses. @defaultValue 1 */
  readonly seed?: number;
  readonly lookup?: Lookup;
  /** Monotonic ms. @defaultValue performance.now */
  readonly now?: () => number;
}

/** As the environment variables of these names say it; an empty text is none. */
export interface ProxyOptions {
  readonly http?: string;
  readonly https?: string;
  /** Comma-separated hosts, `.domains`, addresses, networks, each with a port if need be; `*` for all. */
  readonly no?: string;
}

export type ResolvedHttpOptions = Required<Omit<HttpOptions, "limits" | "lookup" | "dns">> & {
  readonly limits: ParserLimits;
  readonly dns: Required<DnsOptions>;
  readonly lookup: Lookup | undefined;
};

export const httpDefaults: Omit<ResolvedHttpOptions, "proxy" | "now" | "lookup"> = {
  maxConnectionsPerHost: Number.POSITIVE_INFINITY,
  connectsPerSecond: 5000,
  connectBurst: 1000,
  dialTimeoutMs: 30_000,
  idleTimeoutMs: 90_000,
  keepAlive: true,
  pipelining: 1,
  http2: true,
  maxBodyBytes: 256 * 1024 * 1024,
  limits: parserLimitDefaults,
  dns: dnsDefaults,
  hosts: {},
  blockedHostnames: [],
  blockedNetworks: [],
  localAddresses: [],
  tls: {},
  seed: 1,
};

/**
 * Fills in the defaults and checks the whole.
 *
 * @throws MettleError `LOAD_HTTP_OPTIONS_INVALID` naming every problem
 */
export function resolveHttpOptions(
  options: HttpOptions = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): ResolvedHttpOptions {
  const resolved: ResolvedHttpOptions = {
    ...httpDefaults,
    now: () => performance.now(),
    proxy: proxyFromEnvironment(environment),
    lookup: undefined,
    ...options,
    limits: { ...parserLimitDefaults, ...options.limits },
    dns: { ...dnsDefaults, ...options.dns },
    localAddresses: expandLocalAddresses(options.localAddresses ?? []),
  };
  const problems = [
    ...atLeast(resolved, "maxConnectionsPerHost", 1),
    ...atLeast(resolved, "connectsPerSecond", 0.001),
    ...atLeast(resolved, "connectBurst", 1),
    ...atLeast(resolved, "dialTimeoutMs", 0),
    ...atLeast(resolved, "idleTimeoutMs", 0),
    ...atLeast(resolved, "pipelining", 1),
    ...atLeast(resolved, "maxBodyBytes", 0),
    ...Object.entries(resolved.limits)
      .filter(([, value]) => !(value >= 1))
      .map(([name, value]) => `limits.${name} must be at least 1, got ${value}`),
  ];
  if (!(resolved.dns.ttlMs >= 0)) problems.push(`dns.ttlMs must be at least 0, got ${resolved.dns.ttlMs}`);
  if (problems.length > 0) {
    throw httpErrors.create("LOAD_HTTP_OPTIONS_INVALID", `HTTP options: ${problems.join("; ")}.`, {
      details: { problems },
    });
  }
  return resolved;
}

/** Lower-case names win, as in curl; `HTTP_PROXY` in capitals is not read where it may come from a request (CGI). */
export function proxyFromEnvironment(environment: Readonly<Record<string, string | undefined>>): ProxyOptions {
  const cgi = environment["REQUEST_METHOD"] !== undefined;
  return {
    http: environment["http_proxy"] ?? (cgi ? "" : (environment["HTTP_PROXY"] ?? "")),
    https: environment["https_proxy"] ?? environment["HTTPS_PROXY"] ?? "",
    no: environment["no_proxy"] ?? environment["NO_PROXY"] ?? "",
  };
}

function atLeast(options: ResolvedHttpOptions, name: keyof ResolvedHttpOptions, minimum: number): string[] {
  const value = options[name] as number;
  return value >= minimum ? [] : [`${name} must be at least ${minimum}, got ${value}`];
}
