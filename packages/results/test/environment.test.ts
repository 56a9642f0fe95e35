import { ManualClock, ms } from "@mettle/core";
import { expect, test } from "vitest";
import { ciBranch, ciName, type EnvironmentVariables } from "../src/ci.ts";
import { containerLimits } from "../src/container-limits.ts";
import { captureEnvironment, compareEnvironments, environmentFingerprint, type Machine } from "../src/environment.ts";
import type { Environment, NoiseProbe } from "../src/run.ts";
import { readTextFile } from "../src/text-file.ts";
import { schemaProblems } from "../src/validate.ts";
import { exampleEnvironment, runWith } from "./example-run.ts";

const filesystem =
  (files: Readonly<Record<string, string>>) =>
  (path: string): string | undefined =>
    files[path];
const machine: Machine = {
  os: { platform: "linux", release: "6.1", arch: "x64" },
  cpus: [
    { model: " Example 3000 ", speed: 2900 },
    { model: " Example 3000 ", speed: 3100 },
  ],
  parallelism: 2,
  memoryBytes: 8e9,
  loadAverage1m: 0.5,
  node: { version: "v24.1.0", v8: "13.6", flags: ["--expose-gc"] },
};

test("this machine is captured, and fits the document", () => {
  const environment = captureEnvironment();
  expect(schemaProblems(runWith({ environment }))).toEqual([]);
  expect(environment.node.version).toBe(process.version);
  expect(environment.noise?.medianNs).toBeGreaterThan(1000);
});

test("what cannot be read is absent", () => {
  const environment = captureEnvironment({
    noiseProbe: false,
    env: {},
    read: filesystem({}),
    machine: { ...machine, cpus: [], loadAverage1m: undefined },
  });
  expect(Object.keys(environment).sort()).toEqual(["cpu", "fingerprint", "memoryBytes", "node", "os"]);
  expect(environment.cpu).toEqual({ model: "unknown", cores: 2 });
});

test("governor, CI and limits are captured where there are any", () => {
  const environment = captureEnvironment({
    noiseProbe: false,
    env: { CI: "true" },
    machine,
    read: filesystem({
      "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
      "/proc/self/cgroup": "0::/\n",
      "/sys/fs/cgroup/cpu.max": "150000 100000\n",
    }),
  });
  expect(environment).toMatchObject({
    governor: "powersave",
    ci: "CI",
    container: { cpus: 1.5 },
    cpu: { model: "Example 3000", cores: 2, mhz: 2900 },
  });
});

test("a clock that stands still measures no noise", () => {
  expect(captureEnvironment({ clock: new ManualClock(), machine }).noise).toBeUndefined();
});

const version2 = (files: Readonly<Record<string, string>>): Record<string, string> => ({
  "/proc/self/cgroup": "0::/kubepods/pod1/box\n",
  ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`/sys/fs/cgroup${name}`, text])),
});
const version1 = (files: Readonly<Record<string, string>>): Record<string, string> => ({
  "/proc/self/cgroup": "12:pids:/docker/x\n5:cpu,cpuacct:/docker/x\n4:memory:/docker/x\n1:name=systemd:/docker/x\n",
  ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`/sys/fs/cgroup${name}`, text])),
});

test.each<[string, Record<string, string>, Environment["container"]]>([
  ["no control groups", {}, undefined],
  ["version 2 without limits", version2({ "/cpu.max": "max 100000", "/kubepods/memory.max": "max" }), undefined],
  [
    "version 2: the tightest on the way to the root",
    version2({
      "/kubepods/pod1/box/cpu.max": "400000 100000",
      "/kubepods/pod1/cpu.max": "50000 100000",
      "/kubepods/pod1/box/memory.max": "536870912\n",
      "/kubepods/memory.max": "1073741824\n",
    }),
    { cpus: 0.5, memoryBytes: 536_870_912 },
  ],
  [
    "version 1, mounted under joined and single names",
    version1({
      "/cpu,cpuacct/docker/x/cpu.cfs_quota_us": "250000",
      "/cpu,cpuacct/docker/x/cpu.cfs_period_us": "100000",
      "/memory/memory.limit_in_bytes": "268435456",
    }),
    { cpus: 2.5, memoryBytes: 268_435_456 },
  ],
  [
    "version 1 without limits",
    version1({
      "/cpu/cpu.cfs_quota_us": "-1",
      "/cpu/cpu.cfs_period_us": "100000",
      "/memory/docker/x/memory.limit_in_bytes": "9223372036854771712",
    }),
    undefined,
  ],
])("container limits: %s", (_, files, limits) => {
  expect(containerLimits(filesystem(files), 8e9)).toEqual(limits);
});

