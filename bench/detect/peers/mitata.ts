import { bench, measure, run } from "mitata";
import { type ArmSamples, type ChildRequest, runChild, type Task } from "./child.ts";

/** Start of the process and mitata's own warm-up, in seconds. */
const overheadSeconds = 0.35;

/** As the readme shows it: `bench()` for each function, then `run()`. */
async function byRun(tasks: readonly Task[]): Promise<ArmSamples[]> {
  for (const { arm, call } of tasks) bench(arm, call);
  const { benchmarks } = await run({ format: "quiet", throw: true });
  return tasks.map(({ arm }) => {
    const samples = benchmarks.find(({ alias }) => alias === arm)?.runs[0]?.stats?.samples;
    if (!samples) throw new Error(`mitata kept no samples of ${arm}.`);
    return { arm, samples };
  });
}

/** `run()` has no option for the measuring time; `measure()`, public too, has. */
async function byMeasure(tasks: readonly Task[], { secondsPerArm }: ChildRequest): Promise<ArmSamples[]> {
  const results: ArmSamples[] = [];
  for (const { arm, call } of tasks) {
    const { samples } = await measure(call, { min_cpu_time: 1e9 * (secondsPerArm - overheadSeconds) });
    results.push({ arm, samples });
  }
  return results;
}

await runChild((tasks, request) => (request.settings === "default" ? byRun(tasks) : byMeasure(tasks, request)));
