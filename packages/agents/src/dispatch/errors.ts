import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type DispatchErrorCode =
  | "DISPATCH_OPTIONS_INVALID"
  | "DISPATCH_TARGET_MISSING"
  | "DISPATCH_TARGET_FULL"
  | "DISPATCH_REFUSED"
  | "DISPATCH_FAILED"
  | "DISPATCH_BUSY"
  | "BREAKER_OPEN"
  | "WEBHOOK_SIGNATURE_INVALID";

export const dispatchErrors: ErrorCatalogue<DispatchErrorCode> = defineErrors({
  DISPATCH_OPTIONS_INVALID: { next: "Correct the options that the message names.", exitCode: exitCodes.usage },
  DISPATCH_TARGET_MISSING: {
    next: "Start and register the agent that the message names, or dispatch to another.",
    exitCode: exitCodes.internal,
    retryable: true,
  },
  DISPATCH_TARGET_FULL: {
    next: "Dispatch more slowly, or let the agent do less per signal.",
    exitCode: exitCodes.internal,
    retryable: true,
  },
  DISPATCH_REFUSED: {
    next: "Correct the address, the secret or the signal: the receiver will not take it as it is.",
    exitCode: exitCodes.internal,
  },
  DISPATCH_FAILED: {
    next: "Dispatch again later; the receiver could not be reached or was not able to take the signal.",
    exitCode: exitCodes.internal,
    retryable: true,
  },
  DISPATCH_BUSY: {
    next: "Dispatch more slowly, or raise the limit or the queue.",
    exitCode: exitCodes.internal,
    retryable: true,
  },
  BREAKER_OPEN: {
    next: "Wait until the circuit breaker lets a call through again; details.retryAfterMs tells when.",
    exitCode: exitCodes.internal,
    retryable: true,
  },
  WEBHOOK_SIGNATURE_INVALID: {
    next: "Check that sender and receiver have the same secret and that their clocks agree.",
    exitCode: exitCodes.usage,
  },
});
