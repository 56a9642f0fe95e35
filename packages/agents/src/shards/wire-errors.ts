import { MettleError, messageOf } from "@mettle/core";
import { type AgentErrorCode, agentErrors } from "../runtime/errors.ts";

/** An error as it goes between threads: plain data. */
export interface WireError {
  readonly code: string | undefined;
  readonly message: string;
  readonly details: string;
  readonly stack: string | undefined;
  readonly cause: WireError | undefined;
}

const DEEPEST_CAUSE = 8;

export function toWire(error: unknown, depth = 0): WireError {
  const cause =
    error instanceof Error && error.cause !== undefined && depth < DEEPEST_CAUSE
      ? toWire(error.cause, depth + 1)
      : undefined;
  return {
    code: error instanceof MettleError ? error.code : undefined,
    message: messageOf(error),
    details: error instanceof MettleError ? JSON.stringify(error.details) : "{}",
    stack: error instanceof Error ? error.stack : undefined,
    cause,
  };
}

/** The error again: a coded one with its code, any other as an Error with the stack of where it was thrown. */
export function fromWire({ code, message, details, stack, cause }: WireError): Error {
  const options = cause === undefined ? {} : { cause: fromWire(cause) };
  const known = code !== undefined && Object.hasOwn(agentErrors.definitions, code);
  const error = known
    ? agentErrors.create(code as AgentErrorCode, message, {
        ...options,
        details: JSON.parse(details) as Readonly<Record<string, unknown>>,
      })
    : new Error(message, options);
  if (stack !== undefined) error.stack = stack;
  return error;
}
