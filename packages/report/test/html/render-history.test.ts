import { describe, expect, test } from "vitest";
import { renderHistoryHtml } from "../../src/html/render-history.ts";
import type { MetricHistory } from "../../src/text/history.ts";
import { hostileTexts } from "../hostile.ts";
import { hashesOf, readPage } from "./page-text.ts";

const history = (metric: string, more: Partial<MetricHistory> = {}): MetricHistory => ({
  metric,
  tags: {},
  unit: "ns",
  direction: "lower",
  points: Array.from({ length: 20 }, (_, i) => ({
    at: `2026-11-${String(i + 1).padStart(2, "0")}T00:00:00Z`,
    value: 100 + i,
    commit: `${i}${"abcdef".repeat(6)}`,
  })),
  changePoints: [],
  ...more,
});
const worse = history("worse.time", {
  changePoints: [{ index: 12, ratio: 1.4, low: 1.3, high: 1.5, outcome: "worse" }],
});
const better = history("better.time", { changePoints: [{ index: 5, ratio: 0.05, outcome: "better" }] });
const { changePoints: _, ...short } = history("short.time", { points: history("x").points.slice(0, 2) });

describe("renderHistoryHtml", () => {
  const html = renderHistoryHtml("shop", [short, history("steady.time"), better, worse]);
  const page = readPage(html);

  test("says what moved, and the last move for the worse comes first with its moment and commit", () => {
    expect(page.firstScreen).toMatch(
      /^HISTORY 4 metrics: 1 moved for the worse, 1 for the better, 1 stayed, 1 with too few runs to tell shop · up to 20 runs, 1 Nov 2026 00:00 UTC to 20 Nov 2026 00:00 UTC/,
    );
    expect(page.section("metrics")).toMatch(
      /worse\.time 20 119 ns \+40\.0 % \[\+30\.0, \+50\.0\] slower 13 Nov 2026 00:00 UTC, 12abcde better\.time 20 119 ns ÷20 faster 6 Nov 2026 00:00 UTC, 5abcdef steady\.time 20 119 ns no change – short\.time 2 101 ns too few runs –/,
    );
  });

  test("a chart with a mark where the level moved, for each", () => {
    expect(html.match(/<g class="step worse">/g)).toHaveLength(1);
    expect(html.match(/<g class="step better">/g)).toHaveLength(1);
    expect(html.match(/id="metric-\d+"/g)).toHaveLength(4);
  });

  test("machines find the series; the policy fits; names are text", () => {
    expect(page.data.schema).toBe("mettle.series/1");
    expect(html).toContain(`style-src ${hashesOf(html).style}; script-src ${hashesOf(html).script};`);
    const named = (text: string): readonly string[] =>
      readPage(renderHistoryHtml(text, [{ ...worse, metric: text, tags: { [text.slice(0, 20)]: text } }])).structure;
    for (const text of hostileTexts) expect(named(text)).toEqual(named("tame"));
  });

  test("nothing asked for is said; too much is refused", () => {
    expect(readPage(renderHistoryHtml("shop", [])).section("metrics")).toContain("The history holds no metric");
    const points = { length: 2_000_001 } as unknown as MetricHistory["points"];
    expect(() => renderHistoryHtml("shop", [{ ...worse, points }])).toThrow(
      expect.objectContaining({ code: "REPORT_TOO_LARGE" }) as Error,
    );
  });
});
