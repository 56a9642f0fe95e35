import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { constants, setPriority } from "node:os";

/**
 * Lets a process and everything below it have only what others leave of the processors, so that a load generator on the same
 * machine keeps its pace: what it then measures is the service on what is left, never better than it is.
 *
 * Linux weighs sessions against each other, whatever runs in them, where it groups by session, and each of PostgreSQL's
 * processes is a session: twenty of them would count twenty times as much as the generator. Where the system has no such
 * groups, or none of this may be changed, nothing is.
 *
 * To be called again while it runs: new sessions begin like any other.
 */
export function standBack(pid: number): void {
  for (const each of [pid, ...descendants(pid)]) {
    attempt(() => setPriority(each, constants.priority.PRIORITY_LOW));
    attempt(() => writeFileSync(`/proc/${each}/autogroup`, String(constants.priority.PRIORITY_LOW)));
  }
}

/** It may have ended, the file may not be there, and the system may not allow it: nothing of this is needed. */
function attempt(change: () => void): void {
  try {
    change();
  } catch {
    // left as it is
  }
}

/** Processes below one, where the system tells of them by `/proc`. */
function descendants(pid: number): readonly number[] {
  const parents = new Map<number, number>();
  for (const name of listed("/proc")) {
    const parent = /^\d+$/.test(name) ? parentOf(Number(name)) : undefined;
    if (parent !== undefined) parents.set(Number(name), parent);
  }
  const isBelow = (each: number): boolean => {
    for (let at = parents.get(each); at !== undefined && at > 1; at = parents.get(at)) if (at === pid) return true;
    return false;
  };
  return [...parents.keys()].filter(isBelow);
}

function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The second field behind the name, which may hold spaces; see proc(5). */
function parentOf(pid: number): number | undefined {
  try {
    const [, parent] = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return Number(parent);
  } catch {
    return undefined; // ended meanwhile
  }
}
