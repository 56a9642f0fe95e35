import type { Comparison, Run } from "@mettle/results";
import { expect, test } from "vitest";
import { betweenBuilds } from "../src/run/judge-run.ts";

const judged = (tags: Record<string, string>, baseline: string, candidate: string): number => {
  const comparison = { tags, baseline: { label: baseline }, candidate: { label: candidate } } as unknown as Comparison;
  return betweenBuilds({ comparisons: [comparison] } as unknown as Run).length;
};

test("a folder without git is another build, whatever the case is called", () => {
  expect(judged({ case: "work" }, "../other", "work tree")).toBe(1);
  expect(judged({ case: "w" }, "../other", "work tree")).toBe(1);
});

test("two cases of one suite are not two builds", () => {
  expect(judged({ case: "map" }, "loop", "map")).toBe(0);
  expect(judged({ suite: "sum", case: "map", n: "10" }, "sum > loop (n=10)", "sum > map (n=10)")).toBe(0);
});
