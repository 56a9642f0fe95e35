import { Suite } from "bench-node";
import { type ArmSamples, runChild } from "./child.ts";

/** Start of the process and bench-node's own warm-up, in seconds. */
const overheadSeconds = 0.5;
/** What `ttest: true` sets: its test needs 30 repetitions. Their length is ours: at its default they take 15 s. */
const repetitions = 30;

/** What the results hold; the declared type calls `histogram` one of perf_hooks, which it is not. */
interface Result {
  readonly name: string;
  readonly histogram: { readonly sampleData: readonly number[] };
  readonly opsSecPerRun: readonly number[];
}

await runChild(async (tasks, { settings, secondsPerArm }): Promise<ArmSamples[]> => {
  const ttest = settings === "budget";
  const suite = new Suite({
    reporter: false,
    ttest,
    // Without this, bench-node forbids V8 to optimise the function: another program than the one that users run.
    plugins: [],
  });
  const maxTime = (secondsPerArm - overheadSeconds) / repetitions;
  for (const { arm, call } of tasks) {
    if (ttest) suite.add(arm, { minTime: Math.min(0.05, maxTime), maxTime, repeatSuite: repetitions }, call);
    else suite.add(arm, call);
  }
  const results = (await suite.run()) as unknown as Result[];
  return tasks.map(({ arm }) => {
    const result = results.find(({ name }) => name === arm);
    if (!result) throw new Error(`bench-node gave no result for ${arm}.`);
    return { arm, samples: result.histogram.sampleData, ...(ttest && { opsPerRun: result.opsSecPerRun }) };
  });
});
