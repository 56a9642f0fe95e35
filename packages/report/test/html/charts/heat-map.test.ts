import { expect, test } from "vitest";
import { heatMap } from "../../../src/html/charts/heat-map.ts";

test("each second has its own column, though its end comes some milliseconds early or late", () => {
  const jitter = [3, -7, 12, -1, 40, -30, 0, 8];
  const columns = jitter.map((late, i) => ({ atMs: 1000 * (i + 1) + late, slots: [160, 5] }));
  const toMs = columns.at(-1)?.atMs ?? 0;
  const { text } = heatMap({ title: "heat", unit: "ns", slotsPerDoubling: 8, columns, fromMs: 0, toMs });
  const cells = [...text.matchAll(/M(\d+) \d+h1v1h-1z/g)].map(([, x]) => Number(x));
  expect(cells.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});
