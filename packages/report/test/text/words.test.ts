import fc from "fast-check";
import { expect, test } from "vitest";
import { grouped } from "../../src/text/words.ts";

test("groups thousands as the English locale does", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (whole) => {
      expect(grouped(whole)).toBe(whole.toLocaleString("en-US"));
    }),
  );
});
