import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Response } from "../../src/k6/http/response.ts";
import { makeModule, provide, providedModules, refusedModules } from "../../src/k6/modules/registry.ts";
import { k6Flags } from "../../src/k6/options/flags.ts";
import { resolveOptions } from "../../src/k6/options/resolve.ts";
import { consoleHost } from "../../src/k6/runtime/host.ts";
import { ThreadShare } from "../../src/k6/runtime/thread-share.ts";
import { UserContext } from "../../src/k6/runtime/user-context.ts";

const text = readFileSync(new URL("../../../../docs/k6.md", import.meta.url), "utf8");

/** Rows of the table below a heading: the code in the first cell, and the other cells. */
function table(heading: string): readonly { name: string; cells: readonly string[] }[] {
  const start = text.indexOf(`\n### ${heading}\n`);
  if (start < 0) throw new Error(`docs/k6.md has no section ${heading}`);
  const section = text.slice(start + 5, text.indexOf("\n#", start + 5));
  return section
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => {
      const [, first = "", ...cells] = line.split("|").map((cell) => cell.trim());
      return { name: first.replaceAll("`", ""), cells };
    });
}

const context = new UserContext(consoleHost, new ThreadShare("/script.js"), resolveOptions({}).options, {});
const membersOf = (name: string): string[] =>
  Object.keys(makeModule(name, context, true)).filter((member) => member !== "default");

describe("docs/k6.md tells of every member of every module, and of none that is not there", () => {
  test.each(providedModules)("%s", (name) => {
    const rows = table(`\`${name}\``);
    expect(rows.map((row) => row.name).toSorted()).toEqual(membersOf(name).toSorted());
    for (const { cells } of rows) expect(cells[0]).toMatch(/^(works|differs)$/);
    // What differs says how.
    expect(rows.filter(({ cells: [state, how] }) => state === "differs" && (how ?? "").length < 5)).toEqual([]);
  });

  test("no section is of a module that is not provided", () => {
    const headings = [...text.matchAll(/^### `((?:k6|jslib)[^`]*)`$/gm)].map(([, name]) => name);
    expect(headings.toSorted()).toEqual([...providedModules].toSorted());
  });

  test("Response", () => {
    const own = ["status", "url", "error", "error_code"];
    const members = Object.getOwnPropertyNames(Response.prototype).filter((name) => name !== "constructor");
    expect(
      table("`Response`")
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual([...own, ...members].toSorted());
  });

  test("refused modules", () => {
    expect(table("Refused modules").map(({ name }) => name)).toEqual(Object.keys(refusedModules));
  });
});

test("a name of the tables is what scripts import", () => {
  for (const name of providedModules) {
    const specifier = name.replace(/^jslib:(.*)$/, "https://jslib.k6.io/$1/1.0.0/index.js");
    const provided = provide(specifier, () => context);
    expect(provided?.name).toBe(name);
    const exports = provided && "exports" in provided.module ? [...provided.module.exports] : [];
    expect(exports.toSorted()).toEqual(membersOf(name).toSorted());
  }
});

test("every flag that k6's parser takes is in the list of flags", () => {
  const listed = new Set([...text.matchAll(/--([a-z][a-z0-9-]*)/g)].map(([, name]) => name));
  const unlisted = Object.keys(k6Flags).filter((name) => !listed.has(name));
  // Of these docs/k6.md speaks as options, or under another name.
  expect(unlisted).toEqual(["paused", "linger", "no-color"]);
});
