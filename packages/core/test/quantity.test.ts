import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MettleError } from "../src/errors.ts";
import { formatChange, formatQuantity, parseDurationMs, parseQuantity } from "../src/quantity.ts";
import { metricUnits } from "../src/units.ts";

describe("parseQuantity", () => {
  test.each([
    ["200ms", 200e6, "ns"],
    ["1.5 s", 1.5e9, "ns"],
    ["1m30s", 90e9, "ns"],
    ["1h30m", 5400e9, "ns"],
    ["2d", 172_800e9, "ns"],
    ["50µs", 50e3, "ns"],
    ["50us", 50e3, "ns"],
    [".5ns", 0.5, "ns"],
    ["-3ms", -3e6, "ns"],
    ["1_000 ns", 1000, "ns"],
    ["1.5 MiB", 1.5 * 1024 ** 2, "bytes"],
    ["10MB", 10e6, "bytes"],
    ["1e3 kB", 1e6, "bytes"],
    ["500/s", 500, "1/s"],
    ["90/min", 1.5, "1/s"],
    ["5 MB/s", 5e6, "bytes/s"],
    ["10 kB/h", 10e3, "bytes/h"],
  ] as const)("%s", (text, value, unit) => {
    expect(parseQuantity(text)).toEqual({ value, unit });
  });

  test("a bare number has no unit", () => {
    expect(parseQuantity(" 0.25 ")).toEqual({ value: 0.25 });
  });

  test("a percentage is the nearest double to its fraction, as a person writes it", () => {
    for (let hundredths = 0; hundredths <= 10_000; hundredths++) {
      expect(parseQuantity(`${hundredths / 100}%`)).toEqual({ value: hundredths / 100 / 100, unit: "1" });
    }
    expect(parseQuantity("95%").value).toBe(0.95);
    expect(parseQuantity("0.1%").value).toBe(0.001);
    expect(parseQuantity("7%").value).toBe(0.07);
  });

  test.each(["", "fast", "ms", "1 parsec", "1.2.3s", "NaN", "Infinity", "1e999", "1e308 s", "1m 30s", "5constructor"])(
    "%j is refused with a code",
    (text) => {
      expect(() => parseQuantity(text)).toThrow(MettleError);
      expect(() => parseQuantity(text)).toThrow(expect.objectContaining({ code: "QUANTITY_INVALID", exitCode: 2 }));
    },
  );
});

test("a duration needs a unit of time and cannot be negative", () => {
  expect(parseDurationMs("1m30s")).toBe(90_000);
  expect(parseDurationMs("0.5ms")).toBe(0.5);
  for (const text of ["5", "5MB", "-1s"]) {
    expect(() => parseDurationMs(text)).toThrow(expect.objectContaining({ code: "QUANTITY_INVALID" }));
  }
});

describe("formatQuantity", () => {
  test.each([
    [0, "ns", "0 ns"],
    [0.412, "ns", "0.412 ns"],
    [18.26, "ns", "18.3 ns"],
    [999.6, "ns", "1.00 µs"],
    [1234, "ns", "1.23 µs"],
    [99_960, "ns", "100 µs"],
    [99_940, "ns", "99.9 µs"],
    [9996, "ns", "10.0 µs"],
    [45_600_000, "ns", "45.6 ms"],
    [3600e9, "ns", "1.00 h"],
    [-1500, "ns", "-1.50 µs"],
    [512, "bytes", "512 B"],
    [45_600, "bytes", "45.6 kB"],
    [5e6, "bytes/s", "5.00 MB/s"],
    [99.96, "bytes/h", "100 B/h"],
    [1_250_000, "1/s", "1.25 M/s"],
    [150, "1/s", "150/s"],
    [0.9996, "1", "1.00"],
    [0.00042, "1", "4.2e-4"],
    [12, "count", "12"],
    [999_999, "count", "999999"],
    [2_500_000, "count", "2.50 M"],
    [48, "instructions", "48.0 instr"],
  ] as const)("%d %s", (value, unit, text) => {
    expect(formatQuantity(value, unit)).toBe(text);
  });

  test("never shows more than three significant digits below a thousand of its prefix, and is within half of the last", () => {
    const unit = fc.constantFrom("ns", "bytes", "bytes/s", "1/s", "instructions" as const);
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 999e9, noNaN: true }), unit, (value, of) => {
        const shown = /^[\d.]+/.exec(formatQuantity(value, of))?.[0] ?? "";
        const digits = shown.replace(".", "").replace(/^0+/, "");
        expect(digits.length).toBeLessThanOrEqual(3);
        const parsed = of === "ns" || of === "bytes" ? parseQuantity(formatQuantity(value, of)).value : value;
        expect(Math.abs(parsed / value - 1)).toBeLessThan(value < 0.1 ? 0.5 : 0.006);
      }),
    );
  });

  test("every unit is written, and what is no number is not dressed up as one", () => {
    for (const unit of metricUnits) {
      expect(formatQuantity(2, unit)).toMatch(/^2(\.00)?/);
      expect(formatQuantity(Number.NaN, unit)).toBe("NaN");
      expect(formatQuantity(Number.POSITIVE_INFINITY, unit)).toBe("Infinity");
    }
  });
});

test.each([
  [0.021, "+2.1 %"],
  [-0.0003, "−0.03 %"],
  [-0.00094, "−0.09 %"],
  [0.00096, "+0.1 %"],
  [0, "±0.00 %"],
  [-0.000001, "±0.00 %"],
  [1.5, "+150 %"],
  [Number.NaN, "NaN"],
])("a change of %d reads %s", (fraction, text) => {
  expect(formatChange(fraction)).toBe(text);
});
