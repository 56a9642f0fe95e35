import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { downsample } from "../../../src/html/charts/downsample.ts";

const values = fc.array(
  fc.oneof(
    { weight: 20, arbitrary: fc.double({ min: 0, max: 1e9, noNaN: true }) },
    { weight: 1, arbitrary: fc.constant(null) },
  ),
  {
    minLength: 1,
    maxLength: 3000,
  },
);

describe("downsample", () => {
  test("keeps the least and the greatest of each stretch, in order, and invents nothing", () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 4, max: 400 }), (all, most) => {
        const xs = all.map((_, i) => i * 1000);
        const kept = downsample(xs, all, most).flat();
        for (const { x, y } of kept) expect(all[x / 1000]).toBe(y);
        expect(kept.map(({ x }) => x)).toEqual(kept.map(({ x }) => x).toSorted((a, b) => a - b));
        const known = all.filter((value) => value !== null);
        if (known.length <= most) {
          expect(kept).toHaveLength(known.length);
          return;
        }
        // The obvious way: cut the axis into stretches and look for the extremes of each.
        const width = ((xs.at(-1) ?? 0) - 0) / Math.max(1, Math.floor(most / 2));
        const stretches = Map.groupBy(
          all.flatMap((y, i) => (y === null ? [] : [{ x: i * 1000, y }])),
          ({ x }) => Math.floor(x / width),
        );
        for (const stretch of stretches.values()) {
          const inside = kept.filter(({ x }) => stretch.some((point) => point.x === x)).map(({ y }) => y);
          expect(Math.max(...inside)).toBe(Math.max(...stretch.map(({ y }) => y)));
          expect(Math.min(...inside)).toBe(Math.min(...stretch.map(({ y }) => y)));
        }
      }),
    );
  });

  test("a gap stays a gap", () => {
    const runs = downsample([0, 1, 2, 3, 4], [1, 2, null, 4, 5], 100);
    expect(runs.map((run) => run.map(({ y }) => y))).toEqual([
      [1, 2],
      [4, 5],
    ]);
  });

  test("a day of seconds keeps a spike of one second, in few points", () => {
    const all = Array.from({ length: 86_400 }, (_, i) => (i === 43_211 ? 1e9 : Math.sin(i / 500) + 1));
    const kept = downsample(
      all.map((_, i) => i * 1000),
      all,
      600,
    ).flat();
    expect(kept.length).toBeLessThanOrEqual(604);
    expect(kept).toContainEqual({ x: 43_211_000, y: 1e9 });
  });
});
