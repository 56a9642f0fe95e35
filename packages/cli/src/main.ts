import { type ExitCode, exitCodes, MettleError, systemClock } from "@mettle/core";
import type { CommandContext, CommandModule } from "./command-context.ts";
import { commandHelp, generalHelp } from "./command-line/help.ts";
import { asksForJson, parseCommandLine } from "./command-line/parse.ts";
import { describeError } from "./error-text.ts";
import { ownVersion } from "./own-version.ts";

/** Each command is loaded only when it is run: help and completion must not wait for what they do not use. */
const commandModules: Readonly<Record<string, () => Promise<CommandModule>>> = {
  validate: () => import("./commands/validate.ts"),
  bench: () => import("./commands/bench.ts"),
  load: () => import("./commands/load.ts"),
  "mock-model": () => import("./commands/mock-model.ts"),
  serve: () => import("./commands/serve.ts"),
  convert: () => import("./commands/convert.ts"),
  worker: () => import("./commands/worker.ts"),
  compare: () => import("./commands/compare.ts"),
  baseline: () => import("./commands/baseline.ts"),
  history: () => import("./commands/history.ts"),
  dashboard: () => import("./commands/dashboard.ts"),
  gate: () => import("./commands/gate.ts"),
  report: () => import("./commands/report.ts"),
  import: () => import("./commands/import.ts"),
  profile: () => import("./commands/profile.ts"),
  init: () => import("./commands/init.ts"),
  doctor: () => import("./commands/doctor.ts"),
  completion: () => import("./commands/completion.ts"),
};

/** Runs the command line of this process and sets its exit code. Never rejects. */
export async function main(args: readonly string[] = process.argv.slice(2)): Promise<void> {
  // `mettle … | head` ends the reader: nobody is left to write for, and nothing went wrong.
  let unwritten: NodeJS.ErrnoException | undefined;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(process.exitCode ?? exitCodes.pass);
    // A full disk behind a redirection: the files of the run are still to be written.
    unwritten ??= error;
    process.exitCode ||= exitCodes.usage;
  });
  const exitCode = await runCommandLine(args);
  if (unwritten) process.stderr.write(`✗ The results could not be written to stdout: ${unwritten.message}\n`);
  process.exitCode = exitCode === exitCodes.pass && unwritten ? exitCodes.usage : exitCode;
}

async function runCommandLine(args: readonly string[]): Promise<number> {
  try {
    const invocation = parseCommandLine(args, process.env);
    if (invocation.kind === "help") {
      process.stdout.write(invocation.command ? commandHelp(invocation.command) : generalHelp());
      return exitCodes.pass;
    }
    if (invocation.kind === "version") {
      process.stdout.write(`mettle ${await ownVersion()} (Node.js ${process.version})\n`);
      return exitCodes.pass;
    }
    const { command, positionals, flags } = invocation;
    const load = commandModules[command.name];
    if (!load) throw new Error(`the command ${command.name} has no module`);
    const context: CommandContext = {
      command,
      flags,
      positionals,
      cwd: process.cwd(),
      env: process.env,
      stdout: process.stdout,
      stderr: process.stderr,
      clock: systemClock,
    };
    return await (await load()).run(context);
  } catch (error) {
    return fail(error, asksForJson(args));
  }
}

function fail(error: unknown, json: boolean): ExitCode {
  const { text, document, exitCode } = describeError(error);
  if (json) {
    process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
    process.stderr.write(`${JSON.stringify({ kind: "error", ...document.error })}\n`);
  } else process.stderr.write(text);
  return error instanceof MettleError ? error.exitCode : exitCode;
}
