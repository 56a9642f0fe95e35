import { readFileSync } from "node:fs";
import { errnoOf } from "./atomic-file.ts";

/** Reads a small text file whole; undefined when there is none or it may not be read. */
export type ReadText = (path: string) => string | undefined;

/** What a kernel says of files that this machine does not have or does not show: the fact is then absent. */
const notOffered = new Set(["ENOENT", "ENOTDIR", "EACCES", "EPERM", "EINVAL", "EOPNOTSUPP", "ENODEV", "EIO"]);

export const readTextFile: ReadText = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch (failure) {
    if (notOffered.has(errnoOf(failure) ?? "")) return undefined;
    throw failure;
  }
};
