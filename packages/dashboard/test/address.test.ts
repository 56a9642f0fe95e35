import { describe, expect, test } from "vitest";
import { hostOf, isLoopback, parseAddress } from "../src/server/address.ts";

describe("addresses to listen on", () => {
  test.each([
    ["8080", "127.0.0.1", 8080],
    ["0", "127.0.0.1", 0],
    ["0.0.0.0:80", "0.0.0.0", 80],
    ["localhost:80", "localhost", 80],
    ["[::1]:80", "::1", 80],
  ])("%s", (text, host, port) => {
    expect(parseAddress(text)).toEqual({ host, port });
  });

  test.each(["", "x", "127.0.0.1", "::1:80", "1:2:3", "[x]:80", "a b:80", "99999", "-1", "http://x:80", ":80x"])(
    "%j is none",
    (text) => {
      expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: "DASHBOARD_ADDRESS_INVALID" }));
    },
  );

  test("what means this machine alone", () => {
    for (const host of ["127.0.0.1", "127.9.9.9", "::1", "localhost"]) expect(isLoopback(host), host).toBe(true);
    for (const host of ["0.0.0.0", "::", "10.0.0.1", "127.evil.example", "127.0.0.1.evil.example", ""])
      expect(isLoopback(host), host).toBe(false);
    expect(hostOf("[::1]:80")).toBe("::1");
    expect(hostOf("localhost")).toBe("localhost");
    expect(hostOf(undefined)).toBe("");
  });
});
