import { judge } from "@mettle/judge";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderHtml } from "../../src/html/render-html.ts";
import { markupText } from "../../src/markup.ts";
import { readMarkup, textWithin, walk } from "../../src/png/markup-tree.ts";
import { chartNamed, pageCharts } from "../../src/png/page-charts.ts";
import { visibleText } from "../../src/text/visible.ts";
import { hostile } from "../hostile.ts";
import { loadRun } from "../html/load-run.ts";

const shop = loadRun({ seconds: 20, operations: ["search", "checkout"] });
const page = renderHtml(shop, judge(shop), { baseline: shop });
const charts = pageCharts(page);

describe("charts of a page", () => {
  test("all of them are found, each with a title and a file name of its own", () => {
    expect(charts).toHaveLength(page.match(/<figure class="chart/g)?.length ?? 0);
    expect(charts.length).toBeGreaterThan(8);
    expect(new Set(charts.map(({ title }) => title)).size).toBe(charts.length);
    expect(new Set(charts.map(({ name }) => name)).size).toBe(charts.length);
    for (const { name } of charts) expect(name).toMatch(/^[a-z0-9][a-z0-9-]*$/);
  });

  test("is named by its title, a part of it, or its file", () => {
    expect(chartNamed(charts, "Requests per second").title).toBe("Requests per second");
    expect(chartNamed(charts, "distribution (checkout)").title).toBe("Distribution (checkout)");
    expect(chartNamed(charts, "requests-per").title).toBe("Requests per second");
  });

  test("none and several are told with what there is", () => {
    const unknown = (name: string): object =>
      expect.objectContaining({
        code: "REPORT_CHART_UNKNOWN",
        next: expect.stringContaining(name) as string,
      }) as object;
    expect(() => chartNamed(charts, "nothing")).toThrow(unknown("Requests per second"));
    expect(() => chartNamed(charts, "distribution")).toThrow(unknown("Distribution (search); Distribution (checkout)"));
    expect(() => chartNamed([], "x")).toThrow(unknown("no charts"));
  });
});

describe("markup of our own", () => {
  test("any text that went in comes out", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const tree = readMarkup(`<p title="${markupText(text)}"><b>${markupText(text)}</b></p>`);
        const [p] = [...walk(tree)];
        expect(p?.element.attributes["title"]).toBe(visibleText(text).replaceAll(/[\ufffe\uffff]/g, "\ufffd"));
        expect(textWithin(tree)).toBe(p?.element.attributes["title"]);
      }),
      { numRuns: 200 },
    );
  });

  test("what is not well-formed is refused", () => {
    expect(() => readMarkup("<p><b></p>")).toThrow("</p> ends <b>");
  });
});
