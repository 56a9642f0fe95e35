import { judge } from "@mettle/judge";
import { createCanvas, loadImage } from "@napi-rs/canvas";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { pageStyle } from "../../src/html/page.ts";
import { renderHtml } from "../../src/html/render-html.ts";
import { readMarkup, walk } from "../../src/png/markup-tree.ts";
import { chartNamed, pageCharts } from "../../src/png/page-charts.ts";
import { renderPng } from "../../src/png/render-png.ts";
import { absolutePath, type SceneShape, sceneOf } from "../../src/png/scene.ts";
import { StyleSheet } from "../../src/png/style-sheet.ts";
import { sampleRun, sampleVerdict } from "../builders.ts";
import { loadRun } from "../html/load-run.ts";

const shop = loadRun({ seconds: 20, operations: ["search", "checkout"] });
const policy = { thresholds: { "http_req_response_time{name:checkout,scenario:s-1}": ["p(95) < 25ms"] } };
const charts = pageCharts(renderHtml(shop, judge(shop, { policy })));
const throughput = chartNamed(charts, "Requests per second");
const latency = chartNamed(charts, "checkout-response-time-over-the-run");
const asItIs = { x: 0, y: 0, scaleX: 1, scaleY: 1 };

describe("a style sheet, as far as drawings need it", () => {
  const [element, svg, figure] = ["path", "svg", "figure"].map((name) => ({ name, attributes: {}, children: [] }));
  const style = (text: string, classes: string = "line high"): Readonly<Record<string, string>> =>
    new StyleSheet(text, "light").style({ ...element!, attributes: { class: classes } }, [svg!, figure!]);

  test("more classes win, then names, then what comes later", () => {
    expect(style(".line { fill: a; } .line.high { fill: b; } path.line { fill: c; }")["fill"]).toBe("b");
    expect(style("path { fill: a; } .line { fill: b; } .line { fill: c; }")["fill"]).toBe("c");
    expect(style("figure path { fill: a; } svg > path { stroke: b; } figure > path { fill: c; }")).toEqual({
      fill: "a",
      stroke: "b",
    });
  });

  test("variables are those of the theme; media and pseudo-classes are no rules for a picture", () => {
    const text =
      ':root { --bad: red; } :root[data-theme="dark"] { --bad: pink; } .line { stroke: var(--bad); } .line:hover { fill: x; } @media print { .line { fill: y; } .line { fill: z; } }';
    expect(style(text)).toEqual({ stroke: "red" });
    expect(new StyleSheet(text, "dark").resolve("var(--bad)")).toBe("pink");
  });

  test("every colour that charts of the page use is known in both themes", () => {
    for (const theme of ["light", "dark"] as const) {
      const sheet = new StyleSheet(pageStyle(), theme);
      for (const [, name = ""] of pageStyle().matchAll(/(?:fill|stroke): var\((--[\w-]+)\)/g))
        expect(sheet.resolve(`var(${name})`), `${name} in ${theme}`).toMatch(/^#[0-9a-f]{3,8}$/);
    }
  });
});

describe("a drawing as a scene", () => {
  test("relative commands end where absolute ones do", () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: -99, max: 99 }), fc.integer({ min: -99, max: 99 })), {
      minLength: 1,
      maxLength: 9,
    });
    fc.assert(
      fc.property(steps, (moves) => {
        let [x, y] = [5, 7];
        const absolute = moves.map(([dx, dy]) => `L${(x += dx)} ${(y += dy)}`).join("");
        const relative = moves.map(([dx, dy]) => `l${dx}${dy < 0 ? "" : " "}${dy}`).join("");
        expect(absolutePath(`M5 7${relative}z`, asItIs)).toBe(`M5 7${absolute}Z`);
      }),
    );
    expect(absolutePath("M1 2h3v4H0V0z", { x: 10, y: 20, scaleX: 2, scaleY: 3 })).toBe(
      "M12 26L18 26L18 38L10 38L10 20Z",
    );
  });

  test("knows every element that charts are made of, and keeps lines as wide where drawings are stretched", () => {
    const all = [...charts, ...pageCharts(renderHtml(sampleRun(), sampleVerdict()))];
    const names = new Set(all.flatMap(({ svg }) => [...walk(svg)].map(({ element }) => element.name)));
    expect(
      [...names].filter((name) => !["svg", "g", "path", "line", "rect", "circle", "text", "title"].includes(name)),
    ).toEqual([]);
    const { items, width, height } = sceneOf(latency.svg, new StyleSheet(pageStyle(), "light"), 2);
    expect([width, height]).toEqual([1200, 316]);
    const limit = items.find((item): item is SceneShape => item.kind === "shape" && item.stroke === "#b3261e");
    expect(limit?.strokeWidth).toBe(2.6);
    expect(items.some((item) => item.kind === "text" && item.text === "limit 25 ms" && item.fill === "#b3261e")).toBe(
      true,
    );
  });
});

describe("a chart as a picture", () => {
  async function pixels(png: Uint8Array): Promise<{
    readonly width: number;
    readonly height: number;
    at(x: number, y: number): string;
    count(color: string): number;
  }> {
    const image = await loadImage(Buffer.from(png));
    const context = createCanvas(image.width, image.height).getContext("2d");
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, image.width, image.height);
    const color = (i: number): string =>
      `#${[0, 1, 2].map((k) => (data[i * 4 + k] ?? 0).toString(16).padStart(2, "0")).join("")}`;
    return {
      width: image.width,
      height: image.height,
      at: (x, y) => color(y * image.width + x),
      count: (wanted) =>
        Array.from({ length: image.width * image.height }, (_, i) => color(i)).filter((each) => each === wanted).length,
    };
  }

  test("has the size, the ground and the colours of the page, in both themes", async () => {
    const light = await pixels((await renderPng(throughput)).png);
    expect([light.width, light.height]).toEqual([(600 + 28) * 2, (158 + 28 + 24) * 2]);
    expect(light.at(2, 2)).toBe("#ffffff");
    // 20 requests a second fill the plot up to a known height: below it the area, above it the ground.
    expect(light.count("#c9dcef")).toBeGreaterThan(50_000);
    expect((await pixels((await renderPng(latency)).png)).count("#b3261e")).toBeGreaterThan(300);
    const dark = await pixels((await renderPng(throughput, { theme: "dark" })).png);
    expect(dark.at(2, 2)).toBe("#1c1c1b");
    expect(dark.count("#25405c")).toBeGreaterThan(50_000);
  });

  test("text is there where there is a font, and said to be missing where there is none", async () => {
    const { png, isWithoutText } = await renderPng(throughput);
    const picture = await pixels(png);
    expect(picture.count("#1c1c1a") > 50).toBe(!isWithoutText);
  });

  test("a font that cannot be read is said", async () => {
    await expect(renderPng(throughput, { font: "/nowhere.ttf" })).rejects.toMatchObject({
      code: "REPORT_PNG_UNAVAILABLE",
    });
  });

  test("every chart of a run can be one", async () => {
    for (const chart of charts)
      expect((await renderPng(chart, { scale: 1 })).png.length, chart.title).toBeGreaterThan(1000);
  });
});

test("markup that a browser would repair is not repaired here", () => {
  expect(() => readMarkup("</svg>")).toThrow("ends");
});
