import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import type { Random } from "@mettle/core";

const run = promisify(execFile);

/**
 * Holds the main threads of several processes on one processor while they take turns.
 *
 * Left alone, each stays on a processor of its own, and the ratio of two sides becomes the ratio of two processors of
 * which other guests of the machine may use one. On a quiet machine a hand-over then also has to wake an idle processor
 * (`bench/detect/hand-over.ts`), and finds cold caches after it. Only the main threads are held: the collector's
 * helpers go where there is room.
 */
export class SharedProcessor {
  readonly #allowed: readonly number[];

  private constructor(allowed: readonly number[]) {
    this.#allowed = allowed;
  }

  /** Undefined where threads cannot be held (only Linux has `taskset`), or where there is but one processor. */
  static find(): SharedProcessor | undefined {
    const { status, stdout } = spawnSync("taskset", ["-pc", String(process.pid)], { encoding: "utf8" });
    const allowed = status === 0 ? processorsIn(stdout) : [];
    return allowed.length > 1 ? new SharedProcessor(allowed) : undefined;
  }

  /** Runs `work` with the processes' main threads on one processor, drawn anew each time; afterwards they are free. */
  async hold<T>(pids: readonly number[], random: Random, work: () => Promise<T>): Promise<T> {
    await assign(pids, String(this.#allowed[random.below(this.#allowed.length)]));
    try {
      return await work();
    } finally {
      await assign(pids, this.#allowed.join(","));
    }
  }
}

/** The list at the end of what `taskset -pc PID` prints, such as `0-3,8`. */
export function processorsIn(printed: string): readonly number[] {
  const list = /: ([\d,-]+)\s*$/.exec(printed)?.[1];
  if (list === undefined) return [];
  return list.split(",").flatMap((part) => {
    const [first = Number.NaN, last = first] = part.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** A process that has just died is no error here: whoever asks it something learns of it, with the reason. */
async function assign(pids: readonly number[], list: string): Promise<void> {
  await Promise.allSettled(pids.map((pid) => run("taskset", ["-pc", list, String(pid)])));
}
