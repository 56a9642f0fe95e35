import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeFrame } from "../../src/websocket/frame-encoder.ts";
import { FrameParser } from "../../src/websocket/frame-parser.ts";
import { deflateAgreed, deflateMessage, inflateMessage } from "../../src/websocket/permessage-deflate.ts";
import { cuts, split } from "../splits.ts";

type Event = readonly [kind: string, data: string | Buffer | number, reason?: string];

interface Reading {
  events: Event[];
  problem: string;
  closeCode: number;
}

function read(pieces: readonly Buffer[], { maxBytes = 1_000_000, compression = false } = {}): Reading {
  const events: Event[] = [];
  const parser = new FrameParser(
    {
      onMessage: (data) => events.push(["message", data]),
      onPing: (data) => events.push(["ping", data]),
      onPong: (data) => events.push(["pong", data]),
      onClose: (code, reason) => events.push(["close", code, reason]),
    },
    maxBytes,
    compression ? inflateMessage : undefined,
  );
  for (const piece of pieces) {
    parser.push(piece, 0, piece.length);
    piece.fill(0xff); // what was kept by reference would show
  }
  return { events, problem: parser.problem, closeCode: parser.closeCode };
}

/** As a server writes it: not masked. */
function frame(first: number, payload: Uint8Array | string, lengthForm?: 126 | 127): Buffer {
  const data = Buffer.from(payload as string);
  const form = lengthForm ?? (data.length < 126 ? 0 : data.length < 65_536 ? 126 : 127);
  const header = Buffer.alloc(form === 0 ? 2 : form === 126 ? 4 : 10);
  header[0] = first;
  header[1] = form === 0 ? data.length : form;
  if (form === 126) header.writeUInt16BE(data.length, 2);
  if (form === 127) header.writeBigUInt64BE(BigInt(data.length), 2);
  return Buffer.concat([header, data]);
}

const control = fc.tuple(fc.constantFrom("ping", "pong"), fc.uint8Array({ maxLength: 125 })).map(([kind, data]) => ({
  bytes: frame(kind === "ping" ? 0x89 : 0x8a, data),
  event: [kind, Buffer.from(data)] as Event,
}));

/** A message in any number of frames, with control frames between them. */
const message = fc
  .record({
    text: fc.option(fc.string({ unit: "grapheme", maxLength: 200 })),
    binary: fc.uint8Array({ maxLength: 300 }),
    cuts: fc.array(fc.nat(300), { maxLength: 4 }),
    between: fc.array(control, { maxLength: 2 }),
    compressed: fc.boolean(),
  })
  .map(({ text, binary, cuts: places, between, compressed }) => {
    const data = text === null ? Buffer.from(binary) : Buffer.from(text);
    const opcode = text === null ? 2 : 1;
    const parts = split(compressed ? deflateMessage(data) : data, places);
    const frames = parts.map((part, i) => {
      const last = i === parts.length - 1;
      return frame((last ? 0x80 : 0) | (i === 0 ? opcode | (compressed ? 0x40 : 0) : 0), part);
    });
    const events: Event[] = [];
    if (parts.length > 1) {
      frames.splice(1, 0, ...between.map(({ bytes }) => bytes));
      events.push(...between.map(({ event }) => event));
    }
    return { bytes: Buffer.concat(frames), events: [...events, ["message", text ?? data] as Event] };
  });

