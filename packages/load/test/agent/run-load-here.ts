import { resolvePlan } from "../../src/engine/resolve-plan.ts";
import { type LoadResult, type RunLoadOptions, runLoad } from "../../src/engine/run-load.ts";
import type { LoadTest } from "../../src/engine/load-test.ts";

/** A load test in this thread, in real time. */
export function runHere(test: LoadTest, extra: Partial<RunLoadOptions> = {}): Promise<LoadResult> {
  return runLoad({
    name: "here",
    plan: resolvePlan({ ...test.options, punctuality: "timer" }),
    from: { inline: { test } },
    noiseProbe: false,
    revision: { commit: "0".repeat(40), dirty: false },
    ...extra,
  });
}
