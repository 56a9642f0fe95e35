import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  watch,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  describeRevision,
  type PrepareRevisionOptions,
  prepareAgainst,
  prepareRevision,
} from "../../src/revision/worktree.ts";

let base: string;
let repository: string;
let cacheFolder: string;

const git = (...args: string[]): string =>
  execFileSync("git", ["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false", ...args], {
    cwd: repository,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();
const put = (path: string, text: string): void => {
  mkdirSync(dirname(join(repository, path)), { recursive: true });
  writeFileSync(join(repository, path), text);
};
const commit = (files: Record<string, string>): string => {
  for (const [path, text] of Object.entries(files)) put(path, text);
  git("add", "-A");
  git("commit", "-q", "-m", "change");
  return git("rev-parse", "HEAD");
};
const registered = (): string[] =>
  git("worktree", "list", "--porcelain")
    .split("\n")
    .filter((line) => line.startsWith("worktree "));
const prepare = (name: string, options: Partial<PrepareRevisionOptions> = {}) =>
  prepareRevision(name, { cwd: repository, cacheFolder, ...options });
/** Counts its runs in a file beside the cache, so that reuse can be seen. */
const counting = (): string => `echo run >> "${join(base, "runs")}"`;
const runs = (): number =>
  existsSync(join(base, "runs")) ? readFileSync(join(base, "runs"), "utf8").trim().split("\n").length : 0;

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "mettle-test-")));
  repository = join(base, "repository");
  cacheFolder = join(base, "cache");
  mkdirSync(repository);
  git("init", "-q", "-b", "main");
});
afterEach(() => {
  // Whatever happened, the repository knows of no work tree but its own.
  const left = registered();
  rmSync(base, { recursive: true, force: true });
  if (left.length !== 1) throw new Error(`still registered: ${left.join(", ")}`);
});

