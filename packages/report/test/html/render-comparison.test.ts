import { judgeRegressions, policyDefaults } from "@mettle/judge";
import type { Run } from "@mettle/results";
import { describe, expect, test } from "vitest";
import { renderComparisonHtml } from "../../src/html/render-comparison.ts";
import { environment, measurement, run } from "../builders.ts";
import { hostileTexts } from "../hostile.ts";
import { loadRun } from "./load-run.ts";
import { hashesOf, readPage } from "./page-text.ts";

const before = run({
  name: "main",
  measurements: [
    measurement("a.time", 100),
    measurement("b.time", 100),
    measurement("c.time", 100),
    measurement("old.time", 1),
  ],
});
const after = run({
  name: "branch",
  measurements: [
    measurement("a.time", 130),
    measurement("b.time", 80),
    measurement("c.time", 100),
    measurement("new.time", 1),
  ],
});

function compared(baseline: Run, other: Run) {
  const { findings } = judgeRegressions(other, baseline, policyDefaults);
  const changes = findings.flatMap(({ metric, tags, change }) =>
    metric !== undefined && change ? [{ metric, tags: tags ?? {}, change }] : [],
  );
  return { run: other, changes };
}

describe("runs side by side", () => {
  const page = readPage(renderComparisonHtml(before, [compared(before, after)]));

  test("the headline counts what became worse and better", () => {
    expect(page.firstScreen).toMatch(/^WORSE 3 metrics: 1 worse, 1 better, /);
    expect(page.title).toMatch(/^WORSE: 3 metrics/);
  });

  test("worse first, with both values, the change, its interval and a word", () => {
    const text = page.section("metrics");
    expect(text).toMatch(/a\.time 100 ns 130 ns \+30\.0 % \[[^\]]*\] slower/);
    expect(text).toMatch(/b\.time 100 ns 80\.0 ns −20\.0 % \[[^\]]*\] faster/);
    expect(text.indexOf("a.time")).toBeLessThan(text.indexOf("b.time"));
  });

  test("the values beside a change are those that it is computed from, and say which", () => {
    // Half of the values halve, the slowest stay: the medians differ by far, the percentiles that are compared do not.
    const [slow, mixed] = [[1], [0.1, 1]].map((factors) =>
      loadRun({
        seconds: 20,
        operations: ["a"],
        median: (_, second) => 100e6 * (factors[second % factors.length] ?? 1),
      }),
    );
    const text = readPage(renderComparisonHtml(slow!, [compared(slow!, mixed!)])).section("metrics");
    const [, a, b, change] = /http_req_response_time p\(95\) (\d+) ms (\d+) ms ([+−±][\d.]+) %/.exec(text) ?? [];
    expect(Number(b) / Number(a) - 1).toBeCloseTo(Number(change?.replace("−", "-").replace("±", "")) / 100, 1);
    expect(text).toMatch(/http_reqs 20\.0\/s 20\.0\/s/);
  });

  test("what only one side measured is named", () => {
    expect(page.section("only")).toBe("On one side only In A, not in B old.time In B, not in A new.time");
  });

  test("several against one: a pair of columns for each", () => {
    const third = run({ name: "third", measurements: [measurement("a.time", 100)] });
    const text = readPage(renderComparisonHtml(before, [compared(before, after), compared(before, third)])).section(
      "metrics",
    );
    expect(text).toMatch(/a\.time 100 ns 130 ns \+30\.0 % .* slower 100 ns ±0\.00 %/);
    expect(text).toMatch(/b\.time 100 ns 80\.0 ns .* faster – not measured/);
  });

  test("without a computed change there are values and no claim", () => {
    const bare = readPage(renderComparisonHtml(before, [{ run: after, changes: [] }]));
    expect(bare.firstScreen).toMatch(
      /^COMPARED 3 metrics: 0 worse, 0 better, 0 the same, 0 can't be told, 3 without a comparison/,
    );
    expect(bare.section("metrics")).toContain("a.time 100 ns 130 ns no ratio");
  });

  test("an invalid side is the headline, and another machine is said at once", () => {
    const invalid = {
      ...after,
      validity: { state: "invalid" as const, reasons: ["starved"] },
      environment: { ...environment, fingerprint: "other", cpu: { model: "another", cores: 8 } },
    };
    const html = renderComparisonHtml(before, [compared(before, invalid)]);
    expect(html).toContain('<body class="invalid">');
    const text = readPage(html);
    expect(text.firstScreen).toMatch(/^INVALID a run of this comparison cannot be believed: starved/);
    expect(text.firstScreen).toContain("Different machines or limits");
    expect(text.section("environment")).toMatch(/B cpu.* matters/);
  });

  test("load runs are shown over the same stretch of time", () => {
    const [short, long] = [loadRun({ seconds: 30, operations: ["a"] }), loadRun({ seconds: 60, operations: ["a"] })];
    const html = renderComparisonHtml(short, [{ run: long, changes: [] }]);
    expect([...html.matchAll(/data-to="(\d+)"/g)].map(([, to]) => to)).toEqual(["60000", "60000", "60000", "60000"]);
  });

  test("hostile names change nothing but text", () => {
    const named = (text: string): string => {
      const rename = (each: Run): Run => ({
        ...each,
        name: text,
        measurements: each.measurements.map((it) => ({ ...it, tags: { [text.slice(0, 50)]: text } })),
      });
      return renderComparisonHtml(rename(before), [compared(rename(before), rename(after))]);
    };
    const tame = readPage(named("harmless")).structure;
    for (const text of hostileTexts) expect(readPage(named(text)).structure).toEqual(tame);
    const { style, script } = hashesOf(named("x"));
    expect(named("x")).toContain(`style-src ${style}; script-src ${script};`);
  });
});
