import fc from "fast-check";
import { expect, test } from "vitest";
import { storableJson, unstorable } from "../../src/storage/storable.ts";

test.each([
  ["a\0b", '"a\uFFFDb"'],
  ["\ud800", '"\uFFFD"'],
  [{ deep: ["\0"] }, '{"deep":["\uFFFD"]}'],
  [undefined, "null"],
  ["\\u0000", String.raw`"\\u0000"`],
])("%j is stored as %s", (value, json) => expect(storableJson(value)).toBe(json));

test("what is refused and what would be changed are the same", () => {
  const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("\0", "\udc00", "\\u0000", "a"));
  const values = fc.jsonValue({ maxDepth: 4 }).chain((value) => fc.tuple(fc.constant(value), text));
  fc.assert(
    fc.property(values, (value) => {
      expect(unstorable(value) === undefined).toBe(storableJson(value) === JSON.stringify(value));
    }),
  );
});

test("nesting has an end, also for values that would overflow the stack", () => {
  const nested = (levels: number): unknown => {
    let value: unknown = 1;
    for (let i = 0; i < levels; i++) value = [value];
    return value;
  };
  expect(unstorable(nested(100))).toBeUndefined();
  expect(unstorable(nested(101))).toMatch(/nested deeper/);
  expect(unstorable(nested(1_000_000))).toMatch(/nested deeper/);
});