describe("prepareRevision", () => {
  test("checks an earlier commit out, whatever the current tree looks like", async () => {
    const first = commit({ "lib.js": "export default 1;" });
    commit({ "lib.js": "export default 2;" });
    put("lib.js", "export default 3;");
    const prepared = await prepare("HEAD~1");
    expect(readFileSync(join(prepared.root, "lib.js"), "utf8")).toBe("export default 1;");
    expect(prepared).toMatchObject({ revision: { commit: first, dirty: false }, reused: false });
    expect(await describeRevision(repository)).toMatchObject({ branch: "main", dirty: true });
    expect(existsSync(join(prepared.root, ".git"))).toBe(false);
    await prepared.dispose();
    await prepared.dispose();
  });

  test("resolves annotated tags and names branches", async () => {
    const first = commit({ a: "1" });
    git("tag", "-a", "v1", "-m", "one");
    expect((await prepare("v1")).revision).toEqual({ commit: first, dirty: false });
    expect((await prepare("main")).revision).toEqual({ commit: first, branch: "main", dirty: false });
  });

  test("is used again for the same commit and commands, and not for others", async () => {
    commit({ a: "1" });
    const one = await prepare("HEAD", { build: counting() });
    await one.dispose();
    const two = await prepare("HEAD", { build: counting() });
    expect(two).toMatchObject({ root: one.root, reused: true });
    expect(runs()).toBe(1);
    await two.dispose();
    const other = await prepare("HEAD", { build: `${counting()} # other` });
    expect(other.reused).toBe(false);
    await other.dispose();
    commit({ a: "2" });
    const later = await prepare("HEAD", { build: counting() });
    expect(later.reused).toBe(false);
    await later.dispose();
    expect(runs()).toBe(3);
  });

  test("two at once get a folder each", async () => {
    commit({ a: "1" });
    const [one, two] = await Promise.all([prepare("HEAD"), prepare("HEAD")]);
    expect(one.root).not.toBe(two.root);
    await one.dispose();
    await two.dispose();
  });

  test("a lock left by a process that died holds nobody up", async () => {
    commit({ a: "1" });
    const one = await prepare("HEAD");
    await one.dispose();
    // Beyond the largest process id that Linux gives out (2^22).
    writeFileSync(`${one.root}.lock`, "99999999");
    const two = await prepare("HEAD");
    expect(two).toMatchObject({ root: one.root, reused: true });
    await two.dispose();
  });

  test("a work tree left registered by a killed process is forgotten", async () => {
    commit({ a: "1" });
    const left = join(cacheFolder, "0123456789abcdef-0");
    mkdirSync(cacheFolder, { mode: 0o700 });
    git("worktree", "add", "-q", "--detach", left);
    expect(registered()).toHaveLength(2);
    await (await prepare("HEAD")).dispose();
    expect(registered()).toHaveLength(1);
    expect(existsSync(left)).toBe(false);
  });

  test("the benchmarks of the current tree lie over it, and are gone the next time", async () => {
    commit({ "bench/old.bench.js": "old", "lib.js": "1" });
    put("bench/old.bench.js", "changed");
    put("bench/new.bench.js", "new");
    put("extra.bench.js", "extra");
    const one = await prepare("HEAD", { overlay: ["bench", "extra.bench.js"] });
    const read = (file: string): string => readFileSync(join(one.root, file), "utf8");
    expect([read("bench/old.bench.js"), read("bench/new.bench.js"), read("extra.bench.js")]).toEqual([
      "changed",
      "new",
      "extra",
    ]);
    await one.dispose();
    const two = await prepare("HEAD");
    expect(two).toMatchObject({ root: one.root, reused: true });
    expect(read("bench/old.bench.js")).toBe("old");
    expect(readdirSync(two.root).sort()).toEqual(["bench", "lib.js"]);
    expect(readdirSync(join(two.root, "bench"))).toEqual(["old.bench.js"]);
    await two.dispose();
  });

  test("a package in a folder of the repository", async () => {
    const buildScript = `node -e "require('fs').writeFileSync('built.txt','yes')"`;
    commit({ "packages/a/package.json": JSON.stringify({ scripts: { build: buildScript } }), "root.txt": "r" });
    const cwd = join(repository, "packages/a");
    const prepared = await prepareRevision("HEAD", { cwd, cacheFolder });
    expect(readFileSync(join(prepared.root, "built.txt"), "utf8")).toBe("yes");
    expect(existsSync(join(prepared.root, "../../root.txt"))).toBe(true);
    await prepared.dispose();
    const before = commit({ "packages/b/x": "1" });
    await expect(
      prepareRevision(`${before}~1`, { cwd: join(repository, "packages/b"), cacheFolder }),
    ).rejects.toMatchObject({ code: "REVISION_PACKAGE_MISSING" });
  });

  test("installs from the lock file at its commit", async () => {
    const dependency = { name: "left", version: "1.0.0", main: "index.js" };
    const packageJson = { name: "p", version: "1.0.0", dependencies: { left: "file:./left" } };
    const lock = {
      name: "p",
      version: "1.0.0",
      lockfileVersion: 3,
      packages: {
        "": packageJson,
        left: { version: "1.0.0" },
        "node_modules/left": { resolved: "left", link: true },
      },
    };
    commit({
      "left/package.json": JSON.stringify(dependency),
      "left/index.js": "module.exports = 'left';",
      "package.json": JSON.stringify(packageJson),
      "package-lock.json": JSON.stringify(lock),
    });
    const phases: string[] = [];
    const prepared = await prepare("HEAD", { onProgress: ({ phase }) => phases.push(phase) });
    expect(phases).toEqual(["checkout", "install", "ready"]);
    const found = execFileSync(process.execPath, ["-p", "require('left')"], { cwd: prepared.root, encoding: "utf8" });
    expect(found.trim()).toBe("left");
    await prepared.dispose();
  });
});

