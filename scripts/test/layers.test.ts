import { expect, test } from "vitest";
import { problemsOf, type Seen } from "../layers.ts";

const file = (name: string): string => `packages/${name}.ts`;
const clean: Seen = {
  modules: [file("core/src/index"), file("stats/src/index")],
  dependencies: [{ from: file("stats/src/index"), to: file("core/src/index") }],
  violations: [],
};

test("a cruise that read every file and found no violation has no problem", () => {
  expect(problemsOf(clean, clean.modules)).toEqual([]);
});

test("violations are named with both ends", () => {
  const violations = [{ rule: "layer-core", from: file("core/src/a"), to: file("stats/src/b") }];
  expect(problemsOf({ ...clean, violations }, clean.modules)).toEqual([
    "layer-core: packages/core/src/a.ts → packages/stats/src/b.ts",
  ]);
});

test("a cruise that saw nothing, or less than there is, fails", () => {
  expect(problemsOf({ modules: [], dependencies: [], violations: [] }, [])).toHaveLength(2);
  expect(problemsOf(clean, [...clean.modules, file("judge/src/index")])).toEqual([
    "not read: packages/judge/src/index.ts",
  ]);
  expect(problemsOf({ ...clean, dependencies: [] }, clean.modules)).toHaveLength(1);
});
