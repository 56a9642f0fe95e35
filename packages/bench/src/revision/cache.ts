import { createHash } from "node:crypto";
import { lstat, readdir, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join, resolve, sep } from "node:path";
import { makeFolder } from "@mettle/results";
import { benchLabErrors } from "../lab-errors.ts";
import { isInside } from "./install.ts";

/** One folder of the cache, held by this process until `release`. */
export interface Slot {
  readonly worktree: string;
  readonly logFile: string;
  /** Written last: its absence means that preparing broke off. */
  readonly completeMarker: string;
  readonly overlayRecord: string;
  /** What the overlay replaced, to be put back. */
  readonly overlayBackup: string;
  release(): Promise<void>;
}

/** Per user: in a temporary folder shared with others a common name could be theirs. */
export function defaultCacheFolder(): string {
  return join(tmpdir(), `mettle-revisions-${userInfo().username.replaceAll(/[^\w.-]/g, "_")}`);
}

/**
 * Makes the cache folder and refuses one that would give wrong results or run another user's code.
 *
 * @returns its real path
 * @throws MettleError `REVISION_CACHE_UNSAFE`
 */
export async function openCache(folder: string, repository: string): Promise<string> {
  const refuse = (why: string): Error =>
    benchLabErrors.create("REVISION_CACHE_UNSAFE", `The cache folder ${folder} cannot be used: ${why}.`, {
      details: { folder },
    });
  const wanted = resolve(folder);
  await makeFolder(wanted, undefined, 0o700);
  const stats = await lstat(wanted);
  if (!stats.isDirectory()) throw refuse("it is no folder");
  if (process.getuid && (stats.uid !== process.getuid() || (stats.mode & 0o022) !== 0)) {
    throw refuse("others than you could write to it");
  }
  const real = await realpath(wanted);
  if (real.split(sep).includes("node_modules")) throw refuse("Node runs no TypeScript below node_modules");
  if (isInside(real, await realpath(repository))) {
    throw refuse("inside the repository, modules that the other revision lacks would be found in the current one");
  }
  return real;
}

/** A short name for what makes two prepared folders interchangeable. */
export function cacheKey(parts: readonly string[]): string {
  const all = [...parts, process.version, process.platform, process.arch];
  return createHash("sha256").update(JSON.stringify(all)).digest("hex").slice(0, 16);
}

/**
 * The first folder for `key` that no living process holds; two processes comparing at once get one each, for either
 * may put benchmark files of its own over it.
 */
export async function takeSlot(cacheFolder: string, key: string): Promise<Slot> {
  for (let number = 0; ; number++) {
    const base = join(cacheFolder, `${key}-${number}`);
    if (await lock(`${base}.lock`)) {
      return {
        worktree: base,
        logFile: `${base}.log`,
        completeMarker: `${base}.complete`,
        overlayRecord: `${base}.overlay.json`,
        overlayBackup: `${base}.overlay`,
        release: () => rm(`${base}.lock`, { force: true }),
      };
    }
  }
}

async function lock(file: string): Promise<boolean> {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      await writeFile(file, String(process.pid), { flag: "wx" });
      return true;
    } catch (error) {
      if (!isCode(error, "EEXIST")) throw error;
    }
    if (attempt > 0 || (await isHeld(file))) return false;
    await rm(file, { force: true });
  }
  return false;
}

const isCode = (error: unknown, code: string): boolean => (error as NodeJS.ErrnoException).code === code;

async function isHeld(file: string): Promise<boolean> {
  let pid: number;
  try {
    pid = Number(await readFile(file, "utf8"));
  } catch (error) {
    if (isCode(error, "ENOENT")) return false;
    throw error;
  }
  // Made and not yet filled: whoever makes it is alive.
  if (!(pid > 0)) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives and belongs to someone else. ESRCH: it is gone without having released.
    return !isCode(error, "ESRCH");
  }
}

/** True when a process that lives is preparing or using the folder. */
export const isSlotHeld = (worktree: string): Promise<boolean> => isHeld(`${worktree}.lock`);

/** Prepared folders kept for another time; each holds a checkout and its modules. */
const KEPT_FOLDERS = 6;

/** Removes the prepared folders used longest ago, beyond the number kept, and never one in use. */
export async function evictOldest(cacheFolder: string): Promise<void> {
  const suffix = ".complete";
  const markers = (await readdir(cacheFolder)).filter((name) => name.endsWith(suffix));
  const used = await Promise.all(
    markers.map(async (name) => {
      const base = join(cacheFolder, name.slice(0, -suffix.length));
      return { base, at: (await stat(`${base}${suffix}`)).mtimeMs };
    }),
  );
  for (const { base } of used.sort((a, b) => b.at - a.at).slice(KEPT_FOLDERS)) {
    if (!(await lock(`${base}.lock`))) continue;
    // The marker goes first: a removal that breaks off must not leave half a folder that passes for a whole one.
    for (const extension of [suffix, "", ".log", ".overlay", ".overlay.json", ".lock"]) {
      await rm(`${base}${extension}`, { recursive: true, force: true });
    }
  }
}
