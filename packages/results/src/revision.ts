import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { messageOf } from "@mettle/core";
import { errnoOf } from "./atomic-file.ts";
import { ciBranch, type EnvironmentVariables } from "./ci.ts";
import { resultsErrors } from "./errors.ts";
import type { Revision } from "./run.ts";

export interface RevisionOptions {
  /** @defaultValue the current folder */
  readonly folder?: string;
  readonly env?: EnvironmentVariables;
}

const TIMEOUT_MS = 10_000;

/**
 * The git revision of a folder. `dirty` is about tracked files, as in `git describe --dirty`: results and notes lying
 * about do not change what was measured.
 *
 * @returns undefined outside a repository, before its first commit, and where git is not installed
 * @throws MettleError `REVISION_UNREADABLE` when there is a repository and git refuses (damaged, or another owner's)
 */
export async function currentRevision(options: RevisionOptions = {}): Promise<Revision | undefined> {
  const { folder = ".", env = process.env } = options;
  if (!env["GIT_DIR"] && !isInRepository(resolve(folder))) return undefined;
  try {
    const { stdout } = await promisify(execFile)(
      "git",
      // A repository's own settings may name a program to run (fsmonitor); reading a revision must not run it.
      [
        "--no-optional-locks",
        "-c",
        "core.fsmonitor=false",
        "status",
        "--porcelain=v2",
        "--branch",
        "--untracked-files=no",
      ],
      { cwd: folder, env: { ...env, LC_ALL: "C" }, timeout: TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 },
    );
    return parseStatus(stdout, env);
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT" && existsSync(folder)) return undefined;
    throw resultsErrors.create(
      "REVISION_UNREADABLE",
      `git cannot tell the revision of ${folder}: ${messageOf(cause)}`,
      {
        details: { folder },
        cause,
      },
    );
  }
}

function isInRepository(folder: string): boolean {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, ".git"))) return true;
    if (dirname(at) === at) return false;
  }
}

/** Reads `git status --porcelain=v2 --branch`: headers begin with `#`, every other line is a change. */
export function parseStatus(status: string, env: EnvironmentVariables): Revision | undefined {
  const lines = status.split("\n").filter(Boolean);
  const header = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`# ${name} `))?.slice(name.length + 3);
  const commit = header("branch.oid");
  if (commit === undefined || commit === "(initial)") return undefined;
  const head = header("branch.head");
  const branch = head === undefined || head === "(detached)" ? ciBranch(env) : head;
  return { commit, dirty: lines.some((line) => !line.startsWith("#")), ...(branch ? { branch } : {}) };
}
