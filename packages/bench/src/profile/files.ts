import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "@mettle/results";

const MOST_CHARACTERS = 80;
/** Names that Windows keeps for devices, with any extension. */
const reserved = /^(con|prn|aux|nul|com\d|lpt\d)$/;

/**
 * A case's title as part of a file name: lower-case letters, digits, `.`, `_` and `-` only. A title that had to be
 * changed gets eight digits of its hash, so that two titles never share a file, on file systems that ignore case either.
 */
export function safeFileName(title: string): string {
  const plain = title
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replaceAll(/^[-.]+|[-.]+$/g, "")
    .slice(0, MOST_CHARACTERS);
  if (plain !== "" && plain === title && !reserved.test(plain.split(".")[0] ?? "")) return plain;
  const hash = createHash("sha256").update(title).digest("hex").slice(0, 8);
  return plain === "" ? hash : `${plain}-${hash}`;
}

/** Files written for one profiled case. */
export interface ProfileFiles {
  /** `.cpuprofile` or `.heapprofile`, as Chrome DevTools, VS Code and speedscope read them. */
  readonly profile: string;
  /** `…_profile.txt`: totals per function. */
  readonly totals: string;
}

/** Writes a profile and its totals into `folder`, made if it is missing. */
export async function writeProfileFiles(
  folder: string,
  title: string,
  extension: "cpuprofile" | "heapprofile",
  profile: object,
  totalsText: string,
): Promise<ProfileFiles> {
  await makeFolder(folder);
  const name = safeFileName(title);
  const kind = extension === "cpuprofile" ? "" : "_heap";
  const files = { profile: join(folder, `${name}.${extension}`), totals: join(folder, `${name}${kind}_profile.txt`) };
  await writeFile(files.profile, JSON.stringify(profile));
  await writeFile(files.totals, totalsText);
  return files;
}