test("a file that the kernel does not offer reads as absent; other faults are not hidden", () => {
  expect(readTextFile("/nowhere/at/all")).toBeUndefined();
  expect(() => readTextFile("/")).toThrow("EISDIR");
});

test.each<[EnvironmentVariables, string | undefined, string | undefined]>([
  [{}, undefined, undefined],
  [{ CI: "false" }, undefined, undefined],
  [{ CI: "1" }, "CI", undefined],
  [{ GITHUB_ACTIONS: "true", CI: "true", GITHUB_REF: "refs/heads/feature/x" }, "GitHub Actions", "feature/x"],
  [{ GITHUB_ACTIONS: "true", GITHUB_HEAD_REF: "fix", GITHUB_REF: "refs/pull/7/merge" }, "GitHub Actions", "fix"],
  [{ GITHUB_ACTIONS: "true", GITHUB_HEAD_REF: "", GITHUB_REF: "refs/tags/v1" }, "GitHub Actions", undefined],
  [{ GITLAB_CI: "true", CI_COMMIT_BRANCH: "main" }, "GitLab CI", "main"],
  [{ TF_BUILD: "True", BUILD_SOURCEBRANCH: "refs/heads/main" }, "Azure Pipelines", "main"],
])("%j is %s on branch %s", (env, name, branch) => {
  expect(ciName(env)).toBe(name);
  expect(ciBranch(env)).toBe(branch);
});

test("the fingerprint follows what makes machines comparable, and nothing else", () => {
  const print = (changes: Partial<Environment>): string =>
    environmentFingerprint({ ...exampleEnvironment, ...changes });
  const same = print({});
  expect(same).toMatch(/^[0-9a-f]{12}$/);
  expect(print({ loadAverage1m: 3, governor: "powersave", memoryBytes: 1 })).toBe(same);
  expect(print({ node: { ...exampleEnvironment.node, version: "v24.9.9" } })).toBe(same);
  expect(print({ node: { ...exampleEnvironment.node, version: "v26.0.0" } })).not.toBe(same);
  expect(print({ cpu: { model: "Other", cores: 2 } })).not.toBe(same);
  expect(print({ container: { cpus: 1 } })).not.toBe(same);
});

test("an environment compared with itself is the same", () => {
  expect(compareEnvironments(exampleEnvironment, exampleEnvironment)).toEqual({ same: true, differences: [] });
});

const noise = (medianNs: number): NoiseProbe => ({ samples: 9, medianNs, spread: 0, interruptedShare: 0 });
test.each<[string, Partial<Environment>, Partial<Environment>, boolean]>([
  ["cpu.model", {}, { cpu: { model: "Other", cores: 2, mhz: 3000 } }, true],
  ["container.cpus", {}, { container: { cpus: 1 } }, true],
  ["noise.medianNs", { noise: noise(100_000) }, { noise: noise(140_000) }, true],
  ["noise.medianNs", { noise: noise(100_000) }, { noise: noise(104_000) }, false],
  ["governor", { governor: "performance" }, { governor: "powersave" }, true],
  ["governor", {}, { governor: "powersave" }, false],
  ["memoryBytes", {}, { memoryBytes: 4_010_000_000 }, false],
  ["ci", {}, { ci: "CI" }, false],
])("a difference in %s is told, and whether it matters", (field, a, b, matters) => {
  const compared = compareEnvironments({ ...exampleEnvironment, ...a }, { ...exampleEnvironment, ...b });
  expect(compared.differences.map((each) => [each.field, each.matters])).toEqual([[field, matters]]);
  expect(compared.same).toBe(!matters);
});

test("differences that matter come first", () => {
  const other = { ...exampleEnvironment, ci: "CI", os: { platform: "darwin", release: "1", arch: "x64" } };
  const { differences } = compareEnvironments(exampleEnvironment, other);
  expect(differences.map(({ field }) => field)).toEqual(["os.platform", "os.release", "ci"]);
});

test("time in tests is the clock's", async () => {
  const clock = new ManualClock();
  await clock.advance(ms(5));
  expect(captureEnvironment({ clock, machine, noiseProbe: { samples: 3 } }).noise).toBeUndefined();
});
