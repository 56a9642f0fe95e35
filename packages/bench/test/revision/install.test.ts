import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { childEnvironment, describeCommand } from "../../src/revision/command.ts";
import { isInside, planSteps, type Step } from "../../src/revision/install.ts";

let top: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), "mettle-test-"));
});
afterEach(() => rmSync(top, { recursive: true }));

const put = (files: Record<string, unknown>): void => {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(top, path)), { recursive: true });
    writeFileSync(join(top, path), typeof content === "string" ? content : JSON.stringify(content));
  }
};
const text = (step: Step | undefined): string | undefined => step && describeCommand(step.command);
const withDependency = { dependencies: { a: "1" }, scripts: { build: "tsc" } };

describe("planSteps", () => {
  test.each([
    ["package-lock.json", "{}", "npm ci --no-audit --no-fund", "npm run build"],
    ["pnpm-lock.yaml", "", "pnpm install --frozen-lockfile", "pnpm run build"],
    ["yarn.lock", "# yarn lockfile v1\n", "yarn install --frozen-lockfile", "yarn run build"],
    ["yarn.lock", "__metadata:\n  version: 8\n", "yarn install --immutable", "yarn run build"],
    ["bun.lock", "{}", "bun install --frozen-lockfile", "bun run build"],
  ])("%s with %j", (lockFile, content, install, build) => {
    put({ "package.json": withDependency, [lockFile]: content });
    const steps = planSteps(top, top);
    expect([text(steps.install), text(steps.build)]).toEqual([install, build]);
  });

  test("without a lock file none is written; without dependencies nothing is installed", () => {
    put({ "package.json": withDependency });
    expect(text(planSteps(top, top).install)).toBe("npm install --no-package-lock --no-audit --no-fund");
    put({ "package.json": { dependencies: {} }, "package-lock.json": "{}" });
    expect(planSteps(top, top)).toEqual({});
  });

  test("a workspace is installed and built at its root, a package of its own in itself", () => {
    put({
      "package.json": { workspaces: ["packages/*"], scripts: { build: "tsc -b" } },
      "package-lock.json": "{}",
      "packages/a/package.json": withDependency,
      "packages/own/package.json": withDependency,
      "packages/own/package-lock.json": "{}",
    });
    const a = planSteps(join(top, "packages/a"), top);
    expect([a.install?.folder, a.build?.folder]).toEqual([top, top]);
    const own = planSteps(join(top, "packages/own"), top);
    expect([own.install?.folder, own.build?.folder]).toEqual([join(top, "packages/own"), join(top, "packages/own")]);
  });

  test("lock files above the repository are not ours", () => {
    put({ "package-lock.json": "{}", "repository/package.json": withDependency });
    const repository = join(top, "repository");
    expect(planSteps(repository, repository).install?.folder).toBe(repository);
  });

  test("lines of the configuration replace what is found, empty ones take it away", () => {
    put({ "package.json": withDependency, "package-lock.json": "{}" });
    const steps = planSteps(top, top, { install: "make deps", build: " " });
    expect(steps).toEqual({ install: { command: { shell: "make deps" }, folder: top } });
  });
});

test("a child sees neither git's nor npm's idea of where we are, but npm's configuration", () => {
  const kept = { PATH: "/bin", npm_config_registry: "r", GIT_AUTHOR_NAME: "n" };
  const dropped = {
    GIT_DIR: ".git",
    GIT_INDEX_FILE: "i",
    npm_package_name: "p",
    npm_lifecycle_event: "test",
    INIT_CWD: "/",
  };
  expect(childEnvironment({ ...kept, ...dropped })).toEqual(kept);
});

test("inside is by folders, not by letters", () => {
  expect(isInside("/a/b", "/a")).toBe(true);
  expect(isInside("/a", "/a")).toBe(true);
  expect(isInside("/ab", "/a")).toBe(false);
  expect(isInside("/a/../c", "/a")).toBe(false);
  expect(isInside("/a/..b", "/a")).toBe(true);
});
