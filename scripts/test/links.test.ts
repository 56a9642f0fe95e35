import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const pages = globSync(["*.md", "docs/**/*.md", "bench/**/*.md"], { cwd: root, exclude: ["**/node_modules/**"] });

test("every relative link of the documentation leads somewhere", () => {
  expect(pages.length).toBeGreaterThan(10);
  const broken = pages.flatMap((page) => {
    const links = [...readFileSync(join(root, page), "utf8").matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)];
    return links
      .filter(([, link = ""]) => !existsSync(join(root, dirname(page), link)))
      .map(([, link]) => `${page}: ${link}`);
  });
  expect(broken).toEqual([]);
});

test("every guide can be reached from the README", () => {
  const seen = new Set<string>(["README.md"]);
  for (const page of seen) {
    for (const [, link = ""] of readFileSync(join(root, page), "utf8").matchAll(/\]\((?!https?:|#)([^)#\s]+\.md)/g)) {
      seen.add(join(dirname(page), link));
    }
  }
  expect(pages.filter((page) => page.startsWith("docs/") && !seen.has(page))).toEqual([]);
});
