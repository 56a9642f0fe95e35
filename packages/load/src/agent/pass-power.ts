/**
 * The chance that `k` independent tries at one task all pass, estimated without bias from `passed` of `tries`:
 * `C(passed, k) / C(tries, k)`.
 *
 * @returns undefined where there were fewer than `k` tries
 * @see Yao et al., τ-bench (2024): pass^k
 */
export function passPower(tries: number, passed: number, k: number): number | undefined {
  if (!(k >= 1) || tries < k) return undefined;
  let share = 1;
  // C(c,k)/C(n,k) = Π (c−i)/(n−i): no factorial grows beyond a double.
  for (let i = 0; i < k; i++) share *= Math.max(0, passed - i) / (tries - i);
  return share;
}

interface Tries {
  tries: number;
  passed: number;
}

/** Tries of many tasks, by name. Memory: one entry a task, at most `limit`; tasks beyond it are counted, not kept. */
export class PassTable {
  readonly #tasks = new Map<string, Tries>();
  readonly #limit: number;
  #overflowed = 0;

  constructor(limit = 10_000) {
    this.#limit = limit;
  }

  record(task: string, passed: boolean): void {
    let entry = this.#tasks.get(task);
    if (!entry) {
      if (this.#tasks.size >= this.#limit) {
        this.#overflowed++;
        return;
      }
      entry = { tries: 0, passed: 0 };
      this.#tasks.set(task, entry);
    }
    entry.tries++;
    if (passed) entry.passed++;
  }

  /** Tries of tasks that found no room; with any, pass^k speaks of the tasks kept. */
  get overflowed(): number {
    return this.#overflowed;
  }

  /** The mean of `passPower` over the tasks with at least `k` tries; `tasks` says how many those are. */
  power(k: number): { readonly value: number; readonly tasks: number } | undefined {
    const values = [...this.#tasks.values()].flatMap(({ tries, passed }) => passPower(tries, passed, k) ?? []);
    if (values.length === 0) return undefined;
    return { value: values.reduce((sum, value) => sum + value, 0) / values.length, tasks: values.length };
  }

  merge(other: PassTable): this {
    for (const [task, { tries, passed }] of other.#tasks) {
      const entry = this.#tasks.get(task);
      if (entry) {
        entry.tries += tries;
        entry.passed += passed;
      } else if (this.#tasks.size < this.#limit) this.#tasks.set(task, { tries, passed });
      else this.#overflowed += tries;
    }
    this.#overflowed += other.#overflowed;
    return this;
  }
}
