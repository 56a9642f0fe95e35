// A batch size that finds its best value from feedback, and a cluster-wide one that the agents it affects must agree to.
// Prints:
//   best batch size: 40 (within 2)
//   asked: worker-1 worker-2 worker-3
//   committed by consensus: 64
import { Random, systemClock } from "@mettle/core";
import { FloatKind, TimerWheel, Variable, type VariableSignalOut } from "@mettle/agents";

const signals: { signal: VariableSignalOut<number>; to: readonly string[] }[] = [];
using timers = new TimerWheel(systemClock);
const environment = {
  clock: systemClock,
  timers,
  random: new Random(1),
  node: "node-1",
  emit: (signal: VariableSignalOut<number>, to: readonly string[]) => void signals.push({ signal, to }),
};

const batchSize = new Variable<number>({
  name: "batch size",
  kind: new FloatKind({ min: 1, max: 100, initial: 90, direction: "maximise" }),
  environment,
});
for (let i = 0; i < 300; i++) {
  // What a real system would measure: throughput, best at 40.
  const throughput = 5000 - (batchSize.value - 40) ** 2;
  batchSize.feedback({ performance: throughput });
}
const near = Math.abs(batchSize.value - 40) <= 2;
console.log(`best batch size: ${near ? 40 : batchSize.value} (within 2)`);

const shared = new Variable<number>({
  name: "queue limit",
  kind: new FloatKind({ min: 1, max: 1000, initial: 32, direction: "maximise" }),
  scope: "cluster",
  affected: ["worker-1", "worker-2", "worker-3"],
  environment,
});
const change = shared.change(64, "operator");
console.log(`asked: ${signals.at(-1)?.to.join(" ")}`);
shared.vote("worker-1", true);
shared.vote("worker-3", true);
const settled = change.state === "pending" ? await change.settled : change;
if (settled.state === "committed") console.log(`committed by ${settled.by}: ${settled.value}`);
