import * as fc from "fast-check";
import { CookieJar as Oracle } from "tough-cookie";
import { describe, expect, test } from "vitest";
import { parseCookieDate } from "../../src/http/cookie-date.ts";
import { CookieJar } from "../../src/http/cookie-jar.ts";

const names = (jar: CookieJar, url: string): string[] =>
  jar.cookiesFor(url).map(({ name, value }) => `${name}=${value}`);

describe("a cookie jar", () => {
  test("agrees with tough-cookie on what is kept and where it is sent", () => {
    const host = fc.constantFrom(
      "example.com",
      "a.example.com",
      "b.a.example.com",
      "example.co.uk",
      "x.example.co.uk",
      "127.0.0.1",

      "other.org",
      "[::1]",
      "x.github.io",
    );
    const path = fc.constantFrom("/", "/a", "/a/", "/a/b", "/ab", "/a/b/c");
    const url = fc
      .tuple(fc.constantFrom("http", "https"), host, path)
      .map(([scheme, name, at]) => `${scheme}://${name}${at}`);
    const attribute = fc.constantFrom(
      "Path=/",
      "Path=/a",
      "Path=/a/",
      "path=a",
      "Path=",
      "Secure",
      "HttpOnly",
      "Domain=example.com",
      "Domain=.example.com",
      "domain=a.example.com",
      "Domain=co.uk",
      "Domain=example.co.uk",
      "Domain=127.0.0.1",
      "Domain=",
      "Domain=github.io",
      "Domain=com",
      "Max-Age=0",
      "Max-Age=-1",
      "Max-Age=1000",
      "Max-Age=x",
      "Expires=Wed, 21 Oct 2015 07:28:00 GMT",
      "Expires=Wed, 21 Oct 2099 07:28:00 GMT",
      "Expires=soon",
      "SameSite=Lax",
      "",
    );
    const cookie = fc
      .tuple(fc.constantFrom("a=1", "a=2", "b=", "c=x=y", ' d = "q" ', "e=ü"), fc.array(attribute, { maxLength: 4 }))
      .map(([pair, attributes]) => [pair, ...attributes].join(";"));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(url, cookie), { maxLength: 12 }),
        fc.array(url, { minLength: 1, maxLength: 6 }),
        (sets, asks) => {
          const jar = new CookieJar();
          const oracle = new Oracle(undefined, {
            rejectPublicSuffixes: true,
            looseMode: false,
            allowSecureOnLocal: false,
          });
          for (const [from, text] of sets) {
            jar.store(from, text);
            oracle.setCookieSync(text, from, { ignoreError: true });
          }
          for (const to of asks) {
            expect(names(jar, to), to).toEqual(oracle.getCookiesSync(to).map(({ key, value }) => `${key}=${value}`));
          }
        },
      ),
      { numRuns: 1500, seed: 21 },
    );
  });

  test("forgets what has expired", () => {
    let now = 1_000_000;
    const jar = new CookieJar(() => now);
    jar.store("http://a.test/", "a=1; Max-Age=10");
    jar.store("http://a.test/", "b=2");
    expect(names(jar, "http://a.test/")).toEqual(["a=1", "b=2"]);
    now += 10_000;
    expect(names(jar, "http://a.test/")).toEqual(["b=2"]);
    expect(jar.size).toBe(1);
  });

  test("lets no site set cookies for a public suffix or for another site", () => {
    const jar = new CookieJar();
    expect(jar.store("http://a.co.uk/", "a=1; Domain=co.uk")).toBe(false);
    expect(jar.store("http://a.test/", "a=1; Domain=b.test")).toBe(false);
    expect(jar.store("http://a.test/", "a=1; Domain=a.a.test")).toBe(false);
    expect(jar.store("http://10.0.0.1/", "a=1; Domain=0.0.1")).toBe(false);
    expect(jar.store("http://a.test/", "__Host-a=1; Path=/")).toBe(false);
    expect(jar.store("https://a.test/", "__Host-a=1; Path=/; Secure")).toBe(true);
    expect(jar.store("https://a.test/", "__Secure-a=1")).toBe(false);
    expect(jar.store("http://a.test/", `a=${"x".repeat(5000)}`)).toBe(false);
    expect(jar.store("http://a.test/", "a=b\x01")).toBe(false);
    expect(jar.size).toBe(1);
  });

  test("is bounded, and drops the oldest", () => {
    const jar = new CookieJar();
    for (let i = 0; i < 500; i++) jar.store("http://a.test/", `c${i}=1`);
    expect(jar.size).toBe(180);
    expect(names(jar, "http://a.test/").at(-1)).toBe("c499=1");
    for (let i = 0; i < 5000; i++) jar.store(`http://h${i}.test/`, "a=1");
    expect(jar.size).toBe(3000);
    expect(names(jar, "http://a.test/")).toEqual([]);
  });

  test("takes cookies of the user's code, and lets them be deleted", () => {
    const jar = new CookieJar();
    expect(jar.set("http://a.test/x/y", "a", "1")).toBe(true);
    expect(jar.set("http://a.test/", "b", "2", { path: "/x", domain: "a.test" })).toBe(true);
    expect(jar.set("http://a.test/", "c", "x;y")).toBe(false);
    expect(names(jar, "http://a.test/x")).toEqual(["b=2", "a=1"]);
    expect(names(jar, "http://sub.a.test/x")).toEqual(["b=2"]);
    jar.delete("http://a.test/x", "a");
    expect(names(jar, "http://a.test/x")).toEqual(["b=2"]);
    jar.clear();
    expect(jar.size).toBe(0);
  });
});

test.each<[string, string | undefined]>([
  ["Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"],
  ["Sunday, 06-Nov-94 08:49:37 GMT", "1994-11-06T08:49:37Z"],
  ["Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37Z"],
  ["06 Nov 69 1:2:3", "2069-11-06T01:02:03Z"],
  ["06 Nov 1600 01:02:03", undefined],
  ["30 Feb 2030 01:02:03", undefined],
  ["06 Nov 2030 24:00:00", undefined],
  ["06 Nov 2030", undefined],
  ["", undefined],
])("the cookie date %j", (text, expected) => {
  expect(parseCookieDate(text)).toBe(expected === undefined ? undefined : Date.parse(expected));
});
