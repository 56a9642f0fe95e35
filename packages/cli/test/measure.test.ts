import { expect, test } from "vitest";
import { withPathsFrom } from "../src/run/measure.ts";

test("progress names files as they are seen from the current folder", () => {
  const [cwd, file] = ["/work", "/work/a/b.bench.ts"];
  expect(withPathsFrom(cwd, { kind: "plan", files: [file] })).toEqual({ kind: "plan", files: ["a/b.bench.ts"] });
  const failure = { case: "x", kind: "threw", message: "no" };
  expect(withPathsFrom(cwd, { kind: "failure", file, failure })).toEqual({
    kind: "failure",
    file: "a/b.bench.ts",
    failure,
  });
  expect(withPathsFrom(cwd, { kind: "note", text: file })).toEqual({ kind: "note", text: file });
});