describe("the frame parser", () => {
  test("gives out what was sent, however split and fragmented", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            message,
            control.map(({ bytes, event }) => ({ bytes, events: [event] })),
          ),
          { maxLength: 6 },
        ),
        cuts,
        (sent, places) => {
          const bytes = Buffer.concat(sent.map((each) => each.bytes));
          expect(read(split(bytes, places), { compression: true })).toEqual({
            events: sent.flatMap(({ events }) => events),
            problem: "",
            closeCode: 0,
          });
        },
      ),
      { numRuns: 800, seed: 8 },
    );
  });

  test("says the same of any bytes, however split", () => {
    const bytes = fc.array(
      fc.oneof(fc.constantFrom(0x81, 0x82, 0x01, 0x80, 0x88, 0x89, 0x00, 0x02, 126, 127, 0xc1), fc.nat(255)),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(bytes, cuts, (all, places) => {
        const whole = read([Buffer.from(all)], { maxBytes: 200, compression: true });
        expect(read(split(Buffer.from(all), places), { maxBytes: 200, compression: true })).toEqual(whole);
      }),
      { numRuns: 3000, seed: 9 },
    );
  });

  test.each<[string, Buffer, number, RegExp]>([
    ["a reserved bit", frame(0xa1, ""), 1002, /reserved/],
    ["a mask", Buffer.from([0x81, 0x80, 0, 0, 0, 0]), 1002, /masked/],
    ["an unknown opcode", frame(0x83, ""), 1002, /unknown opcode 3/],
    ["an unknown control opcode", frame(0x8b, ""), 1002, /unknown opcode 11/],
    ["a fragmented ping", frame(0x09, ""), 1002, /fragmented/],
    ["a long ping", frame(0x89, Buffer.alloc(126)), 1002, /too long/],
    ["a continuation of nothing", frame(0x80, "a"), 1002, /continuation/],
    ["a message within a message", Buffer.concat([frame(0x01, "a"), frame(0x81, "b")]), 1002, /within/],
    ["compression that was not agreed upon", frame(0xc1, "a"), 1002, /not agreed/],
    ["a text that is not UTF-8", frame(0x81, Buffer.from([0xc3])), 1007, /UTF-8/],
    ["half a close code", frame(0x88, "a"), 1002, /close frame/],
    ["a close code that may not be sent", frame(0x88, Buffer.from([0x03, 0xee])), 1002, /close frame/],
    ["a close reason that is not UTF-8", frame(0x88, Buffer.from([0x03, 0xe8, 0xff])), 1002, /close frame/],
    ["a message beyond the limit", frame(0x82, Buffer.alloc(1001)), 1009, /more than 1000/],
    [
      "fragments beyond the limit",
      Buffer.concat([frame(0x02, Buffer.alloc(600)), frame(0x80, Buffer.alloc(600))]),
      1009,
      /more than 1000/,
    ],
    ["a length without end", Buffer.from([0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255]), 1009, /more than 1000/],
  ])("refuses %s", (_, bytes, closeCode, problem) => {
    for (const places of [[], "every byte"] as const) {
      const result = read(split(bytes, places), { maxBytes: 1000 });
      expect(result).toMatchObject({ events: [], closeCode, problem: expect.stringMatching(problem) });
    }
  });

  test("a text split within a character is whole in the end", () => {
    const [a, b] = [Buffer.from("ä").subarray(0, 1), Buffer.from("ä").subarray(1)];
    expect(read([frame(0x01, a), frame(0x80, b)]).events).toEqual([["message", "ä"]]);
  });

  test("nothing is read after a close", () => {
    const bytes = Buffer.concat([frame(0x88, Buffer.from([0x03, 0xe8, 0x6f, 0x6b])), frame(0x81, "late")]);
    expect(read([bytes]).events).toEqual([["close", 1000, "ok"]]);
    expect(read([frame(0x88, "")]).events).toEqual([["close", 1005, ""]]);
  });

  test("lengths longer than needed are read", () => {
    expect(read([frame(0x82, "a", 127), frame(0x82, "b", 126)]).events).toEqual([
      ["message", Buffer.from("a")],
      ["message", Buffer.from("b")],
    ]);
  });

  test("compression that is broken, or that grows beyond the limit, is refused", () => {
    const broken = read([frame(0xc1, Buffer.from([0xff, 0xff]))], { compression: true });
    expect(broken).toMatchObject({ events: [], closeCode: 1007, problem: expect.stringMatching(/broken compression/) });
    const bomb = read([frame(0xc2, deflateMessage(Buffer.alloc(1_000_000)))], { compression: true, maxBytes: 10_000 });
    expect(bomb.problem).toMatch(/more than 10000 bytes/);
  });

  test("a header alone does not take its length in memory", () => {
    const header = Buffer.alloc(10);
    header[0] = 0x82;
    header[1] = 127;
    header.writeBigUInt64BE(900_000_000n, 2);
    const before = process.memoryUsage().arrayBuffers;
    read([header, Buffer.alloc(10)], { maxBytes: 1_000_000_000 });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000_000);
  });
});

test("frames are masked as the standard says, for every form of length", () => {
  for (const length of [0, 1, 2, 3, 4, 125, 126, 65_535, 65_536]) {
    const payload = Buffer.alloc(length, "ab\u00ff");
    const encoded = encodeFrame(0x82, payload);
    const second = encoded[1]! & 0x7f;
    const at = second < 126 ? 2 : second === 126 ? 4 : 10;
    const told = second < 126 ? second : second === 126 ? encoded.readUInt16BE(2) : Number(encoded.readBigUInt64BE(2));
    expect([encoded[0], encoded[1]! >> 7, told]).toEqual([0x82, 1, length]);
    const key = encoded.subarray(at, at + 4);
    expect(Buffer.from(encoded.subarray(at + 4).map((byte, i) => byte ^ key[i % 4]!))).toEqual(payload);
  }
  const keys = new Set(Array.from({ length: 3000 }, () => encodeFrame(0x81, "x").toString("hex", 2, 6)));
  expect(keys.size).toBeGreaterThan(2990);
});

test.each<[string, boolean | "not offered"]>([
  ["", false],
  ["permessage-deflate; server_no_context_takeover", true],
  ["permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12", true],
  ["permessage-deflate", "not offered"],
  ["permessage-deflate; server_no_context_takeover; client_max_window_bits=12", "not offered"],
  ["x-webkit-deflate-frame", "not offered"],
  ["permessage-deflate; server_no_context_takeover, permessage-deflate", "not offered"],
])("the extension %j is %s", (header, agreed) => {
  expect(deflateAgreed(header)).toBe(agreed);
});
