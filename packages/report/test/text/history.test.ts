import { describe, expect, test } from "vitest";
import { renderBaselines } from "../../src/text/baselines.ts";
import { type MetricHistory, renderHistory } from "../../src/text/history.ts";
import { sparkline, sparklineCell } from "../../src/text/sparkline.ts";

describe("sparkline", () => {
  test("lowest, highest, absent and flat", () => {
    expect(sparkline([0, 7, undefined, 3.5], 10)).toBe("▁█ ▅");
    expect(sparkline([5, 5, 5], 10)).toBe("▄▄▄");
    expect(sparkline([undefined, undefined], 10)).toBe("  ");
    expect(sparkline([], 10)).toBe("");
  });

  test("gathers by the median, so that one outlier does not stand for its stretch", () => {
    const values = Array.from({ length: 100 }, (_, i) => (i === 50 ? 1000 : i < 50 ? 1 : 2));
    expect(sparkline(values, 10)).toBe("▁▁▁▁▁█████");
    expect(sparklineCell(50, 100, 10)).toBe(5);
  });
});

const day = (n: number): string => `2026-11-${String(n + 1).padStart(2, "0")}T02:00:00Z`;
const history = (more: Partial<MetricHistory> = {}): MetricHistory => ({
  metric: "registry.lookup.time",
  tags: {},
  unit: "ns",
  direction: "lower",
  points: Array.from({ length: 20 }, (_, i) => ({ at: day(i), value: i < 12 ? 20 : 23, commit: `c0ffee${i}00` })),
  changePoints: [{ index: 12, ratio: 1.15, low: 1.13, high: 1.17, outcome: "worse" }],
  ...more,
});

describe("renderHistory", () => {
  test("a change is marked under its place, with time, commit and size", () => {
    const lines = renderHistory([history()]).split("\n");
    expect(lines[0]).toBe(" registry.lookup.time  last 23.0 ns");
    expect(lines[1]).toBe(`   ${"▁".repeat(12)}${"█".repeat(8)}`);
    expect(lines[2]).toBe(`   ${" ".repeat(12)}▲`);
    expect(lines[3]).toBe("   20 runs, 1 Nov 2026 02:00 UTC to 20 Nov 2026 02:00 UTC, 20.0 ns … 23.0 ns");
    expect(lines[4]).toBe("   ▲ 13 Nov 2026 02:00 UTC  c0ffee1  +15.0 % [+13.0, +17.0]  slower");
  });

  test("no search is not the same as no change", () => {
    const { changePoints, ...unsearched } = history();
    expect(changePoints).toHaveLength(1);
    expect(renderHistory([unsearched])).not.toContain("no change");
    expect(renderHistory([history({ changePoints: [] })])).toContain("no change found");
  });

  test("a metric without values says so", () => {
    expect(renderHistory([history({ points: [{ at: day(0) }], changePoints: [] })])).toContain("no values");
    expect(renderHistory([])).toContain("No history");
  });
});

describe("renderBaselines", () => {
  const entry = {
    name: "release-1.4",
    savedAt: day(3),
    runName: "registry",
    runId: "r1",
    measurements: 12,
    commit: "4f2c1e0aaaa",
    fingerprint: "here",
  };
  test("marks baselines of other machines", () => {
    const text = renderBaselines([entry, { ...entry, name: "ci", fingerprint: "there" }], {
      fingerprint: "here",
      width: 120,
    });
    expect(text).toMatch(/release-1\.4 +4 Nov 2026 02:00 UTC +4f2c1e0 +registry +12 +this machine +r1\n/);
    expect(text).toMatch(/ci .* other \(there\)/);
  });

  test("an empty list says how to fill it", () => {
    expect(renderBaselines([])).toContain("--save");
  });
});
