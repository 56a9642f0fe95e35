import { Bench } from "tinybench";
import { type ArmSamples, runChild } from "./child.ts";

/** Start of the process and of the harness, in seconds; warm-up is tinybench's own 250 ms. */
const overheadSeconds = 0.25 + 0.25;

await runChild(async (tasks, { settings, secondsPerArm }): Promise<ArmSamples[]> => {
  const bench = new Bench({
    retainSamples: true,
    throws: true,
    ...(settings === "budget" && { time: 1000 * (secondsPerArm - overheadSeconds) }),
  });
  for (const { arm, call } of tasks) bench.add(arm, call);
  await bench.run();
  return tasks.map(({ arm }) => {
    const result = bench.getTask(arm)?.result;
    if (result?.state !== "completed" || !result.latency.samples) {
      throw new Error(`tinybench kept no samples of ${arm}: ${result?.state ?? "no task"}.`);
    }
    return { arm, samples: result.latency.samples };
  });
});
