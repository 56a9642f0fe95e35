import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { splitHeaders } from "../../src/http/response-head.ts";
import { parserLimitDefaults, ResponseParser, type ParserLimits } from "../../src/http/response-parser.ts";
import { cuts, split } from "../splits.ts";
import { type ReadResponse, type ReadResponses, readResponses } from "./response-oracle.ts";

interface Reading extends ReadResponses {
  problem: string;
  bodyCalls: number;
}

/** All responses in the pieces, read with the parser until it stops, as a connection would. */
function read(pieces: readonly Buffer[], withoutBody: readonly boolean[], limits?: Partial<ParserLimits>): Reading {
  const responses: ReadResponse[] = [];
  let bodyCalls = 0;
  const parser = new ResponseParser(
    {
      onHead: (head, bytes, start, end) => {
        const headers = splitHeaders(bytes.toString("latin1", start, end));
        responses.push({ status: head.status, headers, body: "", complete: false, keepAlive: false });
      },
      onBody: (bytes, start, end) => {
        bodyCalls++;
        responses.at(-1)!.body += bytes.toString("latin1", start, end);
      },
    },
    { ...parserLimitDefaults, ...limits },
  );
  let turn = 0;
  let malformed = false;
  const complete = (): void => {
    Object.assign(responses.at(-1)!, { complete: true });
    if (++turn < withoutBody.length) parser.begin(withoutBody[turn]!);
  };
  parser.begin(withoutBody[0]!);
  for (const piece of pieces) {
    let at = 0;
    while (at < piece.length && !malformed && turn < withoutBody.length) {
      const next = parser.execute(piece, at, piece.length);
      malformed = next < 0;
      if (!malformed && responses.length > turn) responses[turn]!.keepAlive = parser.keepAlive;
      if (!malformed && parser.complete) complete();
      at = next;
    }
    // Offsets are good only during the call: what was not copied is lost here.
    piece.fill(0x21);
  }
  if (!malformed && turn < withoutBody.length) {
    if (parser.finish()) complete();
    else malformed = parser.problem !== "";
  }
  // Of a response that was cut off or wrong nobody asks whether the connection may be kept.
  for (const response of responses) if (!response.complete) response.keepAlive = false;
  return { responses, malformed, problem: parser.problem, bodyCalls };
}

function expected(text: string, withoutBody: readonly boolean[]): ReadResponses {
  const result = readResponses(text, withoutBody);
  for (const response of result.responses) if (!response.complete) response.keepAlive = false;
  return result;
}

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");

function expectAnySplit(text: string, withoutBody: readonly boolean[] = [false]): Reading {
  const whole = read([latin1(text)], withoutBody);
  const { openHead = false, ...oracle } = expected(text, withoutBody);
  const { responses, malformed } = whole;
  expect({ responses, malformed }).toEqual(openHead ? { ...oracle, malformed } : oracle);
  for (let at = 0; at <= text.length; at++) {
    const halves = read([latin1(text.slice(0, at)), latin1(text.slice(at))], withoutBody);
    expect({ ...halves, bodyCalls: 0, problem: "" }, `cut at ${at}`).toEqual({ ...whole, bodyCalls: 0, problem: "" });
  }
  return whole;
}

const name = fc.constantFrom(
  "Content-Length",
  "content-length",
  "Transfer-Encoding",
  "TRANSFER-ENCODING",
  "Connection",
  "Content-Encoding",
  "Keep-Alive",
  "X-A",
  "Date",
  "Content-Lengt",
  "Content-Lengthy",
  "Set-Cookie",
  "x y",
  "",
  "ü",
);
const value = fc.oneof(
  fc.constantFrom(
    "5",
    "0",
    " 5 ",
    "5, 5",
    "5,6",
    "-5",
    "+5",
    "0x5",
    "5 5",
    "",
    "9007199254740992",
    "99999999999999999999",
    "chunked",
    "Chunked",
    "gzip, chunked",
    "chunked, gzip",
    "identity",
    "close",
    "Keep-Alive",
    "close, upgrade",
    "a\tb",
    "a\x01b",
    "a\0",
    "a\rb",
    "é",
  ),
  fc.string({ maxLength: 8 }),
);
const lineEnd = fc.oneof(
  { weight: 8, arbitrary: fc.constant("\r\n") },
  { weight: 1, arbitrary: fc.constantFrom("\n", "\r", "\r\n ", "\n\t", "\r\r\n") },
);
const status = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      "HTTP/1.1 200 OK",
      "HTTP/1.1 404",
      "HTTP/1.0 200 OK",
      "HTTP/1.1 204 No Content",
      "HTTP/1.1 304 ",
      "HTTP/1.1 100 Continue",
      "HTTP/1.1 103 Early",
      "HTTP/1.1 101 Up",
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "HTTP/2 200",
      "HTTP/1.1 20",
      "HTTP/1.1 2000",
      "HTTP/1.1  200",
      "http/1.1 200 OK",
      "HTTP/1.1 099 no",
      "HTTP/1.1 200 \x07",
      "",
      "\r\n\r\nHTTP/1.1 200 OK",
      "HTTP/1.x 200 OK",
    ),
  },
);
const chunk = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .string({ unit: "binary-ascii", minLength: 1, maxLength: 20 })
      .map((data) => `${data.length.toString(16)}\r\n${data}\r\n`),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "5;a=b\r\nhello\r\n",
      "5 ;a\r\nhello\r\n",
      "5 a\r\nhello\r\n",
      "5\nhello\n",
      "5\r\nhelloX\r\n",
      "fffffffffffffffff\r\n",
      "\r\n",
      "g\r\n",
      "-1\r\n",
      "3;\0\r\nabc\r\n",
    ),
  },
);
const body = fc.oneof(
  fc.constantFrom("", "hello", "hell", "hello!"),
  fc
    .tuple(
      fc.array(chunk, { maxLength: 4 }),
      fc.constantFrom("0\r\n\r\n", "0\r\nA: b\r\nC: d\r\n\r\n", "000\r\n\r\n", "0\r\n", "", "0\n\n", "0\r\n\rX"),
    )
    .map(([chunks, end]) => chunks.join("") + end),
  fc.string({ unit: "binary-ascii", maxLength: 30 }),
);
const response = fc
  .record({
    status,
    fields: fc.array(fc.tuple(name, fc.constantFrom(": ", ":", " :"), value, lineEnd), { maxLength: 4 }),
    end: lineEnd,
    body,
    first: lineEnd,
  })
  .map(
    (parts) =>
      parts.status + parts.first + parts.fields.map((field) => field.join("")).join("") + parts.end + parts.body,
  );

