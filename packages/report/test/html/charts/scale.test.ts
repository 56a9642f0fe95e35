import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { linearScale, logScale, tickLabel, timeTicks } from "../../../src/html/charts/scale.ts";

const positive = fc.double({ min: 1e-6, max: 1e15, noNaN: true });

describe("scales", () => {
  test("a linear scale begins at 0, holds the greatest value and has few, rising ticks", () => {
    fc.assert(
      fc.property(positive, (greatest) => {
        const { high, ticks, position } = linearScale(greatest, "ns");
        expect(high).toBeGreaterThanOrEqual(greatest * (1 - 1e-9));
        expect(high).toBeLessThanOrEqual(greatest * 2.01);
        expect(ticks.length).toBeGreaterThanOrEqual(3);
        expect(ticks.length).toBeLessThanOrEqual(6);
        expect(ticks[0]).toEqual({ at: 0, label: "0" });
        expect(ticks.at(-1)?.at).toBeCloseTo(1, 9);
        expect(position(greatest)).toBeCloseTo(greatest / high, 9);
      }),
    );
  });

  test("an axis has shares or plain numbers, never both", () => {
    const labels = (greatest: number): string[] => linearScale(greatest, "1").ticks.map(({ label }) => label);
    expect(labels(1)).toEqual(["0", "25 %", "50 %", "75 %", "100 %"]);
    expect(labels(1.2)).toEqual(["0", "0.5", "1", "1.5"]);
  });

  test("a logarithmic scale holds both ends, and its ticks are where their labels say", () => {
    fc.assert(
      fc.property(positive, fc.double({ min: 1, max: 1e6, noNaN: true }), (least, factor) => {
        const { ticks, position, low, high } = logScale(least, least * factor, "1/s");
        expect(position(low)).toBe(0);
        expect(position(high)).toBeCloseTo(1, 9);
        expect(ticks.length).toBeGreaterThanOrEqual(2);
        expect(ticks.length).toBeLessThanOrEqual(8);
        for (const { at } of ticks) {
          expect(at).toBeGreaterThanOrEqual(0);
          expect(at).toBeLessThanOrEqual(1 + 1e-9);
        }
      }),
    );
  });

  test.each([
    [200e6, "ns", "200 ms"],
    [2.5e9, "ns", "2.5 s"],
    [10e3, "ns", "10 µs"],
    [1000, "1/s", "1 k/s"],
    [0.001, "1", "0.1 %"],
    [30, "count", "30"],
    [1.05e6, "bytes", "1.05 MB"],
  ] as const)("%d %s reads %s", (value, unit, label) => {
    expect(tickLabel(value, unit)).toBe(label);
  });

  test("times of a run read as minutes and seconds, from an hour on as hours", () => {
    expect(timeTicks(0, 60_000).map(({ label }) => label)).toEqual([
      "0:00",
      "0:10",
      "0:20",
      "0:30",
      "0:40",
      "0:50",
      "1:00",
    ]);
    expect(timeTicks(0, 7_200_000).map(({ label }) => label)).toEqual([
      "0:00",
      "30:00",
      "1:00:00",
      "1:30:00",
      "2:00:00",
    ]);
    expect(timeTicks(30_000, 90_000)[0]).toEqual({ at: 0, label: "0:30" });
  });
});
