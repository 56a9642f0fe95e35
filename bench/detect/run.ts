/**
 * How often does a benchmark harness find a 2 % slow-down, and how often does it claim one that is not there?
 * Compares harnesses trial by trial in random order. See README.md beside this file.
 *
 *   node -C mettle-source bench/detect/run.ts --trials 60 --harness mitata,tinybench,bench-node \
 *     --workload compute,allocate --seconds 10 --out detect.ndjson
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { coreErrors, MettleError } from "@mettle/core";
import { mettleTrial } from "./peers/mettle.ts";
import { peerTrial } from "./peers/peer.ts";
import { renderText, tabulate } from "./report.ts";
import { countTrials, type Plan, schedule } from "./schedule.ts";
import {
  type Cell,
  cellKey,
  harnesses,
  linesOf,
  modes,
  pairs,
  parseLines,
  settings,
  type Trial,
  type TrialLine,
  type TrialRequest,
} from "./trial.ts";
import { workloads } from "./workloads.ts";

/** Below this a harness's own warm-up and the start of a process leave no time to measure. */
const leastSeconds = 2;

function readPlan(argv: readonly string[]): Plan {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      harness: { type: "string", default: "mitata,tinybench,bench-node" },
      workload: { type: "string", default: workloads.join() },
      pair: { type: "string", default: pairs.join() },
      mode: { type: "string", default: modes.join() },
      settings: { type: "string", default: settings.join() },
      trials: { type: "string", default: "60" },
      seconds: { type: "string", default: "10" },
      // Smallest change that mettle is to call one, as a share; its own default otherwise.
      margin: { type: "string" },
      minutes: { type: "string", default: "Infinity" },
      seed: { type: "string", default: "1" },
      out: { type: "string", default: "detect.ndjson" },
    },
  });
  const problems: string[] = [];
  const choose = <T extends string>(option: string, text: string, known: readonly T[]): T[] => {
    const names = text.split(",");
    const strangers = names.filter((name) => !known.includes(name as T));
    if (strangers.length > 0) problems.push(`--${option} knows ${known.join(", ")}, not "${strangers.join()}"`);
    return names as T[];
  };
  const numberFrom = (option: string, text: string, least: number): number => {
    const value = Number(text);
    if (!(value >= least)) problems.push(`--${option} must be a number of at least ${least}, got "${text}"`);
    return value;
  };
  const cells: Cell[] = [];
  const chosen = {
    harness: choose("harness", values.harness, harnesses),
    workload: choose("workload", values.workload, workloads),
    pair: choose("pair", values.pair, pairs),
    mode: choose("mode", values.mode, modes),
    settings: choose("settings", values.settings, settings),
  };
  for (const harness of chosen.harness)
    for (const workload of chosen.workload)
      for (const pair of chosen.pair)
        for (const mode of chosen.mode)
          for (const setting of chosen.settings) cells.push({ harness, workload, pair, mode, settings: setting });
  const plan = {
    cells,
    trials: numberFrom("trials", values.trials, 1),
    seconds: numberFrom("seconds", values.seconds, leastSeconds),
    ...(values.margin !== undefined && { margin: numberFrom("margin", values.margin, 0) }),
    minutes: numberFrom("minutes", values.minutes, 0),
    seed: numberFrom("seed", values.seed, 0),
    out: values.out,
  };
  if (problems.length > 0) {
    throw coreErrors.create("OPTIONS_INVALID", `${problems.join("; ")}.`, { details: { problems } });
  }
  return plan;
}

/** What the results file holds; nothing where there is none yet. */
function readResults(path: string): TrialLine[] {
  return existsSync(path) ? parseLines(readFileSync(path, "utf8")) : [];
}

function runTrial(request: TrialRequest): Promise<Trial> {
  return request.harness === "mettle" ? mettleTrial(request) : peerTrial(request.harness, request);
}

async function main(): Promise<void> {
  const plan = readPlan(process.argv.slice(2));
  const requests = schedule(plan, countTrials(readResults(plan.out)));
  const end = performance.now() + plan.minutes * 60_000;
  let done = 0;
  for (const request of requests) {
    if (performance.now() >= end) break;
    const trial = await runTrial(request);
    // One write for all the lines of a trial, so that an interruption loses the whole of it or nothing.
    appendFileSync(
      plan.out,
      linesOf(trial)
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(""),
    );
    done++;
    process.stderr.write(`${done}/${requests.length} ${cellKey(trial)} ${trial.seconds.toFixed(1)} s\n`);
  }
  console.log(renderText(tabulate(readResults(plan.out))));
}

try {
  await main();
} catch (error) {
  if (!(error instanceof MettleError)) throw error;
  console.error(`${error.message}\n${error.next}`);
  process.exitCode = error.exitCode;
}