describe("the response parser", () => {
  test("agrees with the oracle on anything, however split", () => {
    let malformed = 0;
    let complete = 0;
    fc.assert(
      fc.property(
        fc.array(response, { minLength: 1, maxLength: 3 }).map((all) => all.join("")),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 3 }),
        cuts,
        (text, withoutBody, places) => {
          const result = read(split(latin1(text), places), withoutBody);
          const { responses, malformed: wrong } = result;
          const { openHead = false, ...oracle } = expected(text, withoutBody);
          expect({ responses, malformed: wrong }).toEqual(openHead ? { ...oracle, malformed: wrong } : oracle);
          expect(wrong, "as when it comes in one piece").toBe(read([latin1(text)], withoutBody).malformed);
          if (wrong) malformed++;
          if (responses.some((each) => each.complete)) complete++;
        },
      ),
      { numRuns: 6000, seed: 11 },
    );
    // The inputs must reach both ends, or this test says little.
    expect(Math.min(malformed, complete)).toBeGreaterThan(600);
  });

  test("well-formed chunked bodies come out whole", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "binary-ascii", minLength: 1 }), { maxLength: 6 }),
        cuts,
        (pieces, places) => {
          const chunks = pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join("");
          const text = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`;
          const { responses } = read(split(latin1(text), places), [false]);
          expect(responses).toMatchObject([{ status: 200, body: pieces.join(""), complete: true, keepAlive: true }]);
        },
      ),
      { seed: 5 },
    );
  });

  const ok = "HTTP/1.1 200 OK\r\n";
  test.each<[string, string, boolean[], Partial<ReadResponse>[]]>([
    ["a length", `${ok}Content-Length: 2\r\n\r\nab`, [false], [{ body: "ab", complete: true, keepAlive: true }]],
    [
      "two in one piece",
      `${ok}Content-Length: 1\r\n\r\naHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n`,
      [false, false],
      [{ body: "a" }, { status: 404, body: "" }],
    ],
    [
      "HEAD has no body",
      `${ok}Content-Length: 5\r\n\r\n${ok}Content-Length: 1\r\n\r\nx`,
      [true, false],
      [{ body: "" }, { body: "x" }],
    ],
    ["until the end", `${ok}\r\nabc`, [false], [{ body: "abc", complete: true, keepAlive: false }]],
    [
      "an informational response first",
      `HTTP/1.1 103 Early\r\nLink: x\r\n\r\n${ok}Content-Length: 1\r\n\r\na`,
      [false],
      [{ status: 200, body: "a" }],
    ],
    ["HTTP/1.0 closes", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", [false], [{ keepAlive: false }]],
    [
      "HTTP/1.0 may be kept",
      "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n",
      [false],
      [{ keepAlive: true }],
    ],
    [
      "a length beside chunks",
      `${ok}Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n`,
      [false],
      [{ body: "a", keepAlive: false }],
    ],
    ["line feeds alone", "HTTP/1.1 200 OK\nContent-Length: 1\n\na", [false], [{ body: "a" }]],
    [
      "a folded field",
      `${ok}X: a\r\n  b\r\nContent-Length: 0\r\n\r\n`,
      [false],
      [
        {
          headers: [
            ["X", "a b"],
            ["Content-Length", "0"],
          ],
        },
      ],
    ],
    ["trailers", `${ok}Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n`, [false], [{ body: "", complete: true }]],
    ["empty lines before", `\r\n\r\n${ok}Content-Length: 0\r\n\r\n`, [false], [{ complete: true }]],
    ["cut off in the body", `${ok}Content-Length: 3\r\n\r\nab`, [false], [{ body: "ab", complete: false }]],
    [
      "cut off in a chunk",
      `${ok}Transfer-Encoding: chunked\r\n\r\n3\r\nab`,
      [false],
      [{ body: "ab", complete: false }],
    ],
  ])("%s", (_, text, withoutBody, expectedResponses) => {
    const { responses, malformed } = expectAnySplit(text, withoutBody);
    expect(malformed).toBe(false);
    expect(responses).toMatchObject(expectedResponses);
  });

  test.each<[string, string]>([
    ["another protocol", "SSH-2.0-OpenSSH\r\n"],
    ["contradicting lengths", `${ok}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
    ["a negative length", `${ok}Content-Length: -1\r\n\r\n`],
    ["a length beyond exact numbers", `${ok}Content-Length: 9007199254740993\r\n\r\n`],
    ["a folded length", `${ok}Content-Length: 1\r\n 2\r\n\r\n`],
    ["a blank before the colon", `${ok}Content-Length : 1\r\n\r\na`],
    ["a field without a colon", `${ok}abc\r\n\r\n`],
    ["NUL in a value", `${ok}A: \0\r\n\r\n`],
    ["a bare CR", `${ok}A: b\rC: d\r\n\r\n`],
    ["a fold before any field", `${ok} a: b\r\n\r\n`],
    ["a chunk longer than said", `${ok}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n`],
    ["a chunk size that overflows", `${ok}Transfer-Encoding: chunked\r\n\r\n${"f".repeat(20)}\r\n`],
    ["a chunk size that is none", `${ok}Transfer-Encoding: chunked\r\n\r\nx\r\n`],
  ])("refuses %s", (_, text) => {
    const { malformed, problem } = expectAnySplit(text);
    expect(malformed).toBe(true);
    expect(problem).not.toBe("");
  });
});

