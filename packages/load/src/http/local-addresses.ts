import { isIP } from "node:net";
import { httpErrors } from "./errors.ts";

/** More than connections could ever be told apart by; a wrong prefix length should not fill the memory. */
const MAX_ADDRESSES = 65_536;

/**
 * The addresses of a list as k6's `--local-ips` takes it: `10.0.0.1`, `10.0.0.1-10.0.0.9` and `10.0.0.0/28`, of either
 * family. Of an IPv4 network that has them, the network's own and the broadcast address are left out.
 *
 * @throws MettleError `LOAD_HTTP_OPTIONS_INVALID`
 */
export function expandLocalAddresses(entries: readonly string[]): string[] {
  return entries.flatMap((entry) => {
    const [first, last, family] = bounds(entry.trim());
    const count = last - first + 1n;
    if (count < 1n || count > MAX_ADDRESSES) {
      throw invalid(
        `the local addresses ${JSON.stringify(entry)} are ${count < 1n ? "none" : `more than ${MAX_ADDRESSES}`}`,
      );
    }
    return Array.from({ length: Number(count) }, (_, i) => format(first + BigInt(i), family));
  });
}

function bounds(entry: string): [first: bigint, last: bigint, family: number] {
  const network = /^(.+)\/(\d+)$/.exec(entry);
  if (network) {
    const [address, family] = parse(network[1] ?? "", entry);
    const width = family === 4 ? 32 : 128;
    const free = BigInt(width - Number(network[2]));
    if (free < 0n) throw invalid(`the local addresses ${JSON.stringify(entry)} are no network`);
    const first = (address >> free) << free;
    const last = first + (1n << free) - 1n;
    return family === 4 && free >= 2n ? [first + 1n, last - 1n, family] : [first, last, family];
  }
  const [from = "", to = from] = entry.split("-");
  const [first, family] = parse(from, entry);
  const [last, lastFamily] = parse(to, entry);
  if (family !== lastFamily) throw invalid(`the local addresses ${JSON.stringify(entry)} mix families`);
  return [first, last, family];
}

function parse(text: string, entry: string): [address: bigint, family: number] {
  const address = text.trim();
  const family = isIP(address);
  if (family === 0 || address.includes("%")) throw invalid(`${JSON.stringify(entry)} is no local address`);
  if (family === 4) return [address.split(".").reduce((sum, part) => sum * 256n + BigInt(part), 0n), family];
  // The URL parser writes out every form of IPv6, the one with a dotted end too.
  const [head = "", tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  const groups = tail === undefined ? before : [...before, ...zeros, ...after];
  return [groups.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n), family];
}

function format(address: bigint, family: number): string {
  const [bits, count] = family === 4 ? [8n, 4] : [16n, 8];
  const parts = Array.from(
    { length: count },
    (_, i) => (address >> (bits * BigInt(count - 1 - i))) & ((1n << bits) - 1n),
  );
  return family === 4
    ? parts.join(".")
    : new URL(`http://[${parts.map((part) => part.toString(16)).join(":")}]/`).hostname.slice(1, -1);
}

const invalid = (problem: string): Error =>
  httpErrors.create("LOAD_HTTP_OPTIONS_INVALID", `HTTP options: ${problem}.`, { details: { problems: [problem] } });
