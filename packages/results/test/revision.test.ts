import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { currentRevision, parseStatus } from "../src/revision.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const env = { PATH: process.env["PATH"], HOME: "/nonexistent", GIT_CONFIG_NOSYSTEM: "1" };
const git = (folder: string, ...words: string[]): string =>
  execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...words], {
    cwd: folder,
    env,
    encoding: "utf8",
  }).trim();

function repository(): string {
  const folder = temporaryFolder();
  git(folder, "init", "-q", "-b", "main");
  return folder;
}
function committed(): { folder: string; commit: string } {
  const folder = repository();
  writeFileSync(join(folder, "file"), "1");
  git(folder, "add", "file");
  git(folder, "commit", "-qm", "first");
  return { folder, commit: git(folder, "rev-parse", "HEAD") };
}

test("commit and branch, from a folder inside too", async () => {
  const { folder, commit } = committed();
  mkdirSync(join(folder, "deep", "er"), { recursive: true });
  expect(await currentRevision({ folder: join(folder, "deep", "er"), env })).toEqual({
    commit,
    branch: "main",
    dirty: false,
  });
});

test("dirty is about tracked files", async () => {
  const { folder } = committed();
  writeFileSync(join(folder, "untracked"), "");
  expect(await currentRevision({ folder, env })).toMatchObject({ dirty: false });
  writeFileSync(join(folder, "file"), "2");
  expect(await currentRevision({ folder, env })).toMatchObject({ dirty: true });
});

test("a detached checkout has the branch that CI names, or none", async () => {
  const { folder, commit } = committed();
  git(folder, "checkout", "-q", "--detach");
  expect(await currentRevision({ folder, env })).toEqual({ commit, dirty: false });
  const ci = { ...env, GITHUB_ACTIONS: "true", GITHUB_HEAD_REF: "feature" };
  expect(await currentRevision({ folder, env: ci })).toEqual({ commit, branch: "feature", dirty: false });
});

test("none outside a repository, before the first commit, or without git", async () => {
  expect(await currentRevision({ folder: temporaryFolder(), env })).toBeUndefined();
  expect(await currentRevision({ folder: repository(), env })).toBeUndefined();
  expect(await currentRevision({ folder: committed().folder, env: { PATH: "/nonexistent" } })).toBeUndefined();
});

test("a repository that git refuses is an error, not an absence", async () => {
  const { folder } = committed();
  rmSync(join(folder, ".git", "HEAD"));
  await expect(currentRevision({ folder, env })).rejects.toMatchObject({
    code: "REVISION_UNREADABLE",
    details: { folder },
  });
});

test("a program named in the repository's settings is not run", async () => {
  const { folder } = committed();
  const trap = join(folder, "trap.sh");
  writeFileSync(trap, `#!/bin/sh\ntouch ${join(folder, "sprung")}\n`, { mode: 0o755 });
  git(folder, "config", "core.fsmonitor", trap);
  await currentRevision({ folder, env });
  expect(() => execFileSync("ls", [join(folder, "sprung")], { stdio: "pipe" })).toThrow();
});

test("a branch named like a header is no header", () => {
  const status = "# branch.oid abc\n# branch.head branch.oid\n1 .M N... 100644 100644 100644 a b file\n";
  expect(parseStatus(status, {})).toEqual({ commit: "abc", branch: "branch.oid", dirty: true });
});
