import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type SignalErrorCode =
  | "SIGNAL_TYPE_INVALID"
  | "SIGNAL_INVALID"
  | "SIGNAL_UNSAFE"
  | "SIGNAL_TOO_LARGE"
  | "SIGNAL_UNWRITABLE"
  | "PATTERN_INVALID"
  | "ROUTE_INVALID";

export const signalErrors: ErrorCatalogue<SignalErrorCode> = defineErrors({
  SIGNAL_TYPE_INVALID: {
    next: "Write a type as dotted words of letters, digits, - and _, such as orders.invoice.created.",
    exitCode: exitCodes.usage,
  },
  SIGNAL_INVALID: {
    next: "Send a CloudEvents 1.0 event; the message names what is missing or wrong.",
    exitCode: exitCodes.usage,
  },
  SIGNAL_UNSAFE: {
    next: "Remove the key that the message names: it would reach the prototype of what it is merged into.",
    exitCode: exitCodes.usage,
  },
  SIGNAL_TOO_LARGE: {
    next: "Send less, or store the payload and send a reference to it; maxBytes and maxDepth raise the limits.",
    exitCode: exitCodes.usage,
  },
  SIGNAL_UNWRITABLE: {
    next: "Give the signal data that JSON can carry, or bytes.",
    exitCode: exitCodes.usage,
  },
  PATTERN_INVALID: {
    next: "Write dotted words; * stands for one whole word and ** for any number, as in orders.*.created or orders.**.",
    exitCode: exitCodes.usage,
  },
  ROUTE_INVALID: { next: "Give a whole priority from -100 to 100.", exitCode: exitCodes.usage },
});
