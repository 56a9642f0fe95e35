// What Mettle measures in this experiment. Each load of this file makes its functions from source text of their own, as
// each load of a real benchmark file does: the text carries the number of the instance.
import { bench, suite } from "@mettle/bench";
import { makeFunction, turnsOf } from "../workloads.ts";
import type { Arm, Workload } from "../workloads.ts";

const workload = process.env["DETECT_WORKLOAD"] as Workload;
const candidate = process.env["DETECT_CANDIDATE"] as Arm;
const instance = new URL(import.meta.url).searchParams.get("mettle") ?? "0";
const functionOf = (arm: Arm): (() => number) => makeFunction(workload, `${arm}${instance}`, turnsOf(workload, arm));

if (process.env["DETECT_MODE"] === "apart") {
  bench("work", functionOf(process.cwd().endsWith("baseline") ? "base" : candidate));
} else {
  suite("detect", () => {
    bench("base", functionOf("base"));
    bench("candidate", functionOf(candidate));
  });
}
