import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const entry = new URL("../src/browser/live-page.ts", import.meta.url);
const packages: Readonly<Record<string, URL>> = {
  "@mettle/core": new URL("../../core/src/index.ts", import.meta.url),
  "@mettle/report": new URL("../../report/src/charts.ts", import.meta.url),
};

/** Everything that loading a module loads, by the text of the sources: types vanish, all else stays. */
function closure(from: URL, seen: Map<string, readonly string[]> = new Map()): Map<string, readonly string[]> {
  if (seen.has(from.href)) return seen;
  const text = readFileSync(from, "utf8");
  const statements = [...text.matchAll(/^(?:import|export) (?!type )[^;]*?from "([^"]+)";/gm)];
  const names = statements
    .filter(([all]) => !/^(?:import|export) \{(?:\s*type [^,}]+,?)+\s*\}/.test(all))
    .map(([, name = ""]) => name);
  seen.set(from.href, names);
  for (const name of names) {
    const next = name.startsWith(".") ? new URL(name, from) : packages[name];
    if (next) closure(next, seen);
  }
  return seen;
}

describe("what the live page loads", () => {
  const loaded = closure(entry);

  test("needs no Node and no package that the page has no address for", () => {
    const strange = [...loaded].flatMap(([file, names]) =>
      names.filter((name) => !name.startsWith(".") && !(name in packages)).map((name) => `${file}: ${name}`),
    );
    expect(strange).toEqual([]);
  });

  test("is there, and is the renderer of the report", () => {
    for (const file of loaded.keys()) expect(existsSync(fileURLToPath(file)), file).toBe(true);
    expect([...loaded.keys()].some((file) => file.endsWith("report/src/html/charts/time-chart.ts"))).toBe(true);
  });
});
