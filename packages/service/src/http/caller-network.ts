import { isIPv6 } from "node:net";

/**
 * What limits by address count by. Whoever has one IPv6 address has a network of 2⁶⁴ of them: they count as one. An IPv4
 * address, also one that is written as IPv6, counts by itself.
 *
 * @param address - of a caller; what is none counts as it is written
 */
export function callerNetwork(address: string): string {
  const [plain = ""] = address.split("%"); // behind it is an interface of this machine
  if (!isIPv6(plain)) return address;
  // In the one form of each address: no dots, no zeros before a digit, one "::" at most.
  const [before = "", after] = new URL(`http://[${plain}]`).hostname.slice(1, -1).split("::");
  const groups = before.split(":").filter(Boolean);
  if (after !== undefined) {
    const rest = after.split(":").filter(Boolean);
    while (groups.length + rest.length < 8) groups.push("0");
    groups.push(...rest);
  }
  if (groups.slice(0, 6).join(":") !== "0:0:0:0:0:ffff") return `${groups.slice(0, 4).join(":")}::/64`;
  const bytes = groups.slice(6).flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]);
  return bytes.join(".");
}
