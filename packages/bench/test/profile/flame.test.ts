import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type FlameNode,
  flameTree,
  profileTotalsText,
  topFunctions,
  type WeightedNode,
} from "../../src/profile/flame.ts";

const node = (functionName: string, self: number, children: WeightedNode[] = []): WeightedNode => ({
  callFrame: { functionName, url: functionName.startsWith("(") ? "" : "file:///a.js", lineNumber: 4, columnNumber: 9 },
  self,
  children,
});

const root = node("(root)", 0, [
  node("main", 10, [node("work", 50, [node("main", 5, [node("work", 15)])]), node("work", 20), node("unused", 0)]),
  node("(idle)", 150),
]);

describe("flameTree", () => {
  test("adds up from the leaves, merges a function listed twice, drops what weighs nothing", () => {
    const flame = flameTree(root);
    expect(flame).toMatchObject({ name: "(root)", self: 0, total: 250 });
    expect(flame.children.map(({ name }) => name)).toEqual(["(idle)", "main"]);
    const main = flame.children[1];
    expect(main).toMatchObject({ location: "file:///a.js:5:10", self: 10, total: 100 });
    expect(main?.children).toHaveLength(1);
    expect(main?.children[0]).toMatchObject({ name: "work", self: 70, total: 90 });
  });

  test("loses no weight, whatever the tree", () => {
    const name = fc.constantFrom("a", "b", "c");
    const { tree } = fc.letrec<{ tree: WeightedNode; children: WeightedNode[] }>((tie) => ({
      children: fc.oneof({ maxDepth: 4 }, fc.constant<WeightedNode[]>([]), fc.array(tie("tree"), { maxLength: 3 })),
      tree: fc.tuple(name, fc.nat(1000), tie("children")).map((parts) => node(...parts)),
    }));
    const weight = (at: WeightedNode): number => at.children.reduce((sum, child) => sum + weight(child), at.self);
    const consistent = (at: FlameNode): boolean =>
      at.total === at.children.reduce((sum, child) => sum + child.total, at.self) && at.children.every(consistent);
    fc.assert(
      fc.property(tree, (tree) => {
        const flame = flameTree(node("(root)", 0, [tree]));
        expect(flame.total).toBe(weight(tree));
        expect(consistent(flame)).toBe(true);
        expect(topFunctions(flame).reduce((sum, { self }) => sum + self, 0)).toBe(flame.total);
      }),
    );
  });
});

test("a recursive function's total counts once", () => {
  const totals = Object.fromEntries(topFunctions(flameTree(root)).map((entry) => [entry.name, entry]));
  expect(totals["main"]).toMatchObject({ self: 15, total: 100 });
  expect(totals["work"]).toMatchObject({ self: 85, total: 90, selfShare: 0.34 });
  expect(topFunctions(flameTree(root), 1).map(({ name }) => name)).toEqual(["(idle)"]);
});

test("what is ours is one line, whatever it is called", () => {
  const own = (functionName: string, self: number, children: WeightedNode[] = []): WeightedNode => ({
    callFrame: {
      functionName,
      url: new URL("../../src/driver.ts", import.meta.url).href,
      lineNumber: 1,
      columnNumber: 1,
    },
    self,
    children,
  });
  const batch = {
    callFrame: { functionName: "batch", url: "", lineNumber: 0, columnNumber: 0 },
    self: 3,
    children: [],
  };
  const tree = flameTree(
    node("(root)", 0, [own("runFor", 2, [{ ...batch, children: [own("call", 1, [node("work", 94)])] }])]),
  );
  expect(topFunctions(tree)).toMatchObject([
    { name: "work", self: 94, selfShare: 0.94 },
    { name: "(harness)", self: 6, total: 100 },
  ]);
  expect(topFunctions(tree)[1]).not.toHaveProperty("location");
});

test("totals as text", () => {
  expect(profileTotalsText("lookup", flameTree(root), "ns", 2)).toBe(
    [
      "lookup: 250 ns in 3 functions",
      "",
      "      self       share       total  function",
      "    150 ns      60.0 %      150 ns  (idle)",
      "   85.0 ns      34.0 %     90.0 ns  work  file:///a.js:5:10",
      "… and 1 more",
      "",
    ].join("\n"),
  );
});
