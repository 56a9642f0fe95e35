import fc from "fast-check";
import { expect, test } from "vitest";
import { grouped, outcomeWord } from "../../src/text/words.ts";

test("groups thousands as the English locale does", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (whole) => {
      expect(grouped(whole)).toBe(whole.toLocaleString("en-US"));
    }),
  );
});

test("the words are those of the guides, in every format", () => {
  const words = (["worse", "better", "same", "undecided"] as const).map((outcome) => [
    outcomeWord(outcome, "ns"),
    outcomeWord(outcome, "bytes"),
  ]);
  expect(words).toEqual([
    ["slower", "worse"],
    ["faster", "better"],
    ["no change", "no change"],
    ["can't tell", "can't tell"],
  ]);
});
