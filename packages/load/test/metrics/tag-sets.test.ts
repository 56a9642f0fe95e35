import fc from "fast-check";
import { expect, test } from "vitest";
import { OTHER, TagSets } from "../../src/metrics/tag-sets.ts";

const tags = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.string({ maxLength: 3 }), { maxKeys: 3 });

test("equal sets have one number, different sets different ones, in whatever order they are written", () => {
  fc.assert(
    fc.property(fc.array(tags, { maxLength: 40 }), (given) => {
      const sets = new TagSets(1000, []);
      const meaning = (each: Record<string, string>): string => JSON.stringify(Object.entries(each).sort());
      const byMeaning = new Map<string, number>();
      for (const each of given) {
        const number = sets.intern(each);
        const reversed = sets.intern(Object.fromEntries(Object.entries(each).reverse()));
        expect(reversed).toBe(number);
        const known = byMeaning.get(meaning(each));
        if (known !== undefined) expect(number).toBe(known);
        byMeaning.set(meaning(each), number);
        expect(sets.tags(number)).toEqual(each);
      }
      expect(new Set(byMeaning.values()).size).toBe(byMeaning.size);
    }),
  );
});

test("beyond the cap the tags that matter are kept, and memory is bounded even when those are too many", () => {
  const sets = new TagSets(10, ["status"]);
  for (let i = 0; i < 1000; i++) sets.intern({ url: `/u${i}`, status: "200" });
  expect(sets.size).toBeLessThanOrEqual(20);
  expect(sets.tags(sets.intern({ url: "/new", status: "200" }))).toEqual({ status: "200" });
  expect(sets.overflowed).toBeGreaterThan(900);
  for (let i = 0; i < 1000; i++) sets.intern({ url: "/", status: String(i) });
  expect(sets.size).toBeLessThanOrEqual(20);
  expect(sets.intern({ status: "unheard of" })).toBe(OTHER);
});
