import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type BusErrorCode =
  | "BUS_CLOSED"
  | "BUS_FULL"
  | "BUS_BACKPRESSURE"
  | "BUS_MIDDLEWARE_FAILED"
  | "SUBSCRIPTION_INVALID"
  | "SUBSCRIPTION_EXISTS"
  | "SUBSCRIPTION_ATTACHED"
  | "DELIVERY_UNACKNOWLEDGED";

export const busErrors: ErrorCatalogue<BusErrorCode> = defineErrors({
  BUS_CLOSED: {
    next: "Publish and subscribe before the bus is closed, or open another.",
    exitCode: exitCodes.internal,
  },
  BUS_FULL: {
    next: "Publish again when the bus has caught up (await bus.idle()), or publish more slowly.",
    exitCode: exitCodes.internal,
    retryable: true,
  },
  BUS_BACKPRESSURE: {
    next: "Publish again when the persistent subscription named has caught up, or let it dead-letter its surplus.",
    exitCode: exitCodes.internal,
    retryable: true,
  },
  BUS_MIDDLEWARE_FAILED: {
    next: "Correct the middleware that the message names; its cause is attached.",
    exitCode: exitCodes.internal,
  },
  SUBSCRIPTION_INVALID: { next: "Correct the options that the message names.", exitCode: exitCodes.usage },
  SUBSCRIPTION_EXISTS: {
    next: "Take the existing subscription by its name and pattern, remove it first, or choose another name.",
    exitCode: exitCodes.usage,
  },
  SUBSCRIPTION_ATTACHED: {
    next: "Detach the subscriber that the subscription has, or give each subscriber a subscription of its own.",
    exitCode: exitCodes.usage,
  },
  DELIVERY_UNACKNOWLEDGED: {
    next: "Acknowledge each delivery within ackTimeoutMs, or raise it.",
    exitCode: exitCodes.internal,
    retryable: true,
  },
});
