import { Random } from "@mettle/core";
import * as fc from "fast-check";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ConnectLimiter } from "../../src/http/connect-limiter.ts";
import { codingsToUndo, decodeBody, StreamingDecoder } from "../../src/http/content-coding.ts";
import { type Deadline, DeadlineQueue } from "../../src/http/deadline-queue.ts";
import { Destinations } from "../../src/http/destinations.ts";
import { DnsCache, type DnsOptions, type Lookup } from "../../src/http/dns-cache.ts";
import { errorCodeOfStatus, failureOf, http2Failure } from "../../src/http/failure.ts";
import { resolveHttpOptions } from "../../src/http/http-options.ts";
import { cuts, split } from "../splits.ts";

describe("the deadline queue", () => {
  test("expires what is due, in order, as a sorted list would", () => {
    type Step = readonly ["add", number] | readonly ["remove", number] | readonly ["wait", number];
    const step: fc.Arbitrary<Step> = fc.oneof(
      fc.tuple(fc.constant("add" as const), fc.constantFrom(10, 25, 60, 100)),
      fc.tuple(fc.constant("remove" as const), fc.nat(30)),
      fc.tuple(fc.constant("wait" as const), fc.nat(40)),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new DeadlineQueue();
        let now = 0;
        let oracle: Deadline[] = [];
        for (const [kind, value] of steps) {
          if (kind === "add") {
            const item: Deadline = { dueAt: 0, deadlineList: undefined, earlier: undefined, later: undefined };
            queue.add(item, now, value);
            oracle.push(item);
            expect(item.dueAt).toBe(now + value);
          } else if (kind === "remove") {
            const item = oracle[value];
            if (!item) continue;
            queue.remove(item);
            queue.remove(item);
            oracle = oracle.filter((each) => each !== item);
          } else {
            now += value;
            const due = oracle.filter(({ dueAt }) => dueAt <= now);
            oracle = oracle.filter(({ dueAt }) => dueAt > now);
            const expired = queue.expire(now);
            expect(new Set(expired)).toEqual(new Set(due));
            expect(expired.map(({ dueAt }) => dueAt)).toEqual(due.map(({ dueAt }) => dueAt).toSorted((a, b) => a - b));
          }
          expect(queue.nextDueAt()).toBe(Math.min(...oracle.map(({ dueAt }) => dueAt), Number.POSITIVE_INFINITY));
        }
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});

describe("the cap on connections", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test("lets a burst through, then one at each interval, in order, and skips who gave up", () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    let now = 0;
    const limiter = new ConnectLimiter(100, 3, () => now);
    const made: [number, number][] = [];
    const asks = Array.from({ length: 8 }, (_, i) => () => made.push([i, now]));
    for (const ask of asks) limiter.acquire(ask);
    limiter.cancel(asks[4]!);
    for (; now < 200; now++) vi.advanceTimersByTime(1);
    expect(made.map(([i]) => i)).toEqual([0, 1, 2, 3, 5, 6, 7]);
    // Of a hundred a second, each ten ms after the other.
    expect(made.map(([, at]) => Math.round(at / 10) * 10)).toEqual([0, 0, 0, 10, 20, 30, 40]);
  });

  test("in no window more than the burst and what the rate gives", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(50), { minLength: 1, maxLength: 100 }),
        fc.integer({ min: 1, max: 5 }),
        (gaps, burst) => {
          let now = 0;
          const times: number[] = [];
          const limiter = new ConnectLimiter(50, burst, () => now);
          for (const gap of gaps) {
            now += gap;
            // One at a time, and those who would have to wait give up: what remains is what was let through.
            const take = (): void => {
              times.push(now);
            };
            limiter.acquire(take);
            limiter.cancel(take);
          }
          for (let i = 0; i < times.length; i++) {
            for (let j = i; j < times.length; j++) {
              expect(j - i + 1).toBeLessThanOrEqual(burst + (times[j]! - times[i]!) / 20 + 1e-9);
            }
          }
          expect(times.length).toBeGreaterThan(0);
        },
      ),
      { seed: 6 },
    );
  });
});

