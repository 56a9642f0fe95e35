import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { readRun } from "@mettle/results";
import { expect, test } from "vitest";
import { Project, quick } from "./project.ts";

const source = (turns: number): string =>
  `export const work = () => { let x = 1; for (let i = 0; i < ${turns}; i++) x = (Math.imul(x, 1664525) + i) | 0; return x; };\n`;
const file = `import { bench } from "mettle"; import { work } from "./work.js"; bench("work", () => work());`;

function repository(): Project {
  const project = new Project({
    "work.js": source(4000),
    "work.bench.js": file,
    ".gitignore": "mettle-out\n.mettle\n",
  });
  const git = (...args: string[]): void => {
    const identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
    execFileSync("git", [...identity, ...args], { cwd: project.folder, stdio: "ignore" });
  };
  git("init", "--initial-branch=main");
  git("add", "-A");
  git("commit", "-m", "first");
  return project;
}

test("--against a revision: a slower work tree is a regression, exit 4 by policy; the same code is none", async () => {
  using project = repository();
  project.write(
    "mettle.config.ts",
    "export default { against: { install: '', build: '' }, judge: { regressions: {} } };",
  );
  // Prepared revisions must not lie inside the repository.
  using elsewhere = new Project();
  const env = { TMPDIR: elsewhere.folder };
  // Not smoke: an interval over its four pairs is too wide to be sure of much.
  const args = ["bench", "--profile", "ci", "--seconds", "3", "--quiet", "--no-memory", "--against", "main"];
  const same = await project.mettle(args, env);
  expect(same).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining("✗") as string });
  project.write("work.js", source(6000));
  const slower = await project.mettle(args, env);
  expect(slower.exitCode).toBe(4);
  expect(slower.stdout).toContain("regression");
  const run = await readRun(project.path("mettle-out/run.json"));
  expect(run.comparisons?.[0]).toMatchObject({ outcome: "worse", candidate: { revision: { dirty: true } } });
  expect(run.comparisons?.[0]?.ratio).toBeGreaterThan(1.3);
  const unknown = await project.mettle(["bench", "--against", "no-such-branch", "--quiet"], env);
  expect(unknown).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("REVISION_UNKNOWN") as string });
});

test("a baseline of a dirty tree is saved with a warning; one from another machine is compared with a warning", async () => {
  using project = repository();
  project.write("work.js", source(4001));
  const saved = await project.mettle(["bench", ...quick, "--save", "dirty"]);
  expect(saved.exitCode).toBe(0);
  expect(saved.stderr).toMatch(/! Baseline "dirty" holds local changes/);
  const path = project.path(".mettle/baselines/dirty.json");
  const run = await readRun(path);
  const elsewhere = {
    ...run,
    environment: { ...run.environment, cpu: { ...run.environment.cpu, model: "Another CPU" } },
  };
  writeFileSync(path, JSON.stringify(elsewhere));
  const compared = await project.mettle(["bench", ...quick, "--compare", "dirty"]);
  expect(compared.stderr).toMatch(/! The baseline "dirty" was measured under other conditions \(.*Another CPU/);
  expect(readFileSync(project.path("mettle-out/summary.md"), "utf8")).toContain("work");
});
