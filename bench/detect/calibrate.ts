/**
 * Checks the workloads: how long a call takes, what its part outside the loop costs, and that 2 % more work is 2 %
 * more time. Fresh processes, the arms' blocks interleaved in random order, the median of the blocks' log ratios from
 * each process and a t interval over the processes. No harness takes part.
 *
 *   node -C mettle-source bench/detect/calibrate.ts --processes 40
 */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { Random } from "@mettle/core";
import { arms, makeArm, makeFunction, turnsOf, type Workload, workloads } from "./workloads.ts";

/** Turns of the ladder from which the part outside the loop is found. All above 64, the number of distinct keys. */
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

function measureHere(workload: Workload, seed: number): Reading {
  const ladderTurns = ladderShares.map((share) => Math.round(share * turnsOf(workload, "base")));
  const functions = [
    ...arms.map((arm) => makeArm(workload, arm)),
    ...ladderTurns.map((turns, i) => makeFunction(workload, `ladder${i}`, turns)),
  ];
  // One timing loop per function: a shared one would see several callees and could not inline the later ones.
  const timers = functions.map(
    (_, i) =>
      new Function(
        "f",
        "now",
        `return function time${i}() { const t = now(); for (let i = 0; i < ${callsInBlock}; i++) f(); return now() - t; };`,
      )(functions[i], process.hrtime.bigint) as () => bigint,
  );
  const random = new Random(seed);
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

/** Mean and twice its standard error: close to a 95 % t interval from about 20 processes on. */
function meanAndHalfWidth(values: readonly number[]): [number, number] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return [mean, 2 * Math.sqrt(variance / values.length)];
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
  const [baseNs] = meanAndHalfWidth(readings.map((reading) => reading.baseNs));
  const [fixed, fixedWidth] = meanAndHalfWidth(readings.map((reading) => fixedTurns(reading.ladder)));
  console.log(`${workload}: ${(baseNs / 1e3).toFixed(1)} µs a call, ${turnsOf(workload, "base")} turns`);
  console.log(`  outside the loop: ${fixed.toFixed(1)} ± ${fixedWidth.toFixed(1)} turns`);
  for (const arm of arms.slice(1)) {
    const [log, width] = meanAndHalfWidth(readings.map((reading) => reading.logRatios[arm]!));
    const percent = (value: number): string => `${(100 * value).toFixed(2)} %`;
    console.log(
      `  ${arm} (${turnsOf(workload, arm)} turns): ${percent(Math.expm1(log))} ± ${percent(width)} against base`,
    );
  }
}

const { values } = parseArgs({
  options: {
    processes: { type: "string", default: "20" },
    child: { type: "string" },
    seed: { type: "string", default: "0" },
  },
});
if (values.child === undefined) {
  for (const workload of workloads) calibrate(workload, Number(values.processes));
} else {
  console.log(JSON.stringify(measureHere(values.child as Workload, Number(values.seed))));
}
