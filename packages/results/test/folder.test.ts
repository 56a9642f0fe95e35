import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import * as promises from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeFolder, makeFolderSync } from "../src/folder.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const both = [
  ["makeFolder", (path: string) => makeFolder(path)],
  ["makeFolderSync", async (path: string) => makeFolderSync(path)],
] as const;

test.each(both)("%s makes what is missing, and is content with what is there", async (_, make) => {
  const path = join(temporaryFolder(), "a", "b", "c");
  await make(path);
  await make(path);
  expect(statSync(path).isDirectory()).toBe(true);
});

test.each(both)("%s refuses where a file is in the way", async (_, make) => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "file"), "");
  await expect(make(join(folder, "file"))).rejects.toMatchObject({ code: "EEXIST" });
  await expect(make(join(folder, "file", "below"))).rejects.toMatchObject({ code: "ENOTDIR" });
});

// Node's mkdir with `recursive` does not return from this.
test.runIf(existsSync("/proc/self")).each(both)(
  "%s gives up on a file system that makes no folders",
  async (_, make) => {
    await expect(make("/proc/nope")).rejects.toMatchObject({ code: "ENOENT" });
    await expect(make("/proc/nope/below/it")).rejects.toMatchObject({ code: "ENOENT" });
  },
);

test("another process that makes the folder first is no fault", async () => {
  const path = join(temporaryFolder(), "a", "b");
  let calls = 0;
  const mkdir = ((folder: string) => {
    calls++;
    // It is there by the time of the second try.
    if (calls === 3) mkdirSync(folder);
    return promises.mkdir(folder);
  }) as typeof promises.mkdir;
  await makeFolder(path, { mkdir, stat: promises.stat });
  expect(calls).toBe(3);
});

test("a mode is that of every folder made", async () => {
  const folder = temporaryFolder();
  await makeFolder(join(folder, "a", "b"), promises, 0o700);
  for (const name of ["a", join("a", "b")]) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o700);
});
