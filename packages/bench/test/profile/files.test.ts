import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { safeFileName, writeProfileFiles } from "../../src/profile/files.ts";

test("a title that is a file name stays one", () => {
  expect(safeFileName("zero_copy-64.b")).toBe("zero_copy-64.b");
});

test.each([
  "../../etc/passwd",
  "Fast path / state query",
  "con",
  "nul.txt",
  "",
  "…",
  "a".repeat(500),
  "-rf",
  ".hidden",
])("%j becomes a safe name", (title) => {
  const name = safeFileName(title);
  expect(name).toMatch(/^[a-z0-9][a-z0-9._-]*$/);
  expect(name.length).toBeLessThan(100);
  expect(name).toMatch(/[0-9a-f]{8}$/);
});

test("different titles never share a name, letter case ignored", () => {
  const title = fc.string({ unit: "grapheme", maxLength: 12 });
  fc.assert(
    fc.property(title, title, (a, b) => {
      fc.pre(a !== b);
      expect(safeFileName(a).toLowerCase()).not.toBe(safeFileName(b).toLowerCase());
    }),
  );
});

test("profile and totals are written beside each other (S1-033)", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mettle-test-"));
  const files = await writeProfileFiles(join(folder, "profiles"), "fast_path", "cpuprofile", { nodes: [] }, "totals\n");
  expect(files.totals).toBe(join(folder, "profiles", "fast_path_profile.txt"));
  expect(readFileSync(files.totals, "utf8")).toBe("totals\n");
  expect(JSON.parse(readFileSync(files.profile, "utf8"))).toEqual({ nodes: [] });
  rmSync(folder, { recursive: true });
});
