import { existsSync } from "node:fs";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { benchLabErrors } from "../lab-errors.ts";
import type { Slot } from "./cache.ts";
import { isInside } from "./install.ts";

/**
 * Paths relative to the repository of what is to be copied over the other revision.
 *
 * @throws MettleError `REVISION_OVERLAY_INVALID` for what does not exist, lies outside or is the whole repository
 */
export function overlayPaths(overlay: readonly string[], cwd: string, repository: string): string[] {
  const problems: string[] = [];
  const paths = overlay.map((given) => {
    const full = resolve(cwd, given);
    if (!existsSync(full)) problems.push(`${given} does not exist`);
    else if (!isInside(full, repository)) problems.push(`${given} is outside the repository`);
    else if (full === repository) problems.push(`${given} is the whole repository`);
    return relative(repository, full);
  });
  if (problems.length > 0) {
    throw benchLabErrors.create("REVISION_OVERLAY_INVALID", `Overlay: ${problems.join("; ")}.`, {
      details: { problems },
    });
  }
  return paths;
}

/** Copies the current tree's files over the prepared ones, remembering those for {@link removeOverlay}. */
export async function applyOverlay(slot: Slot, repository: string, paths: readonly string[]): Promise<void> {
  // Recorded before anything is touched: what breaks off half-way is then undone as well.
  await writeFile(slot.overlayRecord, JSON.stringify(paths));
  for (const path of paths) {
    const target = join(slot.worktree, path);
    if (existsSync(target)) await copy(target, join(slot.overlayBackup, path));
  }
  for (const path of paths) await copy(join(repository, path), join(slot.worktree, path));
}

/** Puts back what an earlier {@link applyOverlay} replaced. */
export async function removeOverlay(slot: Slot): Promise<void> {
  if (!existsSync(slot.overlayRecord)) return;
  const paths = JSON.parse(await readFile(slot.overlayRecord, "utf8")) as string[];
  for (const path of paths) await rm(join(slot.worktree, path), { recursive: true, force: true });
  for (const path of paths) {
    const saved = join(slot.overlayBackup, path);
    if (existsSync(saved)) await copy(saved, join(slot.worktree, path));
  }
  await rm(slot.overlayBackup, { recursive: true, force: true });
  await rm(slot.overlayRecord);
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await cp(from, to, { recursive: true, verbatimSymlinks: true });
}
