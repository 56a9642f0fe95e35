import type { Change } from "@mettle/judge";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderComparison } from "../../src/text/comparison.ts";
import { textWidth } from "../../src/text/width.ts";
import { environment, measurement, run } from "../builders.ts";
import { hostile } from "../hostile.ts";

const change = (more: Partial<Change> = {}): Change => ({
  ratio: 1.05,
  low: 1.04,
  high: 1.06,
  outcome: "worse",
  against: "main",
  ...more,
});
const before = run({
  id: "before",
  measurements: [measurement("a.time", 1200), measurement("b.time", 50), measurement("gone.time", 1)],
});
const after = run({
  id: "after",
  measurements: [measurement("a.time", 1260), measurement("b.time", 50), measurement("new.time", 2)],
});

describe("renderComparison", () => {
  test("values side by side with change, interval and word; no claim where nothing was compared", () => {
    const text = renderComparison(before, after, [{ metric: "a.time", tags: {}, change: change() }]);
    expect(text).toMatch(/^ 2 metrics: 1 worse, 0 better, 0 the same, 0 can't be told, 1 not compared\n/);
    expect(text).toMatch(/a\.time +1\.20 µs +1\.26 µs +\+5\.0 % +\[\+4\.0, \+6\.0\] +slower\n/);
    expect(text).toMatch(/b\.time +50\.0 ns +50\.0 ns +no ratio\n/);
    expect(text).toMatch(/only in baseline +gone\.time\n +only in candidate +new\.time\n/);
  });

  test("where it is narrow, ratio, interval and word stay", () => {
    const long = `${"registry.lookup-".repeat(4)}by-name.time`;
    const [one, two] = [1, 2].map((p50) =>
      run({ measurements: [measurement(long, p50), measurement("other.time", p50)] }),
    );
    const wide = { ratio: 10.5, low: 0.0004, high: 20_060 };
    const text = renderComparison(one ?? before, two ?? after, [{ metric: long, tags: {}, change: change(wide) }]);
    expect(text).toMatch(/\+950 % +\[−100\.0, \+2005900\] +slower\n/);
    expect(text).toContain("not shown: baseline");
    for (const line of text.split("\n")) expect(textWidth(line)).toBeLessThanOrEqual(80);
  });

  test("names that differ only in the middle of their ends are told apart when cut", () => {
    const names = ["a", "b"].map((part) => `${"registry.lookup.".repeat(4)}${part}.allocated.per.operation`);
    const both = (p50: number) => run({ measurements: names.map((name) => measurement(name, p50)) });
    const rows = renderComparison(
      both(1),
      both(1),
      names.map((metric) => ({ metric, tags: {}, change: change() })),
    )
      .split("\n")
      .filter((line) => line.includes("slower"))
      .map((line) => line.trim().split(" ")[0]);
    expect(new Set(rows).size).toBe(2);
  });

  test("says first what makes the runs hard to compare", () => {
    const elsewhere = run({
      ...after,
      environment: { ...environment, fingerprint: "other" },
      validity: { state: "invalid", reasons: ["starved"] },
    });
    const text = renderComparison(before, elsewhere, []);
    expect(text).toContain("different machines");
    expect(text).toContain("The candidate is invalid: starved.");
    expect(text.indexOf("different machines")).toBeLessThan(text.indexOf("a.time"));
    expect(renderComparison(before, after, [])).not.toContain("different machines");
  });

  test("tags tell metrics of one name apart", () => {
    const sized = (size: string, p50: number) => measurement("a.time", p50, { tags: { size } });
    const text = renderComparison(
      run({ measurements: [sized("1", 10), sized("2", 20)] }),
      run({ measurements: [sized("2", 22), sized("1", 10)] }),
      [{ metric: "a.time", tags: { size: "2" }, change: change({ ratio: 1.1 }) }],
    );
    expect(text).toMatch(/size=2 +20\.0 ns +22\.0 ns +\+10\.0 %.*slower/);
    expect(text).toMatch(/size=1 +10\.0 ns +10\.0 ns +no ratio/);
  });

  test("hostile names neither widen a line nor leave a control character", () => {
    fc.assert(
      fc.property(hostile, (name) => {
        const one = run({ name, measurements: [measurement(name, 1)] });
        const text = renderComparison(
          one,
          run({ measurements: [measurement(name, 2), measurement(`${name}x`, 2)] }),
          [],
        );
        expect(text).not.toMatch(/[^\P{Cc}\n]/u);
        for (const line of text.split("\n")) expect(textWidth(line)).toBeLessThanOrEqual(80);
      }),
      { numRuns: 60 },
    );
  });
});
