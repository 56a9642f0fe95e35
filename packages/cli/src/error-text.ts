import { type ExitCode, exitCodes, MettleError } from "@mettle/core";
import type { CommandContext } from "./command-context.ts";
import { harmless } from "./harmless.ts";

export interface DescribedError {
  /** For people, ending with a newline. */
  readonly text: string;
  /** For programs. */
  readonly document: {
    readonly schema: "mettle.error/1";
    readonly error: {
      readonly code: string;
      readonly message: string;
      readonly next?: string;
      readonly details?: unknown;
      readonly exitCode: ExitCode;
    };
  };
  readonly exitCode: ExitCode;
}

/** An error as the command shows it: a coded one with what to do next, any other with its stack, as a defect of ours. */
export function describeError(error: unknown): DescribedError {
  if (error instanceof MettleError) {
    const { code, message, next, details, exitCode } = error;
    return {
      text: harmless(`✗ ${code} ${message}\n  → ${next}\n`),
      document: { schema: "mettle.error/1", error: { code, message, next, details, exitCode } },
      exitCode,
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? (error.stack ?? message) : message;
  return {
    text: harmless(
      `✗ INTERNAL ${message}\n${stack}\n  → This is a defect of Mettle: please report it with the lines above.\n`,
    ),
    document: { schema: "mettle.error/1", error: { code: "INTERNAL", message, exitCode: exitCodes.internal } },
    exitCode: exitCodes.internal,
  };
}

/** Tells of an error that does not end the command. */
export function writeError(error: MettleError, { stderr, flags }: CommandContext): void {
  const { text, document } = describeError(error);
  stderr.write(flags.on("json") ? `${JSON.stringify({ kind: "error", ...document.error })}\n` : text);
}
