import fc from "fast-check";
import { expect, test } from "vitest";
import { Directory } from "../../src/runtime/directory.ts";

test("a directory does what a map does, in the order of the numbers, and keeps no page without an item", () => {
  const step = fc.record({ add: fc.boolean(), skip: fc.integer({ min: 1, max: 300 }), at: fc.nat() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), fc.constantFrom(0, 2 ** 30), (steps, first) => {
      const directory = new Directory<{ readonly number: number }>();
      const model = new Map<number, { readonly number: number }>();
      let last = first;
      for (const { add, skip, at } of steps) {
        if (add || model.size === 0) {
          last += skip;
          const item = { number: last };
          directory.set(last, item);
          model.set(last, item);
        } else {
          const number = [...model.keys()][at % model.size]!;
          expect([directory.delete(number), directory.delete(number)]).toEqual([true, false]);
          model.delete(number);
          expect(directory.get(number)).toBeUndefined();
        }
        expect(directory.size).toBe(model.size);
      }
      expect([...directory.values()]).toEqual([...model.values()]);
      for (const [number, item] of model) expect(directory.get(number)).toBe(item);
    }),
  );
});
