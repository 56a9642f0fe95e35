import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderHtml } from "../../src/html/render-html.ts";
import { renderMarkdown } from "../../src/markdown.ts";
import { renderSummary } from "../../src/text/summary.ts";
import { textWidth } from "../../src/text/width.ts";
import { bare, comparison, finding, measurement, run, sampleRun, sampleVerdict, verdict } from "../builders.ts";
import { hostile } from "../hostile.ts";

const lineWith = (text: string, part: string): string => text.split("\n").find((line) => line.includes(part)) ?? "";

describe("renderSummary", () => {
  test("verdict first, then what failed, then the cases, then trust, files and exit code", () => {
    const text = renderSummary(sampleRun(), sampleVerdict(), { width: 130, files: { data: "mettle-out/run.json" } });
    const order = [
      "✗ FAILED",
      "✗ registry.lookup.time",
      "○ registry.evict.time",
      "? registry.snapshot.time",
      "✓ 2 more within limits",
      "iter/s",
      "self-check",
      "measurement  valid",
      "note  ",
      "exit  3",
    ];
    const places = order.map((part) => text.indexOf(part));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(lineWith(text, "registry.register ")).toMatch(
      /1\.21 µs +±0\.4 % +1\.52 µs +823 k\/s +312 +B +14 +−8\.8 % +\[−9\.7, −7\.9\] +faster$/,
    );
    expect(lineWith(text, "self-check")).toContain("this machine can find 0.4 %");
    expect(lineWith(text, "evict")).toContain("no data");
  });

  test("a limit that is missed stands with what was measured and the share of it that was used (S3-070)", () => {
    const text = renderSummary(sampleRun(), sampleVerdict(), { width: 130 });
    expect(lineWith(text, "✗ registry.lookup.time")).toContain("111 %");
    expect(lineWith(text, "✗ registry.lookup.time")).toMatch(/22\.2 ns +p\(95\) < 20ns/);
  });

  test("the columns stand under each other", () => {
    const lines = renderSummary(sampleRun(), sampleVerdict(), { width: 130 }).split("\n");
    const head = lines.findIndex((line) => line.includes("median"));
    const end = (lines[head] ?? "").indexOf("median") + "median".length;
    for (const line of lines.slice(head + 1, head + 6)) expect(line.slice(0, end)).toMatch(/\S (?:ns|µs|ms)$/);
  });

  test("what finds no room is named with the width it needs, and the words stay", () => {
    const text = renderSummary(sampleRun(), sampleVerdict(), { width: 80 });
    const needed = /not shown: .*bytes\/op.*\(needs (\d+) columns\)/.exec(text)?.[1];
    expect(needed).toBeDefined();
    expect(lineWith(text, "registry.register ")).toMatch(/faster$/);
    expect(renderSummary(sampleRun(), sampleVerdict(), { width: Number(needed) })).not.toContain("not shown");
    expect(renderSummary(sampleRun(), sampleVerdict(), { width: Number(needed) - 1 })).toContain("not shown");
  });

  test("an unmeasured quantity has no column, and an unjudged run no verdict", () => {
    const text = renderSummary(run(), undefined, {});
    expect(text).toContain("MEASURED");
    expect(text).not.toMatch(/bytes\/op|GC|\bchange\b|exit|PASSED/);
  });

  test("where answers are missing and nothing was missed, nothing is said to have failed", () => {
    const open = verdict([bare({ state: "no-data" })], {
      exitCode: 5,
      title: "INCONCLUSIVE: 0 of 1 limit held, 1 without an answer",
    });
    const [line] = renderSummary(run(), open).split("\n");
    expect(line).toBe(" ? INCONCLUSIVE  0 of 1 limit held, 1 without an answer");
    expect(renderMarkdown(run(), open)).toContain("\n### ❔ INCONCLUSIVE: 0 of 1 limit held, 1 without an answer\n");
  });

  test("no table calls slower what the judge could not tell", () => {
    const paired = comparison("a.time", 1.03, { outcome: "worse" });
    const measured = run({ measurements: [measurement("a.time", 100)], comparisons: [paired] });
    const change = { ratio: 1.03, low: 1.02, high: 1.04, outcome: "undecided", against: "main" } as const;
    const judged = (changes: object) =>
      verdict([
        bare({ kind: "regression", state: "undecided", metric: "a.time", tags: {}, change: { ...change, ...changes } }),
      ]);
    // The page explains the word elsewhere, so there the cell is asked for.
    for (const [render, slower] of [
      [renderSummary, /slower/],
      [renderMarkdown, /slower/],
      [renderHtml, /class="outcome worse">[^<]*slower/],
    ] as const) {
      const text = render(measured, judged({}), {});
      expect(slower.test(text)).toBe(false);
      expect(/can(?:'|&#39;)t tell/.test(text)).toBe(true);
      // Judged against another run: that says nothing of this comparison.
      expect(slower.test(render(measured, judged({ ratio: 1.2 }), {}))).toBe(true);
    }
  });

  test("what failed is told once where a verdict tells it, and in full where there is none", () => {
    const failures = [{ code: "BENCH_BODY_REMOVED", message: '"empty": nothing was measured.' }];
    const reasons = ["a busy machine", 'BENCH_BODY_REMOVED: "empty": nothing was measured.'];
    const failed = run({ failures, validity: { state: "degraded", reasons } });
    const message = reasons[1] ?? "";
    const judged = renderSummary(failed, verdict([finding({ state: "no-data", message })]));
    expect(judged.split("nothing was measured")).toHaveLength(2);
    expect(judged.replaceAll(/\s+/g, " ")).toContain(
      "degraded: a busy machine; 1 part of it could not be measured (above)",
    );
    expect(renderSummary(failed, undefined).replaceAll(/\s+/g, " ")).toContain(message);
  });

  test("an invalid run says why, and a failed self-check takes the promise back", () => {
    const bad = run({
      validity: { state: "invalid", reasons: ["generator-bound: 15 % of a core"] },
      comparisons: [
        comparison("registry.lookup.time", 1, { selfCheck: { ratio: 1.02, low: 1.01, high: 1.03, detectable: 0.01 } }),
      ],
    });
    const text = renderSummary(bad, verdict([], { status: "invalid", title: "INVALID: generator-bound", exitCode: 5 }));
    expect(text).toMatch(/^ ✗ INVALID {2}generator-bound/);
    expect(text).toContain("invalid: generator-bound: 15 % of a core");
    expect(text.replace(/\s+/g, " ")).toContain("differences no larger than that prove nothing");
    expect(text).not.toContain("can find");
  });

  test("--all lists what passed", () => {
    const judged = verdict([finding({ state: "passed", message: "well within" })]);
    expect(renderSummary(run(), judged, {})).not.toContain("well within");
    expect(renderSummary(run(), judged, { all: true })).toContain("well within");
  });

  test("measurements that are no case, and comparisons without one, are shown too", () => {
    const odd = run({
      measurements: [measurement("registry.lookup.time", 20), { ...measurement("queue.depth", 7), unit: "count" }],
      comparisons: [comparison("elsewhere.time", 1.5, { outcome: "worse" })],
    });
    const text = renderSummary(odd, verdict([]), {});
    expect(lineWith(text, "queue.depth")).toMatch(/\b7\b/);
    expect(lineWith(text, "elsewhere.time")).toMatch(/\+50\.0 %.*slower$/);
  });

  test("names of the bench package's tags are not repeated, unless two cases would read the same", () => {
    const named = (title: string) => measurement("json.parse.time", 5, { tags: { suite: "JSON", case: title } });
    expect(renderSummary(run({ measurements: [named("parse")] }), undefined)).not.toContain("case=");
    expect(renderSummary(run({ measurements: [named("parse!"), named("parse?")] }), undefined)).toContain(
      "case=parse?",
    );
  });

  test("whatever the names, no escape sequence, no command, no line wider than the terminal", () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 80, max: 160 }), fc.boolean(), (text, width, all) => {
        const tags = { [text]: text };
        const nasty = run({
          name: text,
          validity: { state: "degraded", reasons: [text] },
          measurements: [measurement(`${text}.time`, 20, { tags, notes: [text] }), measurement(text, 3)],
          comparisons: [comparison(`${text}.time`, 1.1, { tags, baseline: { label: text } })],
        });
        const judged = verdict(
          [
            finding({ metric: text, rule: text, message: text, tags, evidence: [text], recommendation: text }),
            bare({ state: "undecided", metric: text, rule: text, message: text }),
          ],
          { title: text },
        );
        const output = renderSummary(nasty, judged, { width, all, files: { [text]: text.slice(0, 30) } });
        expect(output).not.toMatch(/[^\P{Cc}\n]/u);
        for (const line of output.split("\n")) {
          expect(textWidth(line)).toBeLessThanOrEqual(width);
          expect(line).not.toMatch(/^\s*::|##\[/);
        }
        const coloured = renderSummary(nasty, judged, {
          width,
          all,
          color: true,
          files: { [text]: text.slice(0, 30) },
        });
        expect(stripVTControlCharacters(coloured)).toBe(output);
      }),
      { numRuns: 80 },
    );
  });
});
