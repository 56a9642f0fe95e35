import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderFlameGraph } from "../src/flame-graph.ts";
import type { FlameNode } from "../src/flame-layout.ts";
import { renderFlamePage } from "../src/html/render-flame.ts";
import { readPage } from "./html/page-text.ts";
import { hostile } from "./hostile.ts";
import { elementsNamed, parseXml } from "./xml.ts";

function node(name: string, self: number, children: readonly FlameNode[] = []): FlameNode {
  return { name, self, children, total: children.reduce((sum, { total }) => sum + total, self) };
}
const options = { title: "registry.bench.ts", unit: "ms" } as const;
const tree = node("(root)", 0, [node("main", 10, [node("lookup", 60), node("hash", 30)])]);

interface Rect {
  readonly title: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
}
function rects(svg: string): Rect[] {
  return elementsNamed(parseXml(svg), "g").map((group) => {
    const rect = group.children.find(({ name }) => name === "rect");
    return {
      title: group.children[0]?.text ?? "",
      x: Number(rect?.attributes["x"]),
      y: Number(rect?.attributes["y"]),
      width: Number(rect?.attributes["width"]),
    };
  });
}

describe("renderFlameGraph", () => {
  test("a box is as wide as its share and lies under its caller; tooltips have the figures", () => {
    const found = new Map(rects(renderFlameGraph(tree, options)).map((rect) => [rect.title.split("\n")[0], rect]));
    expect(found.get("lookup")?.width).toBeCloseTo(0.6 * 1200 - 0.5, 1);
    expect(found.get("hash")?.x).toBeCloseTo(0.6 * 1200, 1);
    expect((found.get("lookup")?.y ?? 0) - (found.get("main")?.y ?? 0)).toBe(18);
    expect(found.get("lookup")?.title).toBe("lookup\n60.0 ms, 60.0 %; itself 60.0 ms");
  });

  test("bytes are labelled as bytes, and themes need no script", () => {
    const svg = renderFlameGraph(node("root", 2048), { title: "heap", unit: "bytes" });
    expect(svg).toContain("2.05 kB in all");
    expect(svg).toContain("prefers-color-scheme:dark");
    expect(svg).not.toMatch(/<script|href|url\(|@import/);
  });

  test("counts what it leaves out", () => {
    const tiny = Array.from({ length: 50 }, (_, i) => node(`tiny${i}`, 0.001));
    const svg = renderFlameGraph(node("root", 1000, tiny), options);
    expect(svg).toContain("50 frames too small or too deep to draw");
    expect(rects(svg)).toHaveLength(1);
  });

  test("recursion 20 000 deep is drawn as far as it is readable", () => {
    let deep = node("leaf", 1);
    for (let i = 0; i < 20_000; i++) deep = node("recurse", 0, [deep]);
    const svg = renderFlameGraph(deep, options);
    expect(rects(svg)).toHaveLength(250);
    expect(svg).toContain("19751 frames");
    expect(readPage(renderFlamePage(deep, options)).section("profiles")).toContain("leaf 1.00 ms 100 %");
  });

  test.each([
    ["children above their parent", { name: "a", self: 0, total: 1, children: [node("b", 2)] }],
    ["negative self", { name: "a", self: -1, total: -1, children: [] }],
    ["not a number", { name: "a", self: Number.NaN, total: Number.NaN, children: [] }],
  ])("refuses %s", (_what, broken) => {
    expect(() => renderFlameGraph(node("root", 0, [broken]), options)).toThrow(
      expect.objectContaining({ code: "FLAME_TREE_INVALID" }),
    );
  });

  test("a profile of nothing is a graph of nothing", () => {
    expect(rects(renderFlameGraph(node("root", 0), options))).toHaveLength(1);
  });

  test("the page sums a function over its callers", () => {
    const page = renderFlamePage(
      node("root", 0, [node("a", 1, [node("hot", 5)]), node("b", 1, [node("hot", 7)])]),
      options,
    );
    expect(readPage(page).section("profiles")).toContain("hot 12.0 ms 85.7 %");
    expect(readPage(page).firstScreen).toContain("PROFILE 85.7 % of 14.0 ms in hot");
  });

  test("siblings never overlap and stay within their caller, for any tree", () => {
    const weights = fc.double({ min: 0, max: 10, noNaN: true });
    const { tree: trees } = fc.letrec<{ tree: FlameNode }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        weights.map((self) => node("f", self)),
        fc.tuple(weights, fc.array(tie("tree"), { maxLength: 4 })).map(([self, children]) => node("f", self, children)),
      ),
    }));
    fc.assert(
      fc.property(trees, (any) => {
        const byRow = Map.groupBy(rects(renderFlameGraph(any, options)), ({ y }) => y);
        for (const row of byRow.values()) {
          const ordered = row.toSorted((a, b) => a.x - b.x);
          const ends = ordered.map(({ x, width }) => x + width);
          const limits = [...ordered.slice(1).map(({ x }) => x), 1200];
          for (const [i, end] of ends.entries()) expect(end).toBeLessThanOrEqual((limits[i] ?? 0) + 0.5);
        }
      }),
    );
  });

  test("well-formed whatever the names", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const named: FlameNode = { ...node(text, 3), location: text };
        const titles = rects(renderFlameGraph(node("root", 1, [named]), { title: text, unit: "ms" }));
        expect(titles).toHaveLength(2);
        const page = readPage(renderFlamePage(node("root", 1, [named]), { title: text, unit: "ms" }));
        expect(page.structure.filter((element) => element.startsWith("script"))).toHaveLength(2);
        expect(page.structure.filter((element) => element === "g")).toHaveLength(2);
      }),
      { numRuns: 150 },
    );
  });
});