describe("names", () => {
  const addresses = [
    { address: "10.0.0.1", family: 4 },
    { address: "fd00::1", family: 6 },
    { address: "10.0.0.2", family: 4 },
  ];
  function cache(options: DnsOptions): {
    ask: (name?: string) => Promise<string>;
    lookups: () => number;
    at: (ms: number) => void;
  } {
    let now = 0;
    let lookups = 0;
    const lookup: Lookup = (_, done) => {
      lookups++;
      setImmediate(() => done(null, addresses));
    };
    const dns = new DnsCache(options, new Random(1), () => now, lookup);
    return {
      ask: (name = "a.test") =>
        new Promise((resolve, reject) => {
          dns.resolve(name, (error, address) => (error ? reject(error) : resolve(address)));
        }),
      lookups: () => lookups,
      at: (ms) => {
        now = ms;
      },
    };
  }

  test("are asked for once, however many wait, and again when the answer is old", async () => {
    const { ask, lookups, at } = cache({ ttlMs: 100 });
    await Promise.all([ask(), ask(), ask()]);
    expect(lookups()).toBe(1);
    at(99);
    await ask();
    expect(lookups()).toBe(1);
    at(100);
    await ask();
    expect(lookups()).toBe(2);
    expect(await ask("10.9.9.9")).toBe("10.9.9.9");
    expect(lookups()).toBe(2);
  });

  test("with a ttl of 0, every time", async () => {
    const { ask, lookups } = cache({ ttlMs: 0 });
    await ask();
    await ask();
    expect(lookups()).toBe(2);
  });

  test.each<[DnsOptions, string[]]>([
    [{ select: "first" }, ["10.0.0.1", "10.0.0.1", "10.0.0.1"]],
    [{ select: "roundRobin" }, ["10.0.0.1", "10.0.0.2", "10.0.0.1"]],
    [{ select: "roundRobin", policy: "any" }, ["10.0.0.1", "fd00::1", "10.0.0.2"]],
    [{ select: "roundRobin", policy: "preferIPv6" }, ["fd00::1", "fd00::1", "fd00::1"]],
    [{ select: "first", policy: "onlyIPv6" }, ["fd00::1", "fd00::1", "fd00::1"]],
  ])("%j", async (options, expected) => {
    const { ask } = cache(options);
    expect([await ask(), await ask(), await ask()]).toEqual(expected);
  });

  test("at random, each gets its share", async () => {
    const { ask } = cache({ select: "random" });
    let first = 0;
    for (let i = 0; i < 400; i++) if ((await ask()) === "10.0.0.1") first++;
    // Four standard deviations around a half.
    expect(Math.abs(first - 200)).toBeLessThan(40);
  });

  test("a failure is told to all who wait and not kept", async () => {
    let fails = true;
    const dns = new DnsCache(
      {},
      new Random(1),
      () => 0,
      (_, done) => setImmediate(() => (fails ? done(new Error("down"), []) : done(null, addresses))),
    );
    const ask = (): Promise<string> =>
      new Promise((resolve, reject) =>
        dns.resolve("a.test", (error, address) => (error ? reject(error) : resolve(address))),
      );
    const both = await Promise.allSettled([ask(), ask()]);
    expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    fails = false;
    expect(await ask()).toMatch(/^10\./);
  });
});

describe("destinations", () => {
  const destinations = new Destinations(
    { "a.test": "10.0.0.1", "a.test:81": "10.0.0.2:8081", "*.b.test": "[fd00::1]:99", "c.test": "fd00::2" },
    ["blocked.test", "*.evil.test"],
    ["192.168.0.0/16", "10.9.9.9", "fd01::/16"],
  );

  test.each<[string, number, string, number]>([
    ["a.test", 80, "10.0.0.1", 80],
    ["A.TEST", 81, "10.0.0.2", 8081],
    ["x.y.b.test", 80, "fd00::1", 99],
    ["b.test", 80, "b.test", 80],
    ["c.test", 443, "fd00::2", 443],
    ["d.test", 80, "d.test", 80],
  ])("%s:%i leads to %s:%i", (name, port, hostname, toPort) => {
    expect(destinations.destinationOf(name, port)).toEqual({ hostname, port: toPort });
  });

  test("what is blocked", () => {
    expect(destinations.hostnameProblem("BLOCKED.test")?.code).toBe(1111);
    expect(destinations.hostnameProblem("x.evil.test")?.code).toBe(1111);
    expect(destinations.hostnameProblem("evil.test")).toBeUndefined();
    for (const address of ["192.168.4.4", "10.9.9.9", "fd01::9"])
      expect(destinations.addressProblem(address)?.code).toBe(1110);
    expect(destinations.addressProblem("10.9.9.8")).toBeUndefined();
  });

  test("what is no address, or no network, is told", () => {
    const code = { code: "LOAD_HTTP_OPTIONS_INVALID" };
    expect(() => new Destinations({ "a.test": "b.test" }, [], [])).toThrowError(expect.objectContaining(code));
    expect(() => new Destinations({}, [], ["10.0.0.0/33"])).toThrowError(expect.objectContaining(code));
    expect(() => new Destinations({}, [], ["x"])).toThrowError(expect.objectContaining(code));
  });
});

