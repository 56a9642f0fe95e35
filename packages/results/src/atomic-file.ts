import { randomBytes } from "node:crypto";
import * as promises from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeFolder } from "./folder.ts";

/** The part of `node:fs/promises` that reading and writing runs uses; tests put faults into it. */
export type FileSystem = Pick<
  typeof promises,
  "mkdir" | "open" | "readFile" | "readdir" | "rename" | "stat" | "unlink"
>;
export const nodeFileSystem: FileSystem = promises;

/**
 * Writes a file so that a reader, a crash or a full disk never sees half of it: a new file in the same folder, flushed
 * to the disk, renamed over the old one, and the folder flushed. Makes missing folders.
 *
 * @throws whatever the file system threw; the temporary file is then gone and the old file as it was
 */
export async function writeFileAtomically(
  path: string,
  data: Uint8Array,
  files: FileSystem = nodeFileSystem,
): Promise<void> {
  const folder = dirname(path);
  await makeFolder(folder, files);
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    const handle = await files.open(temporary, "wx");
    try {
      await handle.writeFile(data);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await files.rename(temporary, path);
  } catch (failure) {
    await removeIfPresent(temporary, files, failure);
    throw failure;
  }
  await syncFolder(folder, files);
}

async function removeIfPresent(path: string, files: FileSystem, failure: unknown): Promise<void> {
  try {
    await files.unlink(path);
  } catch (second) {
    if (errnoOf(second) === "ENOENT") return;
    throw new AggregateError([failure, second], `could not write, nor remove ${path}`, { cause: second });
  }
}

/** Makes the rename itself durable. Windows has no such call on folders, and some network file systems refuse it. */
async function syncFolder(folder: string, files: FileSystem): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await files.open(folder, "r");
  try {
    await handle.sync();
  } catch (failure) {
    if (errnoOf(failure) !== "EINVAL" && errnoOf(failure) !== "ENOTSUP") throw failure;
  } finally {
    await handle.close();
  }
}

/** The `code` of a system error (`ENOENT`), or undefined for anything else. */
export function errnoOf(thrown: unknown): string | undefined {
  const code = thrown instanceof Error ? (thrown as NodeJS.ErrnoException).code : undefined;
  return typeof code === "string" ? code : undefined;
}
