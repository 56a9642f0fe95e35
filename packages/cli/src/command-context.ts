import type { Clock } from "@mettle/core";
import type { CommandSpec } from "./command-line/command-spec.ts";
import type { Flags } from "./command-line/flags.ts";
import type { Environment } from "./command-line/parse.ts";
import { harmless } from "./harmless.ts";

/** As much of a `WriteStream` as commands use. */
interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  readonly writableNeedDrain?: boolean;
}

/** The world as one command sees it. */
export interface CommandContext {
  readonly command: CommandSpec;
  readonly flags: Flags;
  readonly positionals: readonly string[];
  readonly cwd: string;
  readonly env: Environment;
  /** Results. */
  readonly stdout: OutputStream;
  /** Progress, warnings, errors. */
  readonly stderr: OutputStream;
  readonly clock: Clock;
}

/** A command's module: runs and says how the process exits. */
export interface CommandModule {
  run(context: CommandContext): Promise<number>;
}

/** Something the user must know beside the result; written also with `--quiet`. */
export function warn({ flags, stderr }: CommandContext, text: string): void {
  stderr.write(flags.on("json") ? `${JSON.stringify({ kind: "warning", text })}\n` : `! ${harmless(text)}\n`);
}

/** Something nice to know beside the result. */
export function note({ flags, stderr }: CommandContext, text: string): void {
  if (flags.on("quiet")) return;
  stderr.write(flags.on("json") ? `${JSON.stringify({ kind: "note", text })}\n` : `${harmless(text)}\n`);
}

/** One JSON document on stdout, for `--json`. */
export function printJson({ stdout }: CommandContext, value: unknown): void {
  stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}
