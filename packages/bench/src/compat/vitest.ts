import { type BenchFunction, bench as ownBench } from "../bench.ts";
import type { BenchBody, CaseOptions } from "../definition.ts";
import { joinHooks, type TaskHook } from "./task.ts";

// What a benchmark file written for vitest imports from it.
export { afterAll, beforeAll, suite as describe, suite } from "../bench.ts";

/** vitest's options of a benchmark, which are tinybench's. */
interface VitestOptions {
  readonly setup?: TaskHook;
  readonly teardown?: TaskHook;
}

/** Options that steer vitest's own sampling (time, iterations, warm-up…) have no effect: enough is for Mettle to decide. */
function ownOptions(title: string, { setup, teardown }: VitestOptions): CaseOptions {
  const [before, after] = [joinHooks(title, [setup]), joinHooks(title, [teardown])];
  return { ...(before && { setup: before }), ...(after && { teardown: after }) };
}

type VitestBench = ((title: string, body: BenchBody, options?: VitestOptions) => void) &
  Pick<BenchFunction, "skip" | "todo"> & { only(title: string, body: BenchBody, options?: VitestOptions): void };

export const bench: VitestBench = Object.assign(
  (title: string, body: BenchBody, options: VitestOptions = {}): void => {
    ownBench(title, body, ownOptions(title, options));
  },
  {
    skip: ownBench.skip,
    todo: ownBench.todo,
    only: (title: string, body: BenchBody, options: VitestOptions = {}): void => {
      ownBench.only(title, body, ownOptions(title, options));
    },
  },
);
