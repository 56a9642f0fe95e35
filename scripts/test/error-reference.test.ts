import { globSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { catalogues, errorRows } from "../error-reference.ts";

const root = new URL("../../", import.meta.url);
const rows = errorRows(readFileSync(new URL("docs/reference/errors.md", root), "utf8"));

describe("docs/reference/errors.md", () => {
  const listed = Object.entries(catalogues).flatMap(([name, definitions]) =>
    Object.entries(definitions).map(([code, { next, exitCode, retryable = false }]) => ({
      package: name,
      code,
      next,
      exitCode,
      retryable,
    })),
  );

  test("lists every code with its advice and exit code, and no code that is gone", () => {
    expect(rows.map((row) => ({ ...row, meaning: undefined }))).toEqual(listed);
  });

  test("says what each means", () => {
    expect(rows.filter(({ meaning }) => !/^[A-Z].{10,}\.$/.test(meaning))).toEqual([]);
  });

  test("a code belongs to one package", () => {
    const codes = listed.map(({ code }) => code);
    expect(codes.filter((code, i) => codes.indexOf(code) !== i)).toEqual([]);
  });
});

test("every catalogue of the sources is in the reference", () => {
  // Found in the text of the sources, so that a catalogue nobody listed here is found as well.
  const declared = globSync("packages/*/src/**/*.ts", { cwd: root }).flatMap((file) => {
    const source = readFileSync(new URL(file, root), "utf8");
    return [...source.matchAll(/defineErrors\(\{\n([\s\S]*?)\n\}\);/g)].flatMap(([, body = ""]) =>
      [...body.matchAll(/^ {2}([A-Z][A-Z0-9_]+): \{/gm)].map(([, code = ""]) => code),
    );
  });
  expect(declared.length).toBeGreaterThan(50);
  expect(declared.toSorted()).toEqual(rows.map(({ code }) => code).toSorted());
});
