import { lookup as systemLookup } from "node:dns";
import { isIP } from "node:net";
import type { Random } from "@mettle/core";

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/** Finds the addresses of a name: `dns.lookup` with `all`, or a test's own. */
export type Lookup = (
  hostname: string,
  done: (error: Error | null, addresses: readonly ResolvedAddress[]) => void,
) => void;

/** As the option `dns` of k6. */
export interface DnsOptions {
  /** How long an answer is kept; 0 asks every time, Infinity once. @defaultValue 300000, as in k6 */
  readonly ttlMs?: number;
  /** Which of several addresses a connection takes. @defaultValue "random" */
  readonly select?: "first" | "random" | "roundRobin";
  /** @defaultValue "preferIPv4" */
  readonly policy?: "preferIPv4" | "preferIPv6" | "onlyIPv4" | "onlyIPv6" | "any";
}

export const dnsDefaults: Required<DnsOptions> = { ttlMs: 300_000, select: "random", policy: "preferIPv4" };

interface Entry {
  readonly addresses: readonly ResolvedAddress[];
  readonly expiresAt: number;
  turn: number;
}

type Done = (error: Error | undefined, address: string) => void;

/** One per worker. Asks once for a name however many wait for it; a failure is told to those and not kept. */
export class DnsCache {
  readonly #options: Required<DnsOptions>;
  readonly #lookup: Lookup;
  readonly #random: Random;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();
  readonly #pending = new Map<string, Done[]>();

  constructor(options: DnsOptions, random: Random, now: () => number, lookup: Lookup = resolveBySystem) {
    this.#options = { ...dnsDefaults, ...options };
    this.#random = random;
    this.#now = now;
    this.#lookup = lookup;
  }

  /** Calls back at once for an address, which needs no lookup, and for a name that is kept. */
  resolve(hostname: string, done: Done): void {
    if (isIP(hostname) !== 0) {
      done(undefined, hostname);
      return;
    }
    const entry = this.#entries.get(hostname);
    if (entry && this.#now() < entry.expiresAt) {
      done(undefined, this.#select(entry));
      return;
    }
    const waiting = this.#pending.get(hostname);
    if (waiting) {
      waiting.push(done);
      return;
    }
    this.#pending.set(hostname, [done]);
    this.#lookup(hostname, (error, addresses) => this.#answer(hostname, error, addresses));
  }

  #answer(hostname: string, error: Error | null, found: readonly ResolvedAddress[]): void {
    const waiting = this.#pending.get(hostname) ?? [];
    this.#pending.delete(hostname);
    const addresses = error ? [] : byPolicy(found, this.#options.policy);
    if (addresses.length === 0) {
      const reason =
        error ?? Object.assign(new Error(`no address of ${hostname} suits the policy`), { code: "ENODATA" });
      for (const done of waiting) done(reason, "");
      return;
    }
    const entry: Entry = { addresses, expiresAt: this.#now() + this.#options.ttlMs, turn: 0 };
    if (this.#options.ttlMs > 0) this.#entries.set(hostname, entry);
    for (const done of waiting) done(undefined, this.#select(entry));
  }

  #select(entry: Entry): string {
    const { addresses } = entry;
    const { select } = this.#options;
    let index = 0;
    if (select === "random") index = this.#random.below(addresses.length);
    else if (select === "roundRobin") index = entry.turn++ % addresses.length;
    return addresses[index]!.address;
  }
}

function byPolicy(
  addresses: readonly ResolvedAddress[],
  policy: Required<DnsOptions>["policy"],
): readonly ResolvedAddress[] {
  const v4 = addresses.filter(({ family }) => family === 4);
  const v6 = addresses.filter(({ family }) => family === 6);
  switch (policy) {
    case "onlyIPv4":
      return v4;
    case "onlyIPv6":
      return v6;
    case "preferIPv4":
      return v4.length > 0 ? v4 : v6;
    case "preferIPv6":
      return v6.length > 0 ? v6 : v4;
    case "any":
      return addresses;
  }
}

function resolveBySystem(hostname: string, done: Parameters<Lookup>[1]): void {
  systemLookup(hostname, { all: true, order: "verbatim" }, (error, addresses) => done(error, addresses));
}
