// What the scripts beside this one share: `mettle load` as a user starts it, on a core of its own, and a server on another.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Measurement, type Run, readRun } from "@mettle/results";
import { onCore } from "./on-core.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const mettle = here("../../packages/cli/bin/mettle.js");

export function start([program, ...args]: readonly [string, ...string[]], env: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
}

/** Waits for the first line that a server prints: its URL. */
export async function urlOf(server: ChildProcess): Promise<string> {
  const [text] = (await once(server.stdout!, "data")) as [Buffer];
  return text.toString().trim();
}

/** The plain Node server, on core 0. */
export async function startPlainServer(): Promise<{ readonly url: string; readonly stop: () => void }> {
  const server = start(onCore(0, [process.execPath, here("http-server.ts")]));
  return { url: await urlOf(server), stop: () => server.kill("SIGTERM") };
}

/** The server of the stall test, on core 0; at SIGTERM it prints when it was first asked and when it gave each answer. */
export const startStallingServer = (env: NodeJS.ProcessEnv): ChildProcess =>
  start(onCore(0, [process.execPath, here("../../packages/cli/test/e2e/fixtures/server.mjs")]), env);

export interface LoadOutcome {
  readonly exitCode: number;
  readonly run: Run;
  /** What the whole command was charged by the kernel, from its start to its end. */
  readonly cpuSeconds: number;
}

interface LoadCommand {
  /** The thread that makes load has core 1 for itself; the rest of the command is on core 0. @defaultValue all on core 1 */
  readonly workerAlone?: boolean;
  /** @defaultValue whether METTLE_BENCH_PRIORITY says so */
  readonly aboveOthers?: boolean;
  /** Called once with the process id. */
  readonly onStart?: (pid: number) => void;
}

/** `mettle load` with these arguments, to its end. */
export async function load(args: readonly string[], command: LoadCommand = {}): Promise<LoadOutcome> {
  const folder = mkdtempSync(join(tmpdir(), "mettle-load-bench-"));
  try {
    const before = childCpuSeconds();
    const own = [process.execPath, mettle, "load", ...args, "--quiet", "--no-history", "--out", folder];
    const child = start(onCore(command.workerAlone ? 0 : 1, own, command.aboveOthers));
    child.stdout!.resume();
    const exited = once(child, "exit") as Promise<[number]>;
    if (child.pid !== undefined) {
      command.onStart?.(child.pid);
      if (command.workerAlone) await moveWorker(child.pid, exited);
    }
    const [exitCode] = await exited;
    return { exitCode, run: await readRun(join(folder, "run.json")), cpuSeconds: childCpuSeconds() - before };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Moves the thread that makes load to core 1, as soon as it is there. */
async function moveWorker(pid: number, exited: Promise<unknown>): Promise<void> {
  let over = false;
  void exited.then(() => (over = true));
  while (!over) {
    const tasks = `/proc/${pid}/task`;
    const worker = readdirSync(tasks).find((task) =>
      readFileSync(`${tasks}/${task}/comm`, "utf8").startsWith("mettle-load"),
    );
    if (worker !== undefined) {
      spawnSync("taskset", ["-cp", "1", worker]);
      return;
    }
    await setTimeout(10);
  }
}

/** CPU seconds that the children of this process have been charged so far, once they have ended. */
function childCpuSeconds(): number {
  // Fields 16 and 17 of proc(5), after the name in parentheses: cutime and cstime in ticks of 1/100 s.
  const fields = readFileSync("/proc/self/stat", "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

/** The total of a metric: the measurement without tags. */
export function total(run: Run, metric: string): Measurement {
  const found = run.measurements.find((each) => each.metric === metric && Object.keys(each.tags).length === 0);
  if (!found) throw new Error(`${metric} was not measured`);
  return found;
}

/** A quantile of sorted values, by nearest rank. */
export const nearest = (sorted: ArrayLike<number>, q: number): number =>
  sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
