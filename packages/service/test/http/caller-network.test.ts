import { expect, test } from "vitest";
import { callerNetwork } from "../../src/http/caller-network.ts";

test.each([
  ["203.0.113.9", "203.0.113.9"],
  ["::ffff:203.0.113.9", "203.0.113.9"],
  ["::FFFF:cb00:7109", "203.0.113.9"],
  ["0:0:0:0:0:ffff:203.0.113.9", "203.0.113.9"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:0DB8:1:2::1", "2001:db8:1:2::/64"],
  ["2001:db8:1:2:ffff:ffff:203.0.113.9", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["2001:db8:0:0:1::", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["::", "0:0:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["", ""],
  ["unix", "unix"],
])("%s counts as %s", (address, network) => {
  expect(callerNetwork(address)).toBe(network);
});

test("neighbouring networks are told apart", () => {
  expect(callerNetwork("2001:db8:1:2::1")).not.toBe(callerNetwork("2001:db8:1:3::1"));
});
