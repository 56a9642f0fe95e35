import type { SlowestSample } from "@mettle/results";
import { describe, expect, test } from "vitest";
import { waterfallChart } from "../../../src/html/charts/waterfall.ts";
import { hostileTexts } from "../../hostile.ts";

const sample = (value: number, more: Partial<SlowestSample> = {}): SlowestSample => ({
  atMs: 61_000,
  value,
  phases: [
    ["connect", value / 4],
    ["wait", value / 2],
    ["receive", value / 4],
  ],
  label: "GET /search → 200",
  ...more,
});

describe("the slowest requests as a waterfall", () => {
  const markup = waterfallChart([sample(800e6), sample(400e6)], "ns").text;
  const rects = [...markup.matchAll(/<rect class="phase-(\w+)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"/g)].map(
    ([, phase, x, y, width]) => ({ phase, x: Number(x), y: Number(y), width: Number(width) }),
  );

  test("parts follow each other, as wide as their time, on one scale for all", () => {
    expect(rects.map(({ phase }) => phase)).toEqual(["connect", "wait", "receive", "connect", "wait", "receive"]);
    const [connect, wait, receive, other] = rects;
    expect(connect?.x).toBe(52);
    expect(wait?.x).toBeCloseTo((connect?.x ?? 0) + (connect?.width ?? 0), 0);
    expect(receive?.x).toBeCloseTo((wait?.x ?? 0) + (wait?.width ?? 0), 0);
    expect(wait?.width).toBeCloseTo(2 * (connect?.width ?? 0), 0);
    expect(other?.width).toBeCloseTo((connect?.width ?? 0) / 2, 0);
    expect(other?.y).toBeGreaterThan(connect?.y ?? 0);
  });

  test("a table says the same: when, what, how long, in which parts; what took no time is a dash", () => {
    const text = waterfallChart([sample(800e6), sample(100e6, { phases: [["wait", 100e6]] })], "ns")
      .text.replaceAll(/<svg[\s\S]*<\/svg>/g, "")
      .replaceAll(/<[^>]*>/g, " ")
      .replaceAll(/\s+/g, " ");
    expect(text).toContain("01:01 GET /search → 200 800 ms 200 ms 400 ms 200 ms");
    expect(text).toContain("01:01 GET /search → 200 100 ms – 100 ms –");
    expect(markup).toContain("mostly waiting for the first byte");
  });

  test("parts of other names, and names of any kind, are text", () => {
    for (const text of hostileTexts) {
      const other = waterfallChart([sample(1e6, { label: text, phases: [[text, 1e6]] })], "ns").text;
      expect(other).not.toMatch(/<script|<img|<iframe|<failure/);
      expect(other).toContain('class="phase-other"');
    }
  });
});
