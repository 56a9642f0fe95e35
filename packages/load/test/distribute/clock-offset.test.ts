import fc from "fast-check";
import { expect, test } from "vitest";
import { offsetOf } from "../../src/distribute/clock-offset.ts";

const delays = fc.record({
  there: fc.double({ min: 0, max: 500, noNaN: true }),
  back: fc.double({ min: 0, max: 500, noNaN: true }),
});

test("the true offset lies within what is said to be uncertain, however long messages take", () => {
  fc.assert(
    fc.property(
      fc.array(delays, { minLength: 1, maxLength: 9 }),
      fc.double({ min: -1e9, max: 1e9, noNaN: true }),
      fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      (trips, monotonic, wall) => {
        let now = 1000;
        const exchanges = trips.map(({ there, back }) => {
          const askedMs = now;
          const readMs = askedMs + there;
          const answeredMs = readMs + back;
          now = answeredMs + 10;
          return {
            askedMs,
            answeredMs,
            wallMs: answeredMs + 5e11,
            there: { monotonicMs: readMs + monotonic, wallMs: readMs + 5e11 + wall },
          };
        });
        const found = offsetOf(exchanges)!;
        expect(Math.abs(found.monotonicMs - monotonic)).toBeLessThanOrEqual(found.uncertaintyMs + 1e-3);
        expect(Math.abs(found.wallMs - wall)).toBeLessThanOrEqual(found.uncertaintyMs + 1e-3);
        expect(found.uncertaintyMs).toBeCloseTo(Math.min(...trips.map(({ there, back }) => (there + back) / 2)), 6);
      },
    ),
  );
});

test("nothing is known without an exchange", () => {
  expect(offsetOf([])).toBeUndefined();
});
