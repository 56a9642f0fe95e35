import fc from "fast-check";
import { expect, test } from "vitest";
import { editDistance, suggest } from "../../src/command-line/suggest.ts";

test("edit distances as published", () => {
  expect(editDistance("kitten", "sitting")).toBe(3);
  expect(editDistance("ca", "abc")).toBe(3); // optimal string alignment; the unrestricted distance is 2
  expect(editDistance("filetr", "filter")).toBe(1);
  expect(editDistance("", "abc")).toBe(3);
});

test("a distance is symmetric, zero only for equal words, and no longer than the longer word", () => {
  const word = fc.string({ maxLength: 8 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b);
      expect(distance).toBe(editDistance(b, a));
      expect(distance === 0).toBe(a === b);
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
    }),
  );
});

test("suggests what is near, and nothing for what is not", () => {
  const known = ["bench", "baseline", "compare"];
  expect(suggest("bnech", known)).toBe("bench");
  expect(suggest("base", known)).toBe("baseline");
  expect(suggest("zzz", known)).toBeUndefined();
  expect(suggest("4", ["1", "2", "3"])).toBeUndefined(); // another digit is no misspelling of it
});
