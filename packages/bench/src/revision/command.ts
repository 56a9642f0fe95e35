import { execFile, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { benchLabErrors } from "../lab-errors.ts";

/** A program with arguments, or a line of the user's own configuration for the shell. */
export type Command = { readonly program: string; readonly args: readonly string[] } | { readonly shell: string };

export const describeCommand = (command: Command): string =>
  "shell" in command ? command.shell : [command.program, ...command.args].join(" ");

/**
 * Variables that would bend a child's view of where it is: git's own (set inside hooks, they name another work tree)
 * and what npm says about the package whose script is running now. npm's configuration stays.
 */
const misleading =
  /^(GIT_(DIR|WORK_TREE|INDEX_FILE|COMMON_DIR|OBJECT_DIRECTORY|PREFIX|NAMESPACE|ALTERNATE_.*)|INIT_CWD|npm_(lifecycle|package|command|execpath|node_execpath|config_local_prefix).*)$/;

export function childEnvironment(environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !misleading.test(name)));
}

export interface GitResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs git to its end and returns how it ended; rejects only when git itself cannot be started. */
export function git(cwd: string, args: readonly string[]): Promise<GitResult> {
  return new Promise((resolve, reject) => {
    // LC_ALL: nothing here reads messages, but people search for them. Hooks of the user's are not for our work trees.
    const env = { ...childEnvironment(), LC_ALL: "C", GIT_OPTIONAL_LOCKS: "0" };
    const options = { cwd, env, maxBuffer: 64 * 1024 * 1024 };
    execFile("git", ["-c", "core.hooksPath=/dev/null", ...args], options, (error, stdout, stderr) => {
      if (error && typeof error.code !== "number") {
        const message = `git ${args[0] ?? ""} could not be run: ${error.message}`;
        reject(benchLabErrors.create("REVISION_GIT_FAILED", message, { details: { args, cwd }, cause: error }));
        return;
      }
      resolve({ exitCode: error ? Number(error.code) : 0, stdout: stdout.trimEnd(), stderr: stderr.trimEnd() });
    });
  });
}

/** Like {@link git}, for commands that are expected to succeed. */
export async function gitOrThrow(cwd: string, args: readonly string[]): Promise<string> {
  const result = await git(cwd, args);
  if (result.exitCode !== 0) {
    throw benchLabErrors.create("REVISION_GIT_FAILED", `git ${args.join(" ")} failed: ${result.stderr}`, {
      details: { args, cwd, exitCode: result.exitCode },
    });
  }
  return result.stdout;
}

export interface LoggedRunOptions {
  readonly cwd: string;
  /** Standard output and standard error are appended to it. */
  readonly logFile: string;
  readonly signal?: AbortSignal;
  /** Between asking the process group to end and killing it. @defaultValue 5000 */
  readonly graceMs?: number;
}

export interface LoggedRunResult {
  /** Absent when a signal ended it. */
  readonly exitCode?: number;
  readonly endedBy?: NodeJS.Signals;
  readonly lastLines: readonly string[];
}

const LAST_LINES = 20;

/**
 * Runs a command as a process group of its own, logging what it prints. When `signal` aborts, the whole group is ended
 * and waited for, and the promise rejects with `REVISION_INTERRUPTED`.
 */
export async function runLogged(command: Command, options: LoggedRunOptions): Promise<LoggedRunResult> {
  if (options.signal?.aborted) throw interrupted(options.signal);
  const log = createWriteStream(options.logFile, { flags: "a" });
  log.write(`$ ${describeCommand(command)}\n`);
  const windows = process.platform === "win32";
  const spawnOptions = {
    cwd: options.cwd,
    env: childEnvironment(),
    stdio: ["ignore", "pipe", "pipe"] as ["ignore", "pipe", "pipe"],
    detached: !windows,
  };
  // On Windows npm is a batch file, which only a shell starts; program and arguments are our own constants there.
  const child =
    "shell" in command
      ? spawn(command.shell, { ...spawnOptions, shell: true })
      : spawn(command.program, [...command.args], { ...spawnOptions, shell: windows });
  const tail: string[] = [];
  const keep = (chunk: Buffer): void => {
    log.write(chunk);
    tail.push(...chunk.toString("utf8").split(/\r?\n/).filter(Boolean));
    tail.splice(0, tail.length - LAST_LINES);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);

  let killTimer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    killGroup(child.pid, "SIGTERM");
    killTimer = setTimeout(() => killGroup(child.pid, "SIGKILL"), options.graceMs ?? 5000);
  };
  options.signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const [exitCode, endedBy] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve([code, signal]));
    });
    if (options.signal?.aborted) throw interrupted(options.signal);
    return {
      ...(exitCode === null ? {} : { exitCode }),
      ...(endedBy === null ? {} : { endedBy }),
      lastLines: tail,
    };
  } finally {
    clearTimeout(killTimer);
    // Grandchildren that closed their output outlive `close`; once we stop waiting nobody else would end them.
    if (options.signal?.aborted) killGroup(child.pid, "SIGKILL");
    options.signal?.removeEventListener("abort", onAbort);
    log.end();
    await finished(log);
  }
}

export function interrupted(signal: AbortSignal): Error {
  return benchLabErrors.create("REVISION_INTERRUPTED", "Preparing the other revision was interrupted.", {
    cause: signal.reason,
  });
}

/** Ends a process and its descendants by their group, which bears the id of the process that leads it. */
function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === "win32" ? pid : -pid, signal);
  } catch (error) {
    // ESRCH: it has ended by itself in the meantime, which is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
