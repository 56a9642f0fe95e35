import { type ExitCode, MettleError, messageOf } from "@mettle/core";
import type { ToldError } from "./protocol.ts";

/** An error as data that crosses threads. */
export function tellError(thrown: unknown): ToldError {
  const stack = thrown instanceof Error ? thrown.stack : undefined;
  return {
    message: messageOf(thrown),
    ...(stack !== undefined && { stack }),
    ...(thrown instanceof MettleError && {
      coded: {
        code: thrown.code,
        next: thrown.next,
        exitCode: thrown.exitCode,
        retryable: thrown.retryable,
        details: plain(thrown.details),
      },
    }),
  };
}

/** Details must survive a thread's border: what is not JSON is left out. */
const plain = (details: unknown): unknown => JSON.parse(JSON.stringify(details ?? {}));

/** The error again: a coded one with its code, anything else with its message and stack. */
export function heardError({ message, stack, coded }: ToldError): Error {
  if (coded) {
    const { code, next, exitCode, retryable, details } = coded;
    return new MettleError(code, { next, exitCode: exitCode as ExitCode, retryable }, message, {
      details: details as Record<string, unknown>,
    });
  }
  const error = new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
