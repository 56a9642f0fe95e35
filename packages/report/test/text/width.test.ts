import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { visibleText } from "../../src/text/visible.ts";
import { pad, textWidth, truncateEnd, truncateMiddle, wrapText } from "../../src/text/width.ts";
import { hostile } from "../hostile.ts";

describe("textWidth", () => {
  // Oracle: Unicode's EastAsianWidth.txt and emoji-test.txt for these characters.
  test.each([
    ["plain", 5],
    ["±0.4 %", 6],
    ["1.2 µs", 6],
    ["日本語", 6],
    ["한국어", 6],
    ["ｆｕ", 4],
    ["e\u0301", 1],
    ["👍", 2],
    ["👍🏽", 2],
    ["👩‍👩‍👧‍👦", 2],
    ["🇩🇪", 2],
    ["❤️", 2],
    ["✓", 1],
    ["█░", 2],
    ["שלום", 4],
    ["", 0],
  ])("%j is %i cells", (text, cells) => {
    expect(textWidth(text)).toBe(cells);
  });
});

describe("fitting", () => {
  test("keeps both ends of a dotted name", () => {
    expect(truncateMiddle("registry.capability-match.time", 16)).toBe("registry…ch.time");
  });

  test("whatever the text, cuts fit and padding fills", () => {
    fc.assert(
      fc.property(hostile.map(visibleText), fc.integer({ min: 1, max: 60 }), (text, width) => {
        expect(textWidth(truncateEnd(text, width))).toBeLessThanOrEqual(width);
        expect(textWidth(truncateMiddle(text, width))).toBeLessThanOrEqual(width);
        expect(textWidth(pad(truncateEnd(text, width), width))).toBe(width);
      }),
      { numRuns: 300 },
    );
  });

  test("wrapping loses nothing but the spaces at the breaks, and every line fits", () => {
    fc.assert(
      fc.property(hostile.map(visibleText), fc.integer({ min: 4, max: 60 }), (text, width) => {
        const lines = wrapText(text, width);
        for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(width);
        expect(lines.join("").replaceAll(" ", "")).toBe(text.replaceAll(" ", ""));
      }),
      { numRuns: 300 },
    );
  });
});
