import fc from "fast-check";
import { expect, test } from "vitest";
import { ms, msFromNs, ns, nsFromMs } from "../src/units.ts";

test("milliseconds and nanoseconds convert into each other", () => {
  expect([nsFromMs(ms(1.5)), msFromNs(ns(2_500_000))]).toEqual([1_500_000, 2.5]);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 53 - 1 }), (value) => {
      expect(Math.abs(nsFromMs(msFromNs(ns(value))) - value)).toBeLessThanOrEqual(1);
    }),
  );
});
