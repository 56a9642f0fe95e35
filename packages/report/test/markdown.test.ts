import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderMarkdown } from "../src/markdown.ts";
import { escapeMarkdown, stickyMarker } from "../src/markdown-text.ts";
import { bare, comparison, finding, measurement, run, sampleRun, sampleVerdict, verdict } from "./builders.ts";
import { hostile } from "./hostile.ts";

/** Tags that the renderer itself writes; any other `<` would come from outside. */
const ownTags = /<\/?(?:details|summary|code)>|^<!-- mettle:[A-Za-z0-9._/ -]* -->$/gm;

describe("renderMarkdown", () => {
  test("marker, verdict, facts, then the worst", () => {
    const text = renderMarkdown(sampleRun(), sampleVerdict());
    const lines = text.split("\n");
    expect(lines[0]).toBe("<!-- mettle:registry -->");
    expect(lines[1]).toBe(
      "### ❌ FAILED: 1 of 5 limits missed, 1 without data, 1 regression vs main&#64;&#8203;4f2c1e",
    );
    expect(text).toContain("this machine can find 0.4 %");
    expect(text.indexOf("| ❌ |")).toBeLessThan(text.indexOf("| ⭕ |"));
    expect(text.indexOf("| ⭕ |")).toBeLessThan(text.indexOf("| ✅ |"));
    expect(text).toContain(
      "| <code>registry.register</code> | 1.21 µs | ±0.4 % | 1.52 µs | 312 B | −8.8 % [−9.7, −7.9] | faster vs main&#64;",
    );
  });

  test("with too many rows the worst stay, the cut is counted, and tables stay whole", () => {
    const many = [
      ...Array.from({ length: 3000 }, (_, i) => bare({ state: "passed", rule: `passed ${i}` })),
      ...Array.from({ length: 40 }, (_, i) => bare({ state: "failed", rule: `failed ${i} ${"long ".repeat(40)}` })),
    ];
    const text = renderMarkdown(run(), verdict(many));
    expect(text.length).toBeLessThanOrEqual(65_536);
    expect(text.length).toBeGreaterThan(60_000);
    for (let i = 0; i < 40; i++) expect(text).toContain(`failed ${i} `);
    const shown = text.match(/^\|.*passed \d+/gm)?.length ?? 0;
    expect(text).toContain(`…and ${3000 - shown} more rows`);
    expect(text.match(/<details>/g)?.length).toBe(text.match(/<\/details>/g)?.length);
  });

  test("a step summary counts bytes and needs no marker", () => {
    const many = Array.from({ length: 9000 }, (_, i) => bare({ rule: `${"日本".repeat(30)} ${i}` }));
    const text = renderMarkdown(run(), verdict(many), { target: "step-summary" });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1024 * 1024);
    expect(Buffer.byteLength(text)).toBeGreaterThan(1_000_000);
    expect(text).toMatch(/^### /);
  });

  test("refuses a limit in which not even the head would fit", () => {
    expect(() => renderMarkdown(run(), verdict([]), { limit: 100 })).toThrow(
      expect.objectContaining({ code: "REPORT_LIMIT_INVALID" }),
    );
  });

  test("whatever the text: no markup, mention or link from outside, rows with all their cells, within the limit", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const tags = { [text]: text };
        const nasty = run({
          name: text,
          validity: { state: "degraded", reasons: [text] },
          revision: { commit: text, branch: text, dirty: true },
          measurements: [
            measurement(`${text}.time`, 20, { tags, notes: [text] }),
            { ...measurement(text, 3), unit: "count" },
          ],
          comparisons: [
            comparison(`${text}.time`, 1.1, { tags, baseline: { label: text } }),
            comparison(`other ${text}`, 1),
          ],
        });
        const judged = verdict(
          [finding({ metric: text, rule: text, message: text, tags, evidence: [text], recommendation: text })],
          {
            title: text,
            recommendations: [text],
          },
        );
        const output = renderMarkdown(nasty, judged, { limit: 12_000 });
        expect(output.length).toBeLessThanOrEqual(12_000);
        expect(output.isWellFormed()).toBe(true);
        expect(output.replace(ownTags, "")).not.toMatch(/[<>]/);
        expect(output.slice(output.indexOf("\n"))).not.toMatch(/@\w|(?:^|[\s(])#\d|https?:\/\/|www\.|\]\(/i);
        expect(output.match(/<!--/g)).toHaveLength(1);
        let cells = 0;
        for (const line of output.split("\n")) {
          if (!line.startsWith("|")) continue;
          const count = line.split("|").length;
          if (/^\| (?:\||what|case|metric|comparison)/.test(line) && !line.includes("<code>")) cells = count;
          expect(count).toBe(cells);
        }
      }),
      { numRuns: 120 },
    );
  });
});

describe("escapeMarkdown", () => {
  test("decoded, the text is what it was", () => {
    const decoded = escapeMarkdown("a|b `c` <d> @e #1 _f_")
      .replaceAll("&#8203;", "")
      .replace(/&#(\d+);/g, (_all, code) => String.fromCharCode(Number(code)));
    expect(decoded).toBe("a|b `c` <d> @e #1 _f_");
  });

  test("links and mentions are broken where they would be recognised", () => {
    expect(escapeMarkdown("@team")).toBe("&#64;&#8203;team");
    expect(escapeMarkdown("https://x.y WWW.x.y gh-12 #7")).toBe(
      "https:&#8203;//x.y WWW&#8203;.x.y gh&#8203;-12 &#35;&#8203;7",
    );
  });

  test("the bound holds for what is written, not for what was given", () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 1, max: 300 }), (text, most) => {
        expect(escapeMarkdown(text, most).length).toBeLessThanOrEqual(most);
      }),
    );
  });
});

describe("stickyMarker", () => {
  test("keeps a plain name, changes others so that they stay apart and inside the comment", () => {
    expect(stickyMarker("agents-mixed")).toBe("<!-- mettle:agents-mixed -->");
    expect(stickyMarker("a--b")).not.toBe(stickyMarker("a-b"));
    fc.assert(
      fc.property(hostile, (name) => {
        expect(stickyMarker(name)).toMatch(/^<!-- mettle:(?!.*--.*--)[A-Za-z0-9._/ -]+ -->$/);
      }),
    );
  });
});
