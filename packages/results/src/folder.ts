import { mkdirSync, statSync } from "node:fs";
import * as promises from "node:fs/promises";
import { dirname } from "node:path";

/** The part of a file system that making folders uses. */
type FolderCalls = Pick<typeof promises, "mkdir" | "stat">;

/**
 * Makes a folder and those above it. Node's own recursive `mkdir` never returns where the file system answers "no such
 * folder" for a folder whose parent is there, as `/proc` does; here each folder is tried twice at most.
 *
 * @param mode - of the folders made. @defaultValue 0o777, less the umask
 * @throws whatever the file system threw last
 */
export async function makeFolder(path: string, files: FolderCalls = promises, mode?: number): Promise<void> {
  try {
    await files.mkdir(path, mode);
  } catch (failure) {
    const action = afterRefusal(failure, path);
    if (action === "refused" || (action === "exists" && !(await files.stat(path)).isDirectory())) throw failure;
    if (action === "exists") return;
    await makeFolder(dirname(path), files, mode);
    await files.mkdir(path, mode).catch(async (second: unknown) => {
      // Another process may have made it meanwhile.
      if (afterRefusal(second, path) !== "exists" || !(await files.stat(path)).isDirectory()) throw second;
    });
  }
}

/** As `makeFolder`. */
export function makeFolderSync(path: string): void {
  try {
    mkdirSync(path);
  } catch (failure) {
    const action = afterRefusal(failure, path);
    if (action === "refused" || (action === "exists" && !statSync(path).isDirectory())) throw failure;
    if (action === "exists") return;
    makeFolderSync(dirname(path));
    try {
      mkdirSync(path);
    } catch (second) {
      if (afterRefusal(second, path) !== "exists" || !statSync(path).isDirectory()) throw second;
    }
  }
}

function afterRefusal(failure: unknown, path: string): "exists" | "parent" | "refused" {
  const code = failure instanceof Error ? (failure as NodeJS.ErrnoException).code : undefined;
  if (code === "EEXIST" || code === "EISDIR") return "exists";
  return code === "ENOENT" && dirname(path) !== path ? "parent" : "refused";
}
