/**
 * Checks the workloads: how long a call takes, what its part outside the loop costs, and that 2 % more work is 2 %
 * more time. Fresh processes, the arms' blocks interleaved in random order, the median of the blocks' log ratios from
 * each process, the median over the processes (now and then V8 gives one arm of a process code slower by a tenth), and
 * its interval by order statistics. No harness takes part.
 *
 *   node -C mettle-source bench/detect/calibrate.ts --processes 20
 */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { Random } from "@mettle/core";
import { arms, makeArm, makeFunction, turnsOf, type Workload, workloads } from "./workloads.ts";

/** Turns of the ladder from which the part outside the loop is found. */
const ladderShares = [0.5, 1, 1.5];
const callsInBlock = 8;
const blocks = 1000;
const warmupBlocks = 300;

interface Reading {
  /** Nanoseconds a call, the median over the blocks. */
  readonly baseNs: number;
  readonly logRatios: Readonly<Record<string, number>>;
  /** Turns and nanoseconds a call. */
  readonly ladder: readonly (readonly [number, number])[];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A function that times one block of calls, in nanoseconds. */
function makeTimer(call: () => number, index: number): () => bigint {
  const source = `return function time${index}() {
  const start = now();
  for (let i = 0; i < ${callsInBlock}; i++) call();
  return now() - start;
};`;
  // oxlint-disable-next-line typescript/no-implied-eval -- see measureHere: its own code for each function
  const make = new Function("call", "now", source) as (call: () => number, now: () => bigint) => () => bigint;
  return make(call, () => process.hrtime.bigint());
}

function measureHere(workload: Workload, seed: number): Reading {
  const ladderTurns = ladderShares.map((share) => Math.round(share * turnsOf(workload, "base")));
  const random = new Random(seed);
  const makers = [
    ...arms.map((arm) => () => makeArm(workload, arm)),
    ...ladderTurns.map((turns, i) => () => makeFunction(workload, `ladder${i}`, turns)),
  ];
  // Made in random order: the function that is made first gets slower code more often than the others do.
  const functions: (() => number)[] = [];
  for (const i of random.shuffle(makers.map((_, i) => i))) functions[i] = makers[i]!();
  // One timing loop per function: a shared one would see several callees and could not inline the later ones.
  const timers = functions.map((call, i) => makeTimer(call, i));
  const order = functions.map((_, i) => i);
  const times = functions.map(() => [] as number[]);
  for (let block = -warmupBlocks; block < blocks; block++) {
    random.shuffle(order);
    for (const i of order) {
      const elapsed = Number(timers[i]!()) / callsInBlock;
      if (block >= 0) times[i]!.push(elapsed);
    }
  }
  const base = times[0]!;
  const logRatios: Record<string, number> = {};
  for (const [i, arm] of arms.entries()) {
    if (i > 0) logRatios[arm] = median(times[i]!.map((time, block) => Math.log(time / base[block]!)));
  }
  const ladder = ladderTurns.map((turns, i) => [turns, median(times[arms.length + i]!)] as const);
  return { baseNs: median(base), logRatios, ladder };
}

/** Intercept over slope of the least-squares line through the ladder: the fixed part in turns. */
function fixedTurns(ladder: Reading["ladder"]): number {
  const meanX = ladder.reduce((sum, [x]) => sum + x, 0) / ladder.length;
  const meanY = ladder.reduce((sum, [, y]) => sum + y, 0) / ladder.length;
  const slope =
    ladder.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) /
    ladder.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return meanY / slope - meanX;
}

/**
 * Median and the narrowest interval between order statistics that covers it with 95 % or more.
 * @see Conover, Practical Nonparametric Statistics (1999), 3.2
 */
function medianWithInterval(values: readonly number[]): {
  readonly median: number;
  readonly low: number;
  readonly high: number;
} {
  const sorted = values.toSorted((a, b) => a - b);
  const n = sorted.length;
  let below = 0;
  let probability = 0.5 ** n; // of exactly `below` values under the median
  let tail = probability;
  while (tail + (probability * (n - below)) / (below + 1) <= 0.025) {
    probability *= (n - below) / (below + 1);
    tail += probability;
    below++;
  }
  return { median: median(sorted), low: sorted[below]!, high: sorted[n - 1 - below]! };
}

function measureInProcess(workload: Workload, seed: number): Reading {
  const child = spawnSync(
    process.execPath,
    [...process.execArgv, import.meta.filename, "--child", workload, "--seed", String(seed)],
    {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  if (child.error) throw child.error;
  if (child.status !== 0) throw new Error(`The calibration process exited with ${child.status ?? child.signal}.`);
  return JSON.parse(child.stdout) as Reading;
}

function calibrate(workload: Workload, processes: number): void {
  const readings = Array.from({ length: processes }, (_, seed) => measureInProcess(workload, seed));
  const base = medianWithInterval(readings.map((reading) => reading.baseNs / 1e3));
  const fixed = medianWithInterval(readings.map((reading) => fixedTurns(reading.ladder)));
  const range = (low: number, high: number, digits: number): string =>
    `[${low.toFixed(digits)}, ${high.toFixed(digits)}]`;
  console.log(
    `${workload}: ${base.median.toFixed(1)} µs a call ${range(base.low, base.high, 1)}, ${processes} processes`,
  );
  console.log(`  outside the loop: ${fixed.median.toFixed(1)} turns ${range(fixed.low, fixed.high, 1)}`);
  for (const arm of arms.slice(1)) {
    const change = medianWithInterval(readings.map((reading) => 100 * Math.expm1(reading.logRatios[arm]!)));
    const turns = `${turnsOf(workload, "base")} → ${turnsOf(workload, arm)} turns`;
    console.log(`  ${arm} (${turns}): ${change.median.toFixed(2)} % ${range(change.low, change.high, 2)}`);
  }
}

const { values } = parseArgs({
  options: {
    processes: { type: "string", default: "20" },
    workload: { type: "string", default: workloads.join() },
    child: { type: "string" },
    seed: { type: "string", default: "0" },
  },
});
if (values.child === undefined) {
  // Fewer than six values have no 95 % interval by order statistics.
  if (!(Number(values.processes) >= 6)) throw new RangeError(`--processes must be 6 or more, got ${values.processes}.`);
  const chosen = values.workload.split(",");
  for (const workload of workloads) if (chosen.includes(workload)) calibrate(workload, Number(values.processes));
} else {
  console.log(JSON.stringify(measureHere(values.child as Workload, Number(values.seed))));
}
