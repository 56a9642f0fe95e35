import { describe, expect, test } from "vitest";
import { sparkChart, type TimeChart, timeChart } from "../../../src/html/charts/time-chart.ts";

const chart = (more: Partial<TimeChart> = {}): TimeChart => ({
  title: "p95",
  unit: "ns",
  lines: [{ name: "p95", atMs: [1000, 2000, 3000, 4000], values: [10e6, 20e6, null, 40e6], style: "high" }],
  fromMs: 0,
  toMs: 4000,
  ...more,
});

/** What the script of the page does: places of the drawing read back as moments and values. */
function readBack(markup: string): [number, number][] {
  const [, from = "", to = "", top = ""] = /data-from="(\S+)" data-to="(\S+)" data-top="(\S+)"/.exec(markup) ?? [];
  const path = /class="line high"[^>]* d="([^"]*)"/.exec(markup)?.[1] ?? "";
  const points: [number, number][] = [];
  let at: [number, number] = [0, 0];
  for (const [, command, x, y] of path.matchAll(/([Ml])(-?\d+) ?(-?\d+)/g)) {
    at = command === "M" ? [Number(x), Number(y)] : [at[0] + Number(x), at[1] + Number(y)];
    points.push([Number(from) + (at[0] / 10_000) * (Number(to) - Number(from)), (1 - at[1] / 10_000) * Number(top)]);
  }
  return points;
}

describe("timeChart", () => {
  test("moments and values can be read back from the drawing, to a ten-thousandth of the axis", () => {
    const points = readBack(timeChart(chart()).text);
    const expected = [
      [1000, 10e6],
      [2000, 20e6],
      [4000, 40e6],
    ];
    expect(points).toHaveLength(3);
    points.forEach(([atMs, value], i) => {
      expect(atMs).toBeCloseTo(expected[i]?.[0] ?? 0, 3);
      expect(Math.abs(value - (expected[i]?.[1] ?? 0))).toBeLessThan(60e6 / 10_000);
    });
  });

  test("rounding does not add up along a line of many points", () => {
    const values = Array.from({ length: 500 }, (_, i) => 1e6 * (1 + Math.sin(i / 7)));
    const atMs = values.map((_, i) => i * 1000);
    const points = readBack(
      timeChart(chart({ lines: [{ name: "x", atMs, values, style: "high" }], toMs: 500_000 })).text,
    );
    expect(points).toHaveLength(500);
    points.forEach(([, value], i) => expect(Math.abs(value - (values[i] ?? 0))).toBeLessThan(3e6 / 10_000));
  });

  test("a limit is a line with its value; one far above is named, so that it does not press the lines flat", () => {
    const near = timeChart(chart({ limits: [{ value: 50e6, label: "limit 50 ms" }] })).text;
    expect(near).toContain('<path class="limit" d="M0 ');
    expect(near).toContain(">limit 50 ms</text>");
    const far = timeChart(chart({ limits: [{ value: 10e9, label: "limit 10 s" }] })).text;
    expect(far).not.toContain('<path class="limit"');
    expect(far).toContain("limit 10 s, far above");
    expect(/data-top="(\S+)"/.exec(far)?.[1]).toBe("60000000");
  });

  test("the values are in a table, the greatest of each stretch; where nothing was measured stands a dash", () => {
    const { text } = timeChart(chart());
    const rows = [...text.matchAll(/<tr><th scope="row">([^<]*)<\/th><td>([^<]*)<\/td>/g)].map(([, time, value]) => [
      time,
      value,
    ]);
    expect(rows).toEqual([
      ["0–1", "–"],
      ["1–2", "10.0 ms"],
      ["2–3", "20.0 ms"],
      ["3–4", "40.0 ms"],
    ]);
  });

  test("no values, no chart: it says so", () => {
    expect(timeChart(chart({ lines: [{ name: "x", atMs: [1], values: [null], style: "high" }] })).text).toContain(
      "not measured over time",
    );
  });
});

describe("sparkChart", () => {
  test("one value is no line", () => {
    expect(sparkChart([5], "p95").text).toBe("");
    expect(sparkChart([5, 6], "p95").text).toContain("<svg");
  });
});