describe("limits", () => {
  const feed = (pieces: Iterable<string>, limits: Partial<ParserLimits>): { problem: string; fed: number } => {
    const parser = new ResponseParser(
      { onHead: () => undefined, onBody: () => undefined },
      { ...parserLimitDefaults, ...limits },
    );
    parser.begin(false);
    let fed = 0;
    for (const piece of pieces) {
      fed += piece.length;
      if (parser.execute(latin1(piece), 0, piece.length) < 0) break;
      if (fed > 1_000_000) expect.fail("read a megabyte without end");
    }
    return { problem: parser.problem, fed };
  };
  function* endless(first: string, again: string): Generator<string> {
    yield first;
    for (;;) yield again;
  }

  test.each<[string, string, string, RegExp]>([
    ["header fields without end", "HTTP/1.1 200 OK\r\n", "A: b\r\n", /head is longer/],
    ["one header field without end", "HTTP/1.1 200 OK\r\nA: ", "aaaaaaaaaa", /head is longer/],
    ["a reason without end", "HTTP/1.1 200 ", "aaaaaaaaaa", /head is longer/],
    ["empty lines without end", "", "\r\n\r\n\r\n", /head is longer/],
    ["informational responses without end", "", "HTTP/1.1 100 Continue\r\n\r\n", /informational/],
    ["trailers without end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "A: b\r\n", /trailers/],
    [
      "a chunk extension without end",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
      "aaaaaaaaa",
      /extension/,
    ],
  ])("stops at %s", (_, first, again, problem) => {
    const result = feed(endless(first, again), { maxHeadBytes: 1000, maxTrailerBytes: 1000 });
    expect(result.problem).toMatch(problem);
    expect(result.fed).toBeLessThan(20_000);
  });

  test("a head of the limit's size passes, one byte more does not, in one piece or many", () => {
    const text = `HTTP/1.1 204 No\r\nA: ${"a".repeat(100)}\r\n\r\n`;
    for (const pieces of [[text], [...text]]) {
      expect(feed(pieces, { maxHeadBytes: text.length }).problem).toBe("");
      expect(feed(pieces, { maxHeadBytes: text.length - 1 }).problem).toMatch(/longer than/);
    }
  });

  test("the number of fields is bounded", () => {
    const text = `HTTP/1.1 204 No\r\n${"A: b\r\n".repeat(5)}\r\n`;
    expect(feed([text], { maxHeaders: 5 }).problem).toBe("");
    expect(feed([text], { maxHeaders: 4 }).problem).toMatch(/more than 4 header fields/);
    expect(feed([...text], { maxHeaders: 4 }).problem).toMatch(/more than 4 header fields/);
  });

  test("a body is handed on as it comes, not gathered", () => {
    const head = "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n";
    const { bodyCalls, responses } = read(
      [latin1(head), ...Array.from({ length: 300 }, () => Buffer.alloc(1000, 0x61))],
      [false],
    );
    expect(bodyCalls).toBe(300);
    expect(responses[0]!.complete).toBe(true);
  });
});
