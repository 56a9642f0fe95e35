import type { Revision } from "@mettle/results";
import { existsSync, statSync } from "node:fs";
import { realpath, rename, rm, utimes, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { benchLabErrors } from "../lab-errors.ts";
import { cacheKey, defaultCacheFolder, evictOldest, isSlotHeld, openCache, type Slot, takeSlot } from "./cache.ts";
import { describeCommand, git, gitOrThrow, interrupted, runLogged } from "./command.ts";
import { isInside, lockFiles, planSteps, type Step } from "./install.ts";
import { applyOverlay, overlayPaths, removeOverlay } from "./overlay.ts";

type RevisionPhase = "checkout" | "install" | "build" | "reuse" | "ready";
interface RevisionProgress {
  readonly phase: RevisionPhase;
  readonly text: string;
}

export interface PrepareRevisionOptions {
  /** The package compared: the repository or a folder inside it. */
  readonly cwd: string;
  /** Line for the shell instead of what the lock file suggests; empty: install nothing. */
  readonly install?: string;
  /** Line for the shell instead of `npm run build` (where there is such a script); empty: build nothing. */
  readonly build?: string;
  /** Files and folders, relative to `cwd`, copied from the current tree over the built revision: the benchmarks. */
  readonly overlay?: readonly string[];
  /** @defaultValue a folder of this user in the system's temporary folder */
  readonly cacheFolder?: string;
  readonly onProgress?: (progress: RevisionProgress) => void;
  /** Ends running commands with all their children, and takes away what was begun. */
  readonly signal?: AbortSignal;
}

export interface PreparedRevision {
  /** The folder that corresponds to `cwd`, ready to run benchmarks in. */
  readonly root: string;
  /** Absent for a folder outside any repository. */
  readonly revision?: Revision;
  /** True when an earlier preparation was used again. */
  readonly reused: boolean;
  /** Lets others use the folder. It stays for reuse; the repository knows nothing of it. May be called twice. */
  dispose(): Promise<void>;
}

/**
 * What `cwd` stands at.
 *
 * @returns undefined outside a repository and in one without commits
 */
export async function describeRevision(cwd: string): Promise<Revision | undefined> {
  const head = await git(cwd, ["rev-parse", "--verify", "--quiet", "HEAD"]);
  if (head.exitCode !== 0) return undefined;
  const branch = await git(cwd, ["symbolic-ref", "--quiet", "--short", "HEAD"]);
  const changes = await gitOrThrow(cwd, ["status", "--porcelain"]);
  return {
    commit: head.stdout,
    ...(branch.exitCode === 0 ? { branch: branch.stdout } : {}),
    dirty: changes !== "",
  };
}

/**
 * A folder to compare with, as it stands: nothing is installed or built in it.
 *
 * @throws MettleError `REVISION_FOLDER_MISSING`
 */
export async function prepareFolder(folder: string, cwd: string): Promise<PreparedRevision> {
  const root = resolve(cwd, folder);
  if (!isFolder(root)) {
    throw benchLabErrors.create("REVISION_FOLDER_MISSING", `${root} is no folder.`, { details: { folder: root } });
  }
  const revision = await describeRevision(root);
  return { root, ...(revision ? { revision } : {}), reused: true, dispose: () => Promise.resolve() };
}

/** `--against`: a revision of this repository where there is one of that name, or else a folder. */
export async function prepareAgainst(against: string, options: PrepareRevisionOptions): Promise<PreparedRevision> {
  const looksLikePath = /^([./]|[A-Za-z]:[\\/])/.test(against);
  if (looksLikePath) return prepareFolder(against, options.cwd);
  try {
    return await prepareRevision(against, options);
  } catch (error) {
    const { code } = error as { code?: unknown };
    const unknown = code === "REVISION_UNKNOWN" || code === "REVISION_NOT_A_REPOSITORY";
    if (unknown && isFolder(resolve(options.cwd, against))) return prepareFolder(against, options.cwd);
    throw error;
  }
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/**
 * Checks another revision out into a folder of its own, installs and builds it there, and copies the current
 * benchmarks over it. Prepared folders are kept and used again for the same commit, lock file and commands. While
 * commands run the folder is a git work tree; afterwards it is a plain folder that the repository has forgotten.
 * Submodules are not checked out.
 *
 * @param name - anything that git resolves to a commit
 * @throws MettleError `REVISION_INVALID`, `REVISION_UNKNOWN`, `REVISION_NOT_A_REPOSITORY`, `REVISION_PACKAGE_MISSING`,
 *   `REVISION_OVERLAY_INVALID`, `REVISION_CACHE_UNSAFE`, `REVISION_BUILD_FAILED` (with the last lines and the log
 *   file), `REVISION_GIT_FAILED`, `REVISION_INTERRUPTED`
 */
export async function prepareRevision(name: string, options: PrepareRevisionOptions): Promise<PreparedRevision> {
  const source = await locate(name, options.cwd);
  const paths = overlayPaths(options.overlay ?? [], source.cwd, source.repository);
  const cacheFolder = await openCache(options.cacheFolder ?? defaultCacheFolder(), source.repository);
  if (options.signal?.aborted) throw interrupted(options.signal);
  await forgetAbandoned(source.repository, cacheFolder);
  const key = cacheKey([
    source.commonFolder,
    source.commit,
    ...(await lockFileIds(source)),
    source.packagePath,
    JSON.stringify([options.install ?? null, options.build ?? null]),
  ]);
  const slot = await takeSlot(cacheFolder, key);
  try {
    const reused = existsSync(slot.completeMarker) && existsSync(slot.worktree);
    if (reused) {
      options.onProgress?.({ phase: "reuse", text: `Using ${short(source.commit)} as prepared before.` });
      await removeOverlay(slot);
    } else {
      await prepareAfresh(slot, source, options);
    }
    await applyOverlay(slot, source.repository, paths);
    const now = new Date();
    await utimes(slot.completeMarker, now, now);
    await evictOldest(cacheFolder);
    const root = join(slot.worktree, source.packagePath);
    options.onProgress?.({ phase: "ready", text: `${name} (${short(source.commit)}) is ready.` });
    const revision = { commit: source.commit, ...(source.branch ? { branch: source.branch } : {}), dirty: false };
    return { root, revision, reused, dispose: () => slot.release() };
  } catch (error) {
    await slot.release();
    throw error;
  }
}

interface Source {
  /** Real paths. */
  readonly repository: string;
  readonly cwd: string;
  /** From the repository to `cwd`; empty when they are one. */
  readonly packagePath: string;
  /** Where all work trees of the repository have their records. */
  readonly commonFolder: string;
  readonly commit: string;
  readonly branch?: string;
}

const short = (commit: string): string => commit.slice(0, 10);

async function locate(name: string, givenCwd: string): Promise<Source> {
  // git would read it as an option.
  if (name === "" || name.startsWith("-") || name.includes("\0")) {
    throw benchLabErrors.create("REVISION_INVALID", `"${name}" is no name of a revision.`, { details: { name } });
  }
  const cwd = await realpath(givenCwd);
  const top = await git(cwd, ["rev-parse", "--show-toplevel"]);
  if (top.exitCode !== 0) {
    const message = `${cwd} is not in a git repository: ${top.stderr}`;
    throw benchLabErrors.create("REVISION_NOT_A_REPOSITORY", message, { details: { cwd } });
  }
  const repository = await realpath(top.stdout);
  const resolved = await git(cwd, ["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`]);
  if (resolved.exitCode !== 0) throw await unknownRevision(name, cwd);
  const commit = resolved.stdout;
  const packagePath = relative(repository, cwd);
  if (packagePath !== "") {
    const kind = await git(repository, ["cat-file", "-t", `${commit}:${packagePath.replaceAll("\\", "/")}`]);
    if (kind.stdout !== "tree") {
      const message = `${packagePath} does not exist in ${name} (${short(commit)}).`;
      throw benchLabErrors.create("REVISION_PACKAGE_MISSING", message, { details: { name, commit, packagePath } });
    }
  }
  const commonFolder = await realpath(resolve(cwd, await gitOrThrow(cwd, ["rev-parse", "--git-common-dir"])));
  const isBranch = await git(cwd, ["show-ref", "--verify", "--quiet", `refs/heads/${name}`]);
  return { repository, cwd, packagePath, commonFolder, commit, ...(isBranch.exitCode === 0 ? { branch: name } : {}) };
}

async function unknownRevision(name: string, cwd: string): Promise<Error> {
  const shallow = await gitOrThrow(cwd, ["rev-parse", "--is-shallow-repository"]);
  return benchLabErrors.create("REVISION_UNKNOWN", `There is no revision ${name} in this repository.`, {
    details: { name, shallow: shallow === "true" },
    ...(shallow === "true"
      ? { next: "This clone is shallow: fetch the whole history (`git fetch --unshallow`, or fetch-depth: 0 in CI)." }
      : {}),
  });
}

/** git's ids of the lock files that the package's install reads, nearest first. */
async function lockFileIds({ repository, commit, packagePath }: Source): Promise<string[]> {
  const steps = packagePath === "" ? [] : packagePath.split(/[\\/]/);
  const folders = steps.map((_, i) => `${steps.slice(0, steps.length - i).join("/")}/`);
  const paths = [...folders, ""].flatMap((folder) => lockFiles.map((file) => `${folder}${file}`));
  const listing = await gitOrThrow(repository, ["ls-tree", "--full-tree", commit, "--", ...paths]);
  return listing === "" ? [] : listing.split("\n").sort();
}

/**
 * Lets the repository forget work trees of ours whose process was killed before it could. Only what lies in our cache
 * is touched, never another work tree that happens to be missing.
 */
async function forgetAbandoned(repository: string, cacheFolder: string): Promise<void> {
  const listing = await gitOrThrow(repository, ["worktree", "list", "--porcelain"]);
  for (const [, path = ""] of listing.matchAll(/^worktree (.*)$/gm)) {
    if (isInside(path, cacheFolder) && !(await isSlotHeld(path))) await discard(repository, path);
  }
}

/** Removes a work tree's files and the repository's record of it, whichever of the two there are. */
async function discard(repository: string, worktree: string): Promise<void> {
  await rm(worktree, { recursive: true, force: true });
  const listing = await gitOrThrow(repository, ["worktree", "list", "--porcelain"]);
  if (listing.split("\n").includes(`worktree ${worktree}`)) {
    await gitOrThrow(repository, ["worktree", "remove", "--force", worktree]);
  }
}

/** Removes only the record. git removes the files along with it where it finds them, so they step aside meanwhile. */
async function forget(repository: string, worktree: string): Promise<void> {
  const aside = `${worktree}.aside`;
  await rename(worktree, aside);
  try {
    await gitOrThrow(repository, ["worktree", "remove", "--force", worktree]);
  } finally {
    await rename(aside, worktree);
  }
  await rm(join(worktree, ".git"), { force: true });
}

async function prepareAfresh(slot: Slot, source: Source, options: PrepareRevisionOptions): Promise<void> {
  for (const file of [slot.completeMarker, slot.logFile, slot.overlayRecord, slot.overlayBackup]) {
    await rm(file, { recursive: true, force: true });
  }
  await discard(source.repository, slot.worktree);
  options.onProgress?.({ phase: "checkout", text: `Checking ${short(source.commit)} out.` });
  try {
    await gitOrThrow(source.repository, ["worktree", "add", "--detach", "--quiet", slot.worktree, source.commit]);
    if (options.signal?.aborted) throw interrupted(options.signal);
    const steps = planSteps(join(slot.worktree, source.packagePath), slot.worktree, options);
    if (steps.install) await runStep("install", steps.install, slot, source, options);
    if (steps.build) await runStep("build", steps.build, slot, source, options);
    await forget(source.repository, slot.worktree);
  } catch (error) {
    await discard(source.repository, slot.worktree);
    throw error;
  }
  await writeFile(slot.completeMarker, source.commit);
}

async function runStep(
  phase: "install" | "build",
  step: Step,
  slot: Slot,
  source: Source,
  options: PrepareRevisionOptions,
): Promise<void> {
  const text = describeCommand(step.command);
  options.onProgress?.({ phase, text: `${phase === "install" ? "Installing" : "Building"}: ${text}` });
  const failed = (how: string, lastLines: readonly string[], cause?: unknown): Error =>
    benchLabErrors.create(
      "REVISION_BUILD_FAILED",
      [`\`${text}\` ${how} in ${short(source.commit)}. Log: ${slot.logFile}`, ...lastLines].join("\n"),
      { details: { phase, command: text, commit: source.commit, logFile: slot.logFile, lastLines }, cause },
    );
  let result: Awaited<ReturnType<typeof runLogged>>;
  try {
    result = await runLogged(step.command, {
      cwd: step.folder,
      logFile: slot.logFile,
      ...(options.signal ? { signal: options.signal } : {}),
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw failed("could not be started", [], error);
    throw error;
  }
  if (result.exitCode !== 0) {
    const how =
      result.exitCode === undefined
        ? `was ended by ${result.endedBy ?? "a signal"}`
        : `failed with exit code ${result.exitCode}`;
    throw failed(how, result.lastLines);
  }
}
