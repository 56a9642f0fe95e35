import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { testFolder } from "../storage/server.ts";
import { KillTrials, type TrialOutcome } from "./kill-trial.ts";

// Seeds by which the service, PostgreSQL, and both are killed while executions are open. bench/service/kill-trials.ts runs more.
test("kill −9 of the service and of PostgreSQL loses no execution and doubles none", { timeout: 300_000 }, async () => {
  const folder = await testFolder();
  try {
    await using trials = new KillTrials(join(folder, "data"));
    await trials.start();
    const outcomes: TrialOutcome[] = [];
    for (const seed of [1, 2, 3]) outcomes.push(await trials.run(seed));
    expect(outcomes.flatMap(({ lost, doubled }) => [...lost, ...doubled])).toEqual([]);
    expect(outcomes.some(({ openAtKill }) => openAtKill > 0)).toBe(true);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