describe("content codings", () => {
  const encoders = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync, zstd: zstdCompressSync };
  const decode = (data: Uint8Array, header: string, maxBytes = 10_000_000): Promise<string> =>
    new Promise((resolve) => {
      decodeBody(data, codingsToUndo(header), maxBytes, (result, problem) =>
        resolve(problem?.message ?? Buffer.from(result).toString()),
      );
    });

  test.each(Object.entries(encoders))("%s is undone, small and large, whole and in pieces", async (coding, encode) => {
    const large = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 251)).toString("latin1");
    for (const text of ["", "hello", large]) {
      expect(await decode(encode(text), coding)).toBe(text);
      const pieces: Buffer[] = [];
      const problem = await new Promise((resolve) => {
        const decoder = new StreamingDecoder(
          codingsToUndo(coding),
          (chunk) => pieces.push(Buffer.from(chunk)),
          resolve,
        );
        for (const piece of split(encode(text), [1, 2, 3, 50, 500])) if (piece.length > 0) decoder.write(piece, 1);
        decoder.end();
      });
      expect([problem, Buffer.concat(pieces).toString()]).toEqual([undefined, text]);
    }
  });

  test("several, in the order that they were applied; unknown ones are left", async () => {
    expect(await decode(brotliCompressSync(gzipSync("x")), "gzip, br")).toBe("x");
    expect(await decode(gzipSync("x"), " X-GZIP ")).toBe("x");
    expect(await decode(Buffer.from("x"), "identity")).toBe("x");
    expect(await decode(deflateRawSync("bare"), "deflate")).toBe("bare");
  });

  test("what is cut off or broken is a problem, whole and in pieces", async () => {
    for (const [coding, encode] of Object.entries(encoders)) {
      const cut = encode("hello hello hello").subarray(0, -4);
      expect(await decode(cut, coding)).toMatch(/^error decompressing response body/);
      const problem = await new Promise<{ code: number } | undefined>((resolve) => {
        const decoder = new StreamingDecoder(codingsToUndo(coding), () => undefined, resolve);
        decoder.write(Buffer.from(cut), 1);
        decoder.end();
      });
      expect(problem?.code).toBe(1701);
    }
  });

  test("a piece carries the time at which it came", async () => {
    const seen: [string, number][] = [];
    const decoder = await new Promise<StreamingDecoder>((resolve) => {
      const made: StreamingDecoder = new StreamingDecoder(
        ["gzip"],
        (chunk, at) => {
          seen.push([Buffer.from(chunk).toString(), at]);
          if (seen.length === 2) resolve(made);
        },
        () => undefined,
      );
      // Each member of a gzip stream can be given out when it has come.
      made.write(gzipSync("a"), 1);
      made.write(gzipSync("b"), 2);
    });
    decoder.destroy();
    expect(seen).toEqual([
      ["a", 1],
      ["b", 2],
    ]);
  });

  test("random splits change nothing", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 500 }), cuts, async (text, places) => {
        const pieces: Buffer[] = [];
        const problem = await new Promise((resolve) => {
          const decoder = new StreamingDecoder(["gzip", "br"], (chunk) => pieces.push(Buffer.from(chunk)), resolve);
          for (const piece of split(gzipSync(brotliCompressSync(text)), places))
            if (piece.length > 0) decoder.write(piece, 0);
          decoder.end();
        });
        expect([problem, Buffer.concat(pieces).toString()]).toEqual([undefined, text]);
      }),
      { numRuns: 40, seed: 2 },
    );
  });
});

describe("numbers of failures", () => {
  const system = (code: string, errno = -1): Error => Object.assign(new Error(code), { code, errno });
  test.each<[string, Error, Parameters<typeof failureOf>[1], number]>([
    ["refused", system("ECONNREFUSED"), "dial", 1212],
    ["dial timeout", system("ETIMEDOUT"), "dial", 1211],
    ["no route", system("EHOSTUNREACH"), "dial", 1213],
    ["no descriptors", system("EMFILE"), "dial", 1213],
    ["no ports", system("EADDRNOTAVAIL"), "dial", 1213],
    ["an unknown dial error", new Error("x"), "dial", 1210],
    ["reset", system("ECONNRESET"), "exchange", 1220],
    ["broken pipe", system("EPIPE"), "exchange", 1201],
    ["another errno", system("ENETDOWN"), "exchange", 1202],
    ["an unknown error", new Error("x"), "exchange", 1200],
    ["self-signed", system("DEPTH_ZERO_SELF_SIGNED_CERT"), "tls", 1310],
    ["another name", system("ERR_TLS_CERT_ALTNAME_INVALID"), "tls", 1311],
    ["expired", system("CERT_HAS_EXPIRED"), "tls", 1300],
    ["not a thing that was thrown", "x" as never, "exchange", 1200],
  ])("%s", (_, error, phase, code) => {
    expect(failureOf(error, phase)).toMatchObject({ code, cause: error });
  });

  test("of statuses and of HTTP/2", () => {
    expect([200, 399, 400, 404, 503, 599, 600].map(errorCodeOfStatus)).toEqual([
      undefined,
      undefined,
      1400,
      1404,
      1503,
      1599,
      undefined,
    ]);
    expect(http2Failure("goAway", 0).code).toBe(1611);
    expect(http2Failure("stream", 13).code).toBe(1644);
    expect(http2Failure("connection", 99).code).toBe(1650);
  });
});

test("every problem of the options is told at once", () => {
  expect(() =>
    resolveHttpOptions({ connectsPerSecond: 0, pipelining: Number.NaN, dns: { ttlMs: -1 }, limits: { maxHeaders: 0 } }),
  ).toThrowError(
    expect.objectContaining({
      code: "LOAD_HTTP_OPTIONS_INVALID",
      details: {
        problems: expect.arrayContaining([
          expect.stringContaining("pipelining"),
          expect.stringContaining("connectsPerSecond"),
          expect.stringContaining("dns.ttlMs"),
          expect.stringContaining("maxHeaders"),
        ]),
      },
    }),
  );
});
