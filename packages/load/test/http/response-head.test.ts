import fc from "fast-check";
import { expect, test } from "vitest";
import { ResponseHead } from "../../src/http/response-head.ts";

const heads = [
  "HTTP/1.1 200 OK\r\nContent-Length: 34\r\nConnection: keep-alive\r\nServer: a\r\n\r\n",
  "\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nSet-Cookie: a=b\r\nConnection: close\r\n\r\n",
  "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\nX: y\r\n\r\n",
];

const facts = (head: ResponseHead, next: number, start: number): unknown => ({
  taken: next < 0 ? next : next - start,
  ...(next >= 0 && {
    status: head.status,
    minorVersion: head.minorVersion,
    contentLength: head.contentLength,
    chunked: head.chunked,
    setsCookies: head.setsCookies,
    hasContentEncoding: head.hasContentEncoding,
    connectionClose: head.connectionClose,
    connectionKeepAlive: head.connectionKeepAlive,
    start: head.start - start,
    end: head.end - start,
  }),
});

test("a head that was there before is read as if it were the first, wherever in the buffer it lies and whatever changed", () => {
  const change = fc.record({ at: fc.integer({ min: 0, max: 90 }), byte: fc.constantFrom(0x41, 0x30, 0x0d, 0x20) });
  const arrival = fc.record({
    head: fc.constantFrom(...heads),
    start: fc.integer({ min: 0, max: 9 }),
    sliced: fc.boolean(),
    change: fc.option(change, { nil: undefined, freq: 4 }),
    missing: fc.constantFrom(0, 0, 0, 1, 20),
  });
  let repeated = 0;
  fc.assert(
    fc.property(fc.array(arrival, { minLength: 2, maxLength: 12 }), (arrivals) => {
      // As a connection has it: one buffer, into which each read goes, and one head for all responses.
      const shared = Buffer.alloc(256);
      const head = new ResponseHead(100);
      let before = "";
      for (const each of arrivals) {
        const text = Buffer.from(each.head, "latin1");
        if (each.change && each.change.at < text.length) text[each.change.at] = each.change.byte;
        const bytes = each.sliced ? shared.subarray(1) : shared;
        text.copy(bytes, each.start);
        const end = each.start + text.length - each.missing;
        const fresh = new ResponseHead(100);
        const wanted = facts(fresh, fresh.parse(Buffer.from(bytes), each.start, end), each.start);
        expect(facts(head, head.parse(bytes, each.start, end), each.start)).toEqual(wanted);
        if (text.toString("latin1") === before) repeated++;
        before = text.toString("latin1");
      }
    }),
    { numRuns: 2000, seed: 5 },
  );
  expect(repeated, "heads that came twice running").toBeGreaterThan(500);
});

test.each<[string, boolean]>([
  ["Set-Cookie: a=b\r\n", true],
  ["X: y\r\nset-cookie: a=b\r\nConnection: close\r\n", true],
  ["Connection: keep-alive\r\n", false],
  ["Set-Cookie2: a=b\r\nSet-Cookiee: a\r\n", false],
])("whether a head sets cookies is known without splitting it: %j", (fields, sets) => {
  const bytes = Buffer.from(`HTTP/1.1 204 No Content\r\n${fields}\r\n`, "latin1");
  const head = new ResponseHead(10);
  expect(head.parse(bytes, 0, bytes.length)).toBe(bytes.length);
  expect(head.setsCookies).toBe(sets);
});
