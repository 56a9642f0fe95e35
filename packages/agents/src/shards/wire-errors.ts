import { type ErrorDefinition, MettleError, messageOf } from "@mettle/core";

/** An error as it goes between threads: plain data. */
export interface WireError {
  /** Of a coded error. */
  readonly coded: (ErrorDefinition & { readonly code: string; readonly details: string }) | undefined;
  readonly message: string;
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
    coded: error instanceof MettleError ? codedPart(error) : undefined,
    message: messageOf(error),
    stack: error instanceof Error ? error.stack : undefined,
    cause,
  };
}

function codedPart({ code, details, next, exitCode, retryable }: MettleError): NonNullable<WireError["coded"]> {
  return { code, details: jsonOf(details), next, exitCode, retryable };
}

/** Details should be plain data; those that are not must not end the thread that reports them. */
function jsonOf(details: MettleError["details"]): string {
  try {
    return JSON.stringify(details);
  } catch {
    return "{}";
  }
}

/** The error again: a coded one with its code, any other as an Error with the stack of where it was thrown. */
export function fromWire({ coded, message, stack, cause }: WireError): Error {
  const options = cause === undefined ? {} : { cause: fromWire(cause) };
  const error =
    coded === undefined
      ? new Error(message, options)
      : new MettleError(coded.code, coded, message, {
          ...options,
          details: JSON.parse(coded.details) as Readonly<Record<string, unknown>>,
        });
  if (stack !== undefined) error.stack = stack;
  return error;
}
