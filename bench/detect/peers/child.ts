import { type Arm, makeArm, type Workload } from "../workloads.ts";
import type { Settings } from "../trial.ts";

/** What a fresh process is asked to measure. */
export interface ChildRequest {
  readonly workload: Workload;
  /** In the order to be measured. */
  readonly arms: readonly Arm[];
  readonly settings: Settings;
  /** Wall seconds for each arm, its share of the process's start included. */
  readonly secondsPerArm: number;
}

/** What the harness gave for one arm. */
export interface ArmSamples {
  readonly arm: Arm;
  /** Time of a call, in the harness's own unit, as the harness keeps its samples (sorted, trimmed, batched …). */
  readonly samples: readonly number[];
  /** Calls per second of each repetition of the suite, where the harness repeats it. */
  readonly opsPerRun?: readonly number[];
}

/** A function as a user hands it to a harness: no argument, its result kept by itself. */
export interface Task {
  readonly arm: Arm;
  readonly call: () => void;
}

/** The whole of a measuring process: reads the request, has `measure` run the harness, writes the samples. */
export async function runChild(
  measure: (tasks: readonly Task[], request: ChildRequest) => Promise<readonly ArmSamples[]>,
): Promise<void> {
  const request = JSON.parse(process.argv[2] ?? "null") as ChildRequest;
  const tasks = request.arms.map((arm) => ({ arm, call: makeArm(request.workload, arm) }));
  process.stdout.write(JSON.stringify(await measure(tasks, request)));
}
