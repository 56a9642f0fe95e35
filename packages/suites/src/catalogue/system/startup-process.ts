import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { suitesErrors } from "../../errors.ts";

/** What a fresh process took until a platform worked. */
export interface StartupTimes {
  /** Loading the platform's code and starting it; Node itself excluded. */
  readonly startupMs: number;
  /** From the start of the process until the first request was answered; Node itself included. */
  readonly readyMs: number;
  /** Heap that the loaded and started platform took. */
  readonly memoryBytes: number;
  /** Whether the answer was right. */
  readonly answered: boolean;
}

/**
 * Starts a platform in a process of its own.
 *
 * @throws MettleError `PLATFORM_REQUEST_FAILED` when that process ends without having got there
 */
export async function startInProcess(platform: string, signal: AbortSignal): Promise<StartupTimes> {
  const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
  const child = fork(fileURLToPath(new URL(`./startup-child${extension}`, import.meta.url)), [platform], {
    execArgv: extension === ".ts" ? ["--conditions=mettle-source"] : [],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    signal,
  });
  let output = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    output = (output + text).slice(-1000);
  });
  let times: StartupTimes | undefined;
  child.on("message", (message) => {
    times = message as StartupTimes;
  });
  const [code] = (await once(child, "close")) as [number | null];
  if (times !== undefined) return times;
  throw suitesErrors.create(
    "PLATFORM_REQUEST_FAILED",
    `A process that should start ${platform} ended with ${code}: ${output.trim().split("\n").slice(-2).join(" ")}`,
  );
}
