import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeMessage, encodeMessage } from "../../src/distribute/wire-codec.ts";

const typed = fc.oneof(fc.uint8Array(), fc.float64Array(), fc.uint16Array(), fc.uint32Array());
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.double(),
    fc.string(),
    fc.constantFrom("\u0000number", "\u0000\u0000", "__proto__"),
    fc.boolean(),
    fc.constant(null),
    typed,
    fc.array(tie("any")),
    fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom("\u0000number", "\u0000Uint8Array", "\u0000\u0000x")),
      tie("any"),
      {
        noNullPrototype: true,
      },
    ),
  ),
})).any;

describe("messages as bytes", () => {
  test("what is written is read again: any data, infinite numbers, typed arrays, names that look like marks", () => {
    fc.assert(
      fc.property(value, (sent) => {
        expect(decodeMessage(encodeMessage(sent))).toEqual(sent);
      }),
    );
  });

  test("large messages are deflated", () => {
    const rows = Array.from({ length: 2000 }, (_, id) => ({ id, name: "a row", at: Number.POSITIVE_INFINITY }));
    const bytes = encodeMessage(rows);
    expect(bytes.length).toBeLessThan(JSON.stringify(rows).length / 4);
    expect(decodeMessage(bytes)).toEqual(rows);
  });

  test("any other bytes are refused with a code, never with something else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeMessage(bytes);
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: "LOAD_MESSAGE_INVALID" });
        }
      }),
    );
    expect(() => decodeMessage(new Uint8Array([0, 123]))).toThrow(/cannot be read/);
    expect(() => decodeMessage(Buffer.from('\u0000{"\\u0000Map":""}'))).toThrow(/no mark/);
  });

  test("a message that would inflate without end is refused", () => {
    const text = `"${"a".repeat(1_000_000)}"`;
    const bomb = Buffer.concat([Buffer.from([1]), deflateRawSync(text)]);
    expect(bomb.length).toBeLessThan(2000);
    expect(decodeMessage(bomb)).toHaveLength(1_000_000);
    expect(() => decodeMessage(bomb, 999_999)).toThrow(/cannot be read/);
  });

  test("other typed arrays are a mistake of the program", () => {
    expect(() => encodeMessage(new Int8Array(1))).toThrow("a Int8Array cannot be sent");
  });
});
