import { type BlockList, isIP } from "node:net";
import { httpErrors } from "./errors.ts";
import type { HttpFailure } from "./exchange.ts";
import { failure, failureCodes } from "./failure.ts";
import { networkOf } from "./proxies.ts";
import { matchesHost } from "./tls-options.ts";

export interface Destination {
  readonly hostname: string;
  readonly port: number;
}

/** Where a name leads by the options `hosts`, and where nothing may lead. */
export class Destinations {
  readonly #exact = new Map<string, string>();
  readonly #wildcards: (readonly [pattern: string, port: number | undefined, to: string])[] = [];
  readonly #blockedHostnames: readonly string[];
  readonly #blockedNetworks: readonly BlockList[];

  /** @throws MettleError `LOAD_HTTP_OPTIONS_INVALID` for a network or an address that is none */
  constructor(
    hosts: Readonly<Record<string, string>>,
    blockedHostnames: readonly string[],
    blockedNetworks: readonly string[],
  ) {
    for (const [name, to] of Object.entries(hosts)) {
      const { hostname, port } = splitPort(to);
      if (isIP(hostname) === 0) throw invalid(`hosts[${JSON.stringify(name)}] leads to ${to}, which is no address`);
      const from = splitPort(name.toLowerCase());
      if (from.hostname.startsWith("*")) this.#wildcards.push([from.hostname, from.port, to]);
      else this.#exact.set(from.port === undefined ? from.hostname : `${from.hostname}:${from.port}`, to);
      if (port !== undefined && port > 65_535) throw invalid(`hosts[${JSON.stringify(name)}] has no valid port`);
    }
    this.#blockedHostnames = blockedHostnames;
    this.#blockedNetworks = blockedNetworks.map((text) => {
      const network = networkOf(text.includes("/") ? text : `${text}/${isIP(text) === 6 ? 128 : 32}`);
      if (!network) throw invalid(`${JSON.stringify(text)} is no network`);
      return network;
    });
  }

  /** The name with its port wins over the name, both over a pattern. */
  destinationOf(hostname: string, port: number): Destination {
    if (this.#exact.size === 0 && this.#wildcards.length === 0) return { hostname, port };
    const name = hostname.toLowerCase();
    const to =
      this.#exact.get(`${name}:${port}`) ??
      this.#exact.get(name) ??
      this.#wildcards.find(
        ([pattern, only]) => (only === undefined || only === port) && matchesHost(pattern, name),
      )?.[2];
    if (to === undefined) return { hostname, port };
    const split = splitPort(to);
    return { hostname: split.hostname, port: split.port ?? port };
  }

  hostnameProblem(hostname: string): HttpFailure | undefined {
    return this.#blockedHostnames.some((pattern) => matchesHost(pattern, hostname))
      ? failure(failureCodes.blockedHostname, `hostname (${hostname}) is blocked`)
      : undefined;
  }

  addressProblem(address: string): HttpFailure | undefined {
    if (this.#blockedNetworks.length === 0) return undefined;
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    return this.#blockedNetworks.some((network) => network.check(address, family))
      ? failure(failureCodes.blockedAddress, `IP (${address}) is blocked`)
      : undefined;
  }
}

function splitPort(text: string): { hostname: string; port: number | undefined } {
  if (isIP(text) !== 0) return { hostname: text, port: undefined };
  const [, bracketed, plain = text, port] = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(text) ?? [];
  return { hostname: bracketed ?? plain, port: port === undefined ? undefined : Number(port) };
}

const invalid = (problem: string): Error =>
  httpErrors.create("LOAD_HTTP_OPTIONS_INVALID", `HTTP options: ${problem}.`, { details: { problems: [problem] } });
