import { createHash } from "node:crypto";
import { readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, sep } from "node:path";
import { messageOf } from "@mettle/core";
import { distributeErrors } from "./errors.ts";

/** A file of a load test: its path below the bundle's root, with `/`, and what is in it. */
export interface FileEntry {
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** Most files and bytes that a bundle may have, on either side; files behind links are there by two names. */
export const bundleLimits: Readonly<{ files: number; bytes: number }> = { files: 5000, bytes: 256 * 1024 * 1024 };

/** The files of a load test as a coordinator offers them. */
export interface Bundle {
  /** Absolute; the paths of entries are below it. */
  readonly root: string;
  readonly entries: readonly FileEntry[];
  /** @throws MettleError `LOAD_BUNDLE_INVALID` for a hash that is none of the entries' */
  content(sha256: string): Uint8Array;
}

/**
 * Reads files into a bundle. One behind a link is there by both names: modules import each other by where they really
 * are, and scripts open data by the path that they write.
 *
 * @param files - absolute paths; folders are not files
 * @param preferredRoot - the bundle's root, should all files be below it; otherwise the folder that they have in common
 * @throws MettleError `LOAD_BUNDLE_INVALID`
 */
export function makeBundle(files: readonly string[], preferredRoot: string): Bundle {
  const named = new Set(files);
  if (named.size > bundleLimits.files) throw tooMuch(`${named.size} files`, `${bundleLimits.files} files`);
  const unique = [...new Set([...named].flatMap(namesOf))].toSorted();
  const sizes = unique.map((file) => sizeOf(file));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  if (bytes > bundleLimits.bytes) throw tooMuch(`${bytes} bytes`, `${bundleLimits.bytes} bytes`);
  const preferred = realPath(preferredRoot);
  const root = unique.every((file) => isBelow(preferred, file)) ? preferred : commonFolder(unique);
  const contents = new Map<string, Uint8Array>();
  const entries = unique.map((file): FileEntry => {
    const content = contentOf(file);
    const sha256 = hashOf(content);
    contents.set(sha256, content);
    return { path: relative(root, file).split(sep).join("/"), sha256, bytes: content.length };
  });
  return {
    root,
    entries,
    content: (sha256) => {
      const content = contents.get(sha256);
      if (content) return content;
      throw invalid(`no file of this load test has the hash ${sha256.slice(0, 64)}`);
    },
  };
}

/** Where a file or folder is when links are followed. @throws MettleError `LOAD_BUNDLE_INVALID` when it is not there */
export const realPath = (path: string): string => reading(path, () => realpathSync(path));

const namesOf = (file: string): readonly string[] => [join(realPath(dirname(file)), basename(file)), realPath(file)];

export const hashOf = (content: Uint8Array): string => createHash("sha256").update(content).digest("hex");

export function isBelow(folder: string, file: string): boolean {
  const path = relative(folder, file);
  return path !== "" && path !== ".." && !path.startsWith(`..${sep}`) && !isAbsolute(path);
}

function commonFolder(files: readonly string[]): string {
  const [first = sep, ...rest] = files;
  let folder = dirname(first);
  while (!rest.every((file) => isBelow(folder, file)) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}

function sizeOf(file: string): number {
  return reading(file, () => {
    const stat = statSync(file);
    if (!stat.isFile()) throw new Error("it is no file");
    return stat.size;
  });
}

const contentOf = (file: string): Uint8Array => reading(file, () => readFileSync(file));

function reading<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw invalid(`${file} cannot be read: ${messageOf(cause)}`, cause);
  }
}

const tooMuch = (there: string, limit: string): Error =>
  invalid(`the load test is made of ${there}, and at most ${limit} are sent; put large data where workers reach it`);

const invalid = (problem: string, cause?: unknown): Error =>
  distributeErrors.create("LOAD_BUNDLE_INVALID", `The files of the load test: ${problem}.`, {
    details: { problem },
    cause,
  });
