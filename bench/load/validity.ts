// Whether a run says so when its generator, and not the server, made its figures: trials of healthy runs, of runs starved of
// their core by other processes on it, and of runs asked for more than a core can send.
//
//   node bench/load/validity.ts [--trials 50] [--seconds 3] [--only healthy|starved|beyond]          (npm run build first)
//
// Starved: the hogs have the generator's priority (or, niced, half of it), so that it gets two thirds, half or a third of
// its core, in turn; the load is open and closed, in turn.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { load, type LoadOutcome, start, startPlainServer } from "./command.ts";

const { values } = parseArgs({
  options: {
    trials: { type: "string", default: "50" },
    seconds: { type: "string", default: "3" },
    only: { type: "string" },
  },
});
const trials = Number(values.trials);
const duration = ["-d", `${values.seconds}s`];

const hogs: readonly (readonly number[])[] = [[3], [0], [0, 0]];

/** Endless loops on core 1, each with a niceness. */
function startHogs(niceness: readonly number[]): readonly ChildProcess[] {
  return niceness.map((nice) =>
    start(["taskset", "-c", "1", "nice", "-n", String(nice), process.execPath, "-e", "for (;;);"]),
  );
}

async function starved(url: string, trial: number): Promise<LoadOutcome> {
  const running = startHogs(hogs[trial % hogs.length]!);
  try {
    // At the priority of the hogs: they could take nothing away otherwise.
    const shape = trial % 2 === 0 ? ["-c", "50"] : ["-c", "50", "-r", "20000"];
    return await load([url, ...shape, ...duration], { aboveOthers: false });
  } finally {
    for (const hog of running) hog.kill("SIGKILL");
    await Promise.all(running.map((hog) => once(hog, "exit")));
  }
}

const kinds: Readonly<Record<string, (url: string, trial: number) => Promise<LoadOutcome>>> = {
  healthy: (url) => load([url, "-c", "50", "-r", "1000", ...duration]),
  starved,
  beyond: (url) => load([url, "-c", "200", "-r", "80000", ...duration]),
};

const server = await startPlainServer();
try {
  console.log("| runs | trials | marked invalid or degraded | exit code 5 |");
  console.log("| --- | ---: | ---: | ---: |");
  for (const [name, trialOf] of Object.entries(kinds)) {
    if (values.only !== undefined && values.only !== name) continue;
    const outcomes: LoadOutcome[] = [];
    for (let trial = 0; trial < trials; trial++) outcomes.push(await trialOf(server.url, trial));
    const marked = outcomes.filter(({ run }) => run.validity.state !== "valid").length;
    const exited = outcomes.filter(({ exitCode }) => exitCode === 5).length;
    console.log(`| ${name} | ${trials} | ${marked} | ${exited} |`);
    const wrong = outcomes.filter(({ exitCode, run }) =>
      name === "healthy" ? run.validity.state !== "valid" : exitCode !== 5,
    );
    for (const { exitCode, run } of wrong) {
      console.error(`${name}: exit ${exitCode}, ${run.validity.state} ${run.validity.reasons.join("; ")}`);
    }
    if (wrong.length > 0) process.exitCode = 3;
  }
} finally {
  server.stop();
}
