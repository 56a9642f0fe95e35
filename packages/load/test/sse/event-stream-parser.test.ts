import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventStreamParser, type ServerSentEvent } from "../../src/sse/event-stream-parser.ts";
import { cuts, split } from "../splits.ts";

interface Seen {
  events: ServerSentEvent[];
  retries: number[];
  comments: string[];
}

function read(pieces: readonly Uint8Array[], limits = {}): Seen & { problem: string; pending: boolean } {
  const seen: Seen = { events: [], retries: [], comments: [] };
  const parser = new EventStreamParser(
    {
      onEvent: (event) => seen.events.push(event),
      onRetry: (delay) => seen.retries.push(delay),
      onComment: (text) => seen.comments.push(text),
    },
    limits,
  );
  for (const piece of pieces) {
    parser.push(piece, 0);
    piece.fill(0x21); // whatever was kept by reference instead of copied would show
  }
  return { ...seen, problem: parser.problem, pending: parser.pending };
}

/** The algorithm of the standard, told slowly over the whole text. */
function oracle(bytes: Uint8Array): Seen {
  const text = new TextDecoder("utf-8", { ignoreBOM: false }).decode(bytes);
  const lines = text.split(/\r\n|\n|\r/);
  lines.pop(); // without an end of line it is not a line
  const seen: Seen = { events: [], retries: [], comments: [] };
  let data: string[] = [];
  let type = "";
  let lastEventId = "";
  for (const line of lines) {
    if (line === "") {
      if (data.length > 0) seen.events.push({ type: type || "message", data: data.join("\n"), lastEventId });
      data = [];
      type = "";
      continue;
    }
    const [, name, , value = ""] = /^([^:]*)(: ?)?([\s\S]*)$/.exec(line) ?? [];
    if (line.startsWith(":")) seen.comments.push(line.slice(1));
    else if (name === "data") data.push(value);
    else if (name === "event") type = value;
    else if (name === "id" && !value.includes("\0")) lastEventId = value;
    else if (name === "retry" && /^[0-9]+$/.test(value)) seen.retries.push(Number(value));
  }
  return seen;
}

const bytesOf = (text: string): Buffer => Buffer.from(text, "utf8");

describe("an event stream", () => {
  test.each<[string, string, Partial<Seen>]>([
    ["data alone", "data: a\n\n", { events: [{ type: "message", data: "a", lastEventId: "" }] }],
    [
      "several lines",
      "data: a\ndata\ndata:  b\n\n",
      { events: [{ type: "message", data: "a\n\n b", lastEventId: "" }] },
    ],
    ["an id stays", "id: 1\n\ndata: a\n\n", { events: [{ type: "message", data: "a", lastEventId: "1" }] }],
    ["an id with NUL is no id", "id: 1\0\ndata: a\n\n", { events: [{ type: "message", data: "a", lastEventId: "" }] }],
    ["empty data is an event", "data\n\n", { events: [{ type: "message", data: "", lastEventId: "" }] }],
    [
      "a type without data is none",
      "event: x\n\ndata: a\n\n",
      { events: [{ type: "message", data: "a", lastEventId: "" }] },
    ],
    ["CR alone", "event: x\rdata: a\r\r", { events: [{ type: "x", data: "a", lastEventId: "" }] }],
    ["a byte order mark", "\uFEFFdata: a\n\n", { events: [{ type: "message", data: "a", lastEventId: "" }] }],
    ["retry", "retry: 10\nretry: 1x\nretry:\n", { retries: [10] }],
    ["comments", ":ping\n: pong\n", { comments: ["ping", " pong"] }],
    ["the rest is not an event", "data: a\n", { events: [] }],
  ])("%s", (_, text, expected) => {
    expect(read([bytesOf(text)])).toMatchObject(expected);
  });

  test("gives the same events however its bytes are split, and those of the standard", () => {
    const lineEnd = fc.constantFrom("\n", "\r\n", "\r");
    const line = fc.oneof(
      {
        weight: 4,
        arbitrary: fc
          .tuple(
            fc.constantFrom("data: ", "data:", "event: ", "id: ", "retry: ", ":"),
            fc.string({ unit: "grapheme", maxLength: 12 }),
          )
          .map((parts) => parts.join("")),
      },
      { weight: 3, arbitrary: fc.constant("") },
      {
        weight: 1,
        arbitrary: fc.constantFrom("data", "id", "retry: 250", "\uFEFFdata: x", "ünknown: 1", "id: a\0b", "data: 🙂"),
      },
    );
    const stream = fc.oneof(
      fc
        .array(
          fc.tuple(line, lineEnd).map((parts) => parts.join("")),
          { maxLength: 20 },
        )
        .map((lines) => bytesOf(lines.join(""))),
      // Bytes that are no text at all, rich in what matters.
      fc
        .array(fc.constantFrom(10, 13, 0xef, 0xbb, 0xbf, 0xf0, 0x9f, 0x3a, 0x20, 0x64, 0x61, 0x74, 0x61), {
          maxLength: 60,
        })
        .map((bytes) => Buffer.from(bytes)),
    );
    fc.assert(
      fc.property(stream, cuts, (bytes, places) => {
        const { problem, pending: _, ...seen } = read(split(bytes, places));
        expect(problem).toBe("");
        expect(seen).toEqual(oracle(bytes));
      }),
      { numRuns: 2000, seed: 4 },
    );
  });

  test("an event comes with the CR that ends it, not with the byte after", () => {
    const times: number[] = [];
    const parser = new EventStreamParser({ onEvent: (_, at) => times.push(at) });
    parser.push(bytesOf("data: a\r\n\r"), 7);
    expect(times).toEqual([7]);
    parser.push(bytesOf("\ndata: b\r\n\r\n"), 9);
    expect(times).toEqual([7, 9]);
  });

  test("tells a stream that was cut off", () => {
    expect(read([bytesOf("data: a\n\n")]).pending).toBe(false);
    expect(read([bytesOf("data: a\n")]).pending).toBe(true);
    expect(read([bytesOf("data: a\n\nda")]).pending).toBe(true);
  });

  test("stops at a line or an event beyond its limit, however it comes", () => {
    const line = bytesOf(`data: ${"x".repeat(200)}\n\n`);
    const event = bytesOf(`${"data: xxxxxxxxx\n".repeat(20)}\n`);
    for (const places of [[], [50, 100, 150], "every byte"] as const) {
      expect(read(split(line, places), { maxLineBytes: 100 })).toMatchObject({
        events: [],
        problem: expect.stringMatching(/line of more than 100/),
      });
      expect(read(split(event, places), { maxEventLength: 100 })).toMatchObject({
        events: [],
        problem: expect.stringMatching(/event of more than 100/),
      });
    }
  });

  test("after a limit nothing more is read", () => {
    const parser = new EventStreamParser({ onEvent: () => expect.fail("no event") }, { maxLineBytes: 4 });
    expect(parser.push(bytesOf("data: abc"), 0)).toBe(false);
    expect(parser.push(bytesOf("\n\ndata: d\n\n"), 0)).toBe(false);
  });
});
