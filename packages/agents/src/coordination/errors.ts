import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type CoordinationErrorCode =
  | "COORDINATION_GROUP_TOO_SMALL"
  | "COORDINATION_LIMIT_REACHED"
  | "COORDINATION_CANCELLED"
  | "COORDINATION_MEMBER_UNKNOWN"
  | "COORDINATION_VALUE_AMBIGUOUS";

export const coordinationErrors: ErrorCatalogue<CoordinationErrorCode> = defineErrors({
  COORDINATION_GROUP_TOO_SMALL: {
    next: "Add members, or choose a protocol that needs fewer: Byzantine faults need four.",
    exitCode: exitCodes.usage,
  },
  COORDINATION_LIMIT_REACHED: {
    next: "Wait for open proposals to conclude, give them a deadline, or raise the limit.",
    exitCode: exitCodes.usage,
    retryable: true,
  },
  COORDINATION_CANCELLED: {
    next: "Propose again if the decision is still wanted.",
    exitCode: exitCodes.interrupted,
    retryable: true,
  },
  COORDINATION_MEMBER_UNKNOWN: {
    next: "Name a member of the group, counted from 0.",
    exitCode: exitCodes.usage,
  },
  COORDINATION_VALUE_AMBIGUOUS: {
    next: "Propose plain data, or give the members a digest of your own (digestOf) that differs for different values.",
    exitCode: exitCodes.usage,
  },
});
