import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Job, Reply } from "./protocol.ts";

export interface HostOptions {
  readonly nodeFlags: readonly string[];
  /** Longest time for a scenario, start of the process included, in ms. */
  readonly timeoutMs: (scenario: string) => number;
  readonly signal?: AbortSignal;
  readonly onReply: (reply: Reply) => void;
}

const outputKept = 2000;

/**
 * Runs a job in a process of its own, and again with what is left when a scenario hangs, runs out of memory or ends the
 * process: each of these costs one scenario and is named.
 */
export async function runJob(job: Job, options: HostOptions): Promise<void> {
  let left = job.scenarios;
  const unwanted = (): boolean => options.signal?.aborted === true;
  while (left.length > 0 && !unwanted()) {
    const answered = await runProcess({ ...job, scenarios: left }, options);
    if (unwanted()) return;
    if (answered === 0) throw new Error("a measuring process answered nothing");
    left = left.slice(answered);
  }
}

/** @returns scenarios answered for, by the process or for it */
function runProcess(job: Job, { nodeFlags, timeoutMs, signal, onReply }: HostOptions): Promise<number> {
  const child = start(nodeFlags);
  return new Promise((resolve) => {
    let answered = 0;
    let output = "";
    let timedOut = false;
    let timer: NodeJS.Timeout | undefined;
    const watch = (): void => {
      clearTimeout(timer);
      const current = job.scenarios[answered];
      if (current === undefined) return;
      timer = setTimeout(() => {
        timedOut = true;
        child.kill("SIGKILL");
      }, timeoutMs(current));
    };
    const abort = (): void => void child.kill("SIGKILL");
    signal?.addEventListener("abort", abort, { once: true });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        output = (output + text).slice(-outputKept);
      });
    }
    child.on("message", (reply: Reply) => {
      if (reply.kind !== "started") {
        answered += 1;
        watch();
      }
      onReply(reply);
    });
    // "close" comes once the last output and messages are read.
    child.once("close", (code, killedBy) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      const scenario = job.scenarios[answered];
      if (scenario !== undefined && signal?.aborted !== true) {
        onReply(lostScenario(scenario, timedOut, timeoutMs(scenario), `${killedBy ?? code}`, output));
        answered += 1;
      }
      resolve(answered);
    });
    watch();
    child.send(job);
  });
}

function start(nodeFlags: readonly string[]): ChildProcess {
  const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
  // From sources (this repository's own development) the sibling packages are read from sources too.
  const conditions = extension === ".ts" ? ["--conditions=mettle-source"] : [];
  return fork(fileURLToPath(new URL(`./child${extension}`, import.meta.url)), [], {
    execArgv: [...conditions, ...nodeFlags],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
}

function lostScenario(scenario: string, timedOut: boolean, limitMs: number, how: string, output: string): Reply {
  if (timedOut) {
    return {
      kind: "failed",
      scenario,
      code: "SCENARIO_TIMEOUT",
      message: `It had not ended after ${(limitMs / 1000).toFixed(0)} s.`,
    };
  }
  const words = output.trim().split("\n").slice(-3).join(" ");
  return {
    kind: "failed",
    scenario,
    code: "SCENARIO_PROCESS_DIED",
    message: `Its process ended (${how})${words === "" ? "." : `: ${words}`}`,
  };
}
