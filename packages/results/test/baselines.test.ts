import { readdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { MettleError } from "@mettle/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Baselines } from "../src/baselines.ts";
import { exampleRun, runWith } from "./example-run.ts";
import { temporaryFolder } from "./temporary-folder.ts";

test("a baseline is a readable file by its name, and comes back (S0-008, S1-002, S1-009)", async () => {
  const folder = join(temporaryFolder(), ".mettle", "baselines");
  const baselines = new Baselines(folder);
  expect(await baselines.list()).toEqual([]);
  expect(await baselines.save("baseline_v1", exampleRun)).toBe(join(folder, "baseline_v1.json"));
  await baselines.save("feature/fast path", runWith());
  expect(await baselines.list()).toEqual(["baseline_v1", "feature/fast path"]);
  expect(await baselines.load("baseline_v1")).toEqual(exampleRun);
  expect(readdirSync(folder).sort()).toEqual(["baseline_v1.json", "feature%2Ffast path.json"]);
});

test("saving again replaces, deleting removes", async () => {
  const baselines = new Baselines(temporaryFolder());
  await baselines.save("main", runWith({ name: "old" }));
  await baselines.save("main", runWith({ name: "new" }));
  expect((await baselines.load("main")).name).toBe("new");
  await baselines.delete("main");
  expect(await baselines.list()).toEqual([]);
  await expect(baselines.delete("main")).rejects.toMatchObject({ code: "BASELINE_NOT_FOUND" });
});

test("a missing one is reported with those that there are", async () => {
  const baselines = new Baselines(temporaryFolder());
  await baselines.save("main", runWith());
  await expect(baselines.load("mian")).rejects.toMatchObject({
    code: "BASELINE_NOT_FOUND",
    details: { name: "mian", known: ["main"] },
  });
});

function pathOrCode(work: () => string): string {
  try {
    return work();
  } catch (refused) {
    if (refused instanceof MettleError) return refused.code;
    throw refused;
  }
}

test("no name leaves the folder, hides, or names a device; each has a file of its own", () => {
  const folder = "/base/lines";
  const baselines = new Baselines(folder);
  const names = fc.oneof(
    fc.string({ unit: "binary", maxLength: 30 }),
    fc.constantFrom(
      "../x",
      "..",
      ".",
      "/etc/passwd",
      "a/../../b",
      "..\\x",
      "C:\\x",
      "NUL",
      "con.txt",
      "%2e%2e",
      "-rf",
      "x.",
      ".git",
    ),
  );
  const owners = new Map<string, string>();
  fc.assert(
    fc.property(names, (name) => {
      const path = pathOrCode(() => baselines.pathOf(name));
      if (path === "BASELINE_NAME_INVALID") return;
      expect(dirname(resolve(path))).toBe(folder);
      expect(path.slice(folder.length + 1)).toMatch(/^(?!\.|(?:con|nul|prn|aux)\.)[\w\-+@ .%]+\.json$/i);
      expect(owners.get(path) ?? name).toBe(name);
      owners.set(path, name);
    }),
    { numRuns: 2000 },
  );
});

test.each(["", "  ", "a\0b", "\ud800", "x".repeat(300)])("%j names no baseline", async (name) => {
  const baselines = new Baselines(temporaryFolder());
  await expect(baselines.save(name, runWith())).rejects.toMatchObject({ code: "BASELINE_NAME_INVALID" });
  await expect(baselines.load(name)).rejects.toMatchObject({ code: "BASELINE_NAME_INVALID" });
});

test("odd names come back from the list as they were", async () => {
  const baselines = new Baselines(temporaryFolder());
  const names = ["../x", "50% off", "NUL", "größer", "𝒳", ".hidden", "dot."];
  for (const name of names) await baselines.save(name, runWith({ name }));
  expect(await baselines.list()).toEqual(names.toSorted());
  for (const name of names) expect((await baselines.load(name)).name).toBe(name);
});

test("names that differ only in case are refused, as some file systems take them for one", async () => {
  const baselines = new Baselines(temporaryFolder());
  await baselines.save("Main", runWith());
  await expect(baselines.save("main", runWith())).rejects.toMatchObject({ code: "BASELINE_NAME_INVALID" });
});

test("files that are no baselines are not listed", async () => {
  const folder = temporaryFolder();
  for (const name of ["README.md", ".x.json.tmp", "a%zz.json", "a%2e.json", `${"y".repeat(220)}.json`]) {
    writeFileSync(join(folder, name), "");
  }
  expect(await new Baselines(folder).list()).toEqual([]);
});
