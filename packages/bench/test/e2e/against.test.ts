import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeRun } from "@mettle/results";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { benchAgainst } from "../../src/index.ts";

let folder: string;
let repository: string;
const git = (...args: string[]): string =>
  execFileSync("git", ["-c", "user.name=test", "-c", "user.email=test@example.org", ...args], {
    cwd: repository,
    encoding: "utf8",
  }).trim();
const write = (path: string, text: string): void => writeFileSync(join(repository, path), text);
const work = (rounds: number): string =>
  `export function work() { let sum = 0; for (let i = 0; i < ${rounds}; i++) sum += Math.sqrt(i); return sum; }\n`;

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "mettle-against-")));
  repository = join(folder, "repository");
  mkdirSync(repository);
  git("init", "--quiet", "--initial-branch=main");
  write("package.json", '{ "name": "subject", "type": "module" }\n');
  write("work.ts", work(2000));
  git("add", "-A");
  git("commit", "--quiet", "-m", "first");
  write("work.ts", `${work(4000)}export const added = () => 1;\n`);
  // The benchmarks are of this tree: the other revision never had them.
  write(
    "work.bench.ts",
    `import { bench, measure } from "@mettle/bench";
     import { work } from "./work.ts";
     bench("work", work);
     measure("size", () => 3, { iterations: 2, units: { value: { unit: "bytes", direction: "lower" } } });\n`,
  );
  write(
    "added.bench.ts",
    `import { bench } from "@mettle/bench";
     import { added } from "./work.ts";
     bench("added", added);\n`,
  );
  write(
    "fails-there.bench.ts",
    `import { bench } from "@mettle/bench";
     import * as work from "./work.ts";
     bench("good", work.work);
     bench("needs added", () => work["added"]());\n`,
  );
  // Late, in the middle of a relay: the other sides are waiting for their turn then.
  write(
    "stuck-there.bench.ts",
    `import { bench } from "@mettle/bench";
     import * as work from "./work.ts";
     let calls = 0;
     bench("good", work.work);
     bench("stuck", () => {
       work.work();
       if (!("added" in work) && ++calls > 3000) for (;;);
     }, { timeoutMs: 400, iterationsPerSample: 100 });
     bench("throws", () => {
       work.work();
       if (!("added" in work) && ++calls > 1500) throw new Error("worn out");
     }, { iterationsPerSample: 100 });\n`,
  );
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const compared = (file: string, against = "HEAD", processes = 4) =>
  benchAgainst({
    name: "test",
    against,
    files: [join(repository, file)],
    cwd: repository,
    plan: { secondsPerSuite: 0.5, minProcesses: processes, maxProcesses: processes, memory: false },
    seed: 1,
    install: "",
    build: "",
    cacheFolder: join(folder, "cache"),
  });

describe("benchAgainst", { timeout: 120_000 }, () => {
  test("compares each case with itself in the other revision", async () => {
    const { run, result } = await compared("work.bench.ts");
    encodeRun(run);
    expect(result.problems).toEqual([]);
    expect(result.comparisons).toHaveLength(1);
    const [comparison] = result.comparisons;
    const commit = git("rev-parse", "HEAD");
    expect(comparison).toMatchObject({
      metric: "work.time",
      baseline: { label: `HEAD@${commit.slice(0, 7)}`, revision: { commit, dirty: false } },
      candidate: { label: `work tree@${commit.slice(0, 7)} (dirty)`, revision: { commit, dirty: true } },
      pairs: 4,
    });
    expect(comparison?.logRatios).toHaveLength(4);
    for (const ratio of comparison?.logRatios ?? []) expect(Number.isFinite(ratio)).toBe(true);
    expect(["worse", "better", "same", "undecided"]).toContain(comparison?.outcome);
    expect(comparison?.selfCheck?.low).toBeLessThanOrEqual(comparison?.selfCheck?.high ?? Number.NaN);
    expect(run.revision).toMatchObject({ commit, dirty: true });
    // What a body records is the candidate's own.
    const size = result.measurements.find(({ metric }) => metric === "size.value");
    expect(size?.summary).toMatchObject({ min: 3, max: 3 });
    expect(size?.unit).toBe("bytes");
  });

  test("a file that the baseline cannot load is a problem that names the baseline", async () => {
    const { run, result } = await compared("added.bench.ts", "HEAD", 2);
    encodeRun(run);
    expect(result.comparisons).toEqual([]);
    expect(result.problems).toHaveLength(1);
    expect(result.problems[0]).toMatchObject({ code: "BENCH_FILE_FAILED" });
    expect(result.problems[0]?.message).toContain("in the baseline:");
    expect(result.problems[0]?.message).toContain("added");
  });

  test("a case that fails there is named with the baseline, and the others are compared", async () => {
    const { result } = await compared("fails-there.bench.ts");
    expect(result.problems.map(({ code }) => code)).toEqual(["BENCH_BODY_FAILED"]);
    expect(result.problems[0]?.message).toMatch(/^"needs added": in the baseline: /);
    expect(result.comparisons.map(({ metric }) => metric)).toEqual(["good.time"]);
  });

  test("a case that ends a relay in its middle is named, whether it throws or never settles", async () => {
    const { result } = await compared("stuck-there.bench.ts");
    expect(result.problems.map(({ code }) => code).toSorted()).toEqual(["BENCH_BODY_FAILED", "BENCH_TIMEOUT"]);
    for (const { message } of result.problems) expect(message).toMatch(/^"(stuck|throws)": in the baseline: /);
    expect(result.comparisons.map(({ metric }) => metric)).toEqual(["good.time"]);
  });

  test("an unknown revision, and a file outside, are refused before anything is measured", async () => {
    await expect(compared("work.bench.ts", "no-such-branch")).rejects.toMatchObject({ code: "REVISION_UNKNOWN" });
    await expect(compared("../outside.bench.ts")).rejects.toMatchObject({ code: "BENCH_OPTIONS_INVALID" });
  });
});
