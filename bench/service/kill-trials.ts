// Kills the service, its PostgreSQL, or both, at seeded moments while executions run, and counts what is lost and doubled.
// Run after tsc -b: node -C mettle-source bench/service/kill-trials.ts [trials] [first seed]
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KillTrials, type TrialOutcome } from "../../packages/service/test/e2e/kill-trial.ts";

const trials = Number(process.argv[2] ?? 20);
const first = Number(process.argv[3] ?? 1);
const folder = await mkdtemp(join(tmpdir(), "mettle-kill-"));
await chmod(folder, 0o755);
const outcomes: TrialOutcome[] = [];
try {
  await using service = new KillTrials(join(folder, "data"));
  await service.start();
  for (let seed = first; seed < first + trials; seed++) {
    const outcome = await service.run(seed);
    outcomes.push(outcome);
    console.log(JSON.stringify(outcome));
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
const sum = (of: (outcome: TrialOutcome) => number): number => outcomes.reduce((total, one) => total + of(one), 0);
const recovered = outcomes.map(({ recoveredMs }) => recoveredMs).toSorted((a, b) => a - b);
const summary = {
  trials: outcomes.length,
  executions: sum(({ executions }) => executions),
  openAtKill: sum(({ openAtKill }) => openAtKill),
  attemptedAgain: sum(({ attemptedAgain }) => attemptedAgain),
  lost: sum(({ lost }) => lost.length),
  doubled: sum(({ doubled }) => doubled.length),
  recoveredMs: { median: recovered[Math.floor(recovered.length / 2)], most: recovered.at(-1) },
};
console.log(JSON.stringify(summary));
process.exitCode = summary.lost + summary.doubled === 0 ? 0 : 1;