describe("faults", () => {
  test("a build that fails is told with its last lines and its log, and leaves nothing behind", async () => {
    commit({ a: "1" });
    const failing = prepare("HEAD", { build: "for i in $(seq 40); do echo line $i; done; echo why >&2; exit 7" });
    await expect(failing).rejects.toMatchObject({ code: "REVISION_BUILD_FAILED" });
    const error = (await failing.catch((thrown: unknown) => thrown)) as Error & {
      details: { logFile: string; lastLines: string[] };
    };
    expect(error.message).toContain("exit code 7");
    expect(error.details.lastLines).toHaveLength(20);
    expect(error.details.lastLines).toContain("why");
    expect(readFileSync(error.details.logFile, "utf8")).toContain("line 1\n");
    expect(readdirSync(cacheFolder).filter((name) => !name.endsWith(".log"))).toEqual([]);
    // The next attempt starts afresh instead of taking the broken folder.
    const again = await prepare("HEAD", { build: "true" });
    expect(again.reused).toBe(false);
    await again.dispose();
  });

  test.each(["-x", "--upload-pack=touch x", ""])("%j is no name of a revision", async (name) => {
    commit({ a: "1" });
    await expect(prepare(name)).rejects.toMatchObject({ code: "REVISION_INVALID", exitCode: 2 });
  });

  test("an unknown revision, and what to do about it in a shallow clone", async () => {
    commit({ a: "1" });
    await expect(prepare("v9")).rejects.toMatchObject({ code: "REVISION_UNKNOWN", details: { shallow: false } });
    commit({ a: "2" });
    const shallow = join(base, "shallow");
    execFileSync("git", ["clone", "-q", "--depth", "1", `file://${repository}`, shallow], { stdio: "ignore" });
    const unknown = prepareRevision("HEAD~1", { cwd: shallow, cacheFolder });
    await expect(unknown).rejects.toMatchObject({ code: "REVISION_UNKNOWN", next: expect.stringContaining("shallow") });
  });

  test("outside a repository", async () => {
    await expect(prepareRevision("HEAD", { cwd: base, cacheFolder })).rejects.toMatchObject({
      code: "REVISION_NOT_A_REPOSITORY",
    });
  });

  test("an overlay outside the repository or missing", async () => {
    commit({ a: "1" });
    const wrong = prepare("HEAD", { overlay: ["../cache", "missing", "."] });
    await expect(wrong).rejects.toMatchObject({ code: "REVISION_OVERLAY_INVALID" });
    await expect(wrong).rejects.toThrow(/missing does not exist/);
  });

  test("a cache inside the repository, below node_modules, or open to others", async () => {
    commit({ a: "1" });
    const open = join(base, "open");
    mkdirSync(open);
    chmodSync(open, 0o777);
    for (const folder of [join(repository, "cache"), join(base, "node_modules/.cache"), open]) {
      await expect(prepare("HEAD", { cacheFolder: folder })).rejects.toMatchObject({ code: "REVISION_CACHE_UNSAFE" });
    }
    rmSync(join(repository, "cache"), { recursive: true });
  });

  test("an interruption ends the command with its children and takes the work tree away", async () => {
    commit({ a: "1" });
    const controller = new AbortController();
    const pidFile = join(base, "pid");
    const written = new Promise<void>((resolve) => {
      const watcher = watch(base, () => {
        if (!existsSync(pidFile) || readFileSync(pidFile, "utf8") === "") return;
        watcher.close();
        resolve();
      });
    });
    // The shell waits for a child of its own; both are in one group.
    const build = `sleep 1000 & echo $! > "${pidFile}.tmp"; mv "${pidFile}.tmp" "${pidFile}"; wait`;
    const interrupted = prepare("HEAD", { build, signal: controller.signal });
    await Promise.race([written, interrupted]);
    controller.abort(new Error("Ctrl-C"));
    await expect(interrupted).rejects.toMatchObject({ code: "REVISION_INTERRUPTED", exitCode: 130 });
    const pid = Number(readFileSync(pidFile, "utf8"));
    // Killed; a zombie until its new parent has noticed.
    const status = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[2] : "gone";
    expect(["gone", "Z", "X"]).toContain(status);
    expect(readdirSync(cacheFolder).filter((name) => !name.endsWith(".log"))).toEqual([]);
  });

  test("aborted before it began", async () => {
    commit({ a: "1" });
    await expect(prepare("HEAD", { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "REVISION_INTERRUPTED",
    });
  });
});

describe("prepareAgainst", () => {
  test("a folder is used as it stands, with its own revision", async () => {
    const head = commit({ a: "1" });
    put("a", "2");
    const prepared = await prepareAgainst("./repository", { cwd: base, cacheFolder });
    expect(prepared.root).toBe(repository);
    expect(prepared.revision).toEqual({ commit: head, branch: "main", dirty: true });
    const plain = await prepareAgainst("repository", { cwd: base, cacheFolder });
    expect(plain.root).toBe(repository);
    await expect(prepareAgainst("./none", { cwd: base, cacheFolder })).rejects.toMatchObject({
      code: "REVISION_FOLDER_MISSING",
    });
  });

  test("a revision wins over a folder of the same name", async () => {
    commit({ "main/file": "1" });
    const prepared = await prepareAgainst("main", { cwd: repository, cacheFolder });
    expect(prepared.root.startsWith(cacheFolder)).toBe(true);
    await prepared.dispose();
  });
});
