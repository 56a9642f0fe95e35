import { parseQuantity } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  alignQuantities,
  formatApart,
  formatClock,
  formatDuration,
  formatHalfWidth,
  formatRatioInterval,
  formatShare,
} from "../../src/text/quantities.ts";

describe("alignQuantities", () => {
  test("values within three decades share one prefix and as many decimals", () => {
    expect(alignQuantities([19.8, 214, 1500], "ns")).toEqual(["19.8 ns", "214.0 ns", "1500.0 ns"]);
    expect(alignQuantities([312, 2048], "bytes")).toEqual(["312 B", "2048 B"]);
  });

  test("a wide column has a prefix for each value, units flush right", () => {
    expect(alignQuantities([19.8, 2_140_000, 3e9], "ns")).toEqual(["19.8 ns", "2.14 ms", "3.00  s"]);
    expect(alignQuantities([466, 50.4e6], "1/s")).toEqual(["466  /s", "50.4 M/s"]);
  });

  test("what was not measured is empty, and zero is zero", () => {
    expect(alignQuantities([undefined, 0, 40, 48], "bytes")).toEqual(["", "0 B", "40 B", "48 B"]);
  });

  test("the shown text is the value to three digits, for times of any size", () => {
    const times = fc.array(fc.double({ min: 1, max: 1e12, noNaN: true }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(times, (values) => {
        for (const [i, text] of alignQuantities(values, "ns").entries()) {
          const value = values[i] ?? 0;
          expect(Math.abs(parseQuantity(text).value / value - 1)).toBeLessThan(0.0051);
        }
      }),
    );
  });
});

test("shares, intervals and half widths", () => {
  expect(formatShare(1.64)).toBe("164 %");
  expect(formatShare(0.0029)).toBe("0.3 %");
  expect(formatShare(0)).toBe("0.00 %");
  expect(formatRatioInterval(1.022, 1.04)).toBe("[+2.2, +4.0]");
  expect(formatHalfWidth(100, 99, 102, "ns")).toBe("±2.0 %");
  expect(formatHalfWidth(0.002, -0.3, 0.27, "ns")).toBe("±0.302 ns");
  expect(formatHalfWidth(0, 0, 0, "ns")).toBe("±0 ns");
});

test("durations and clocks", () => {
  expect(formatDuration(940)).toBe("940 ms");
  expect(formatDuration(48_210)).toBe("48.2 s");
  expect(formatDuration(59_999)).toBe("00:59 min");
  expect(formatDuration(3_723_000)).toBe("1:02:03 h");
  expect(formatClock(462_999)).toBe("07:42");
});

describe("formatApart", () => {
  test.each([
    [0.0011364, 0.001, "1", "0.1136 %", "0.1 %"],
    [200.04e6, 200e6, "ns", "200.04 ms", "200 ms"],
    [1_000_100, 1e6, "count", "1.0001 M", "1 M"],
    [500.04, 500, "1/s", "500.04/s", "500/s"],
    [36e6, 15e6, "ns", "36.0 ms", "15.0 ms"],
    [0, 0, "1", "0", "0"],
  ] as const)("%d and %d %s", (value, limit, unit, told, toldLimit) => {
    expect(formatApart(value, limit, unit)).toEqual([told, toldLimit]);
  });

  test("two figures that differ never read alike", () => {
    const units = ["ns", "bytes", "bytes/s", "bytes/h", "1/s", "1", "count", "instructions"] as const;
    const figure = fc.double({ min: 1e-9, max: 1e15, noNaN: true });
    fc.assert(
      fc.property(
        figure,
        fc.double({ min: -1e-3, max: 1e-3, noNaN: true }),
        fc.constantFrom(...units),
        (a, by, unit) => {
          const b = a * (1 + by);
          const [first, second] = formatApart(a, b, unit);
          expect(first === second).toBe(a === b);
        },
      ),
    );
  });
});
