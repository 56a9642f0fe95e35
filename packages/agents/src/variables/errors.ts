import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type VariableErrorCode =
  | "VARIABLE_VALUE_INVALID"
  | "VARIABLE_LOCKED"
  | "VARIABLE_GRADIENT_TOO_LARGE"
  | "VARIABLE_FEEDBACK_INVALID"
  | "VARIABLE_PARTITIONED"
  | "VARIABLE_NOT_PENDING"
  | "VARIABLE_UNKNOWN"
  | "VARIABLE_EXISTS"
  | "VARIABLE_DEPENDENCY_CYCLE"
  | "VARIABLE_CONSTRAINT_VIOLATED";

export const variableErrors: ErrorCatalogue<VariableErrorCode> = defineErrors({
  VARIABLE_VALUE_INVALID: {
    next: "Give a value of the variable's kind, within its range or among its choices.",
    exitCode: exitCodes.usage,
  },
  VARIABLE_LOCKED: {
    next: "Wait until the pending decision is made, or force the change.",
    exitCode: exitCodes.usage,
    retryable: true,
  },
  VARIABLE_GRADIENT_TOO_LARGE: {
    next: "Check the feedback's scale; the learning rate was halved and the value kept.",
    exitCode: exitCodes.usage,
    retryable: true,
  },
  VARIABLE_FEEDBACK_INVALID: { next: "Give finite numbers as feedback.", exitCode: exitCodes.usage },
  VARIABLE_PARTITIONED: {
    next: "Wait until the node is connected again, or force the change.",
    exitCode: exitCodes.usage,
    retryable: true,
  },
  VARIABLE_NOT_PENDING: {
    next: "Vote or bid while the decision is pending, as an affected agent.",
    exitCode: exitCodes.usage,
  },
  VARIABLE_UNKNOWN: { next: "Register the variable first, or correct its name.", exitCode: exitCodes.usage },
  VARIABLE_EXISTS: { next: "Choose another name, or remove the variable that has it.", exitCode: exitCodes.usage },
  VARIABLE_DEPENDENCY_CYCLE: {
    next: "Remove one of the dependencies that the message names.",
    exitCode: exitCodes.usage,
  },
  VARIABLE_CONSTRAINT_VIOLATED: {
    next: "Change the values so that the named constraint holds.",
    exitCode: exitCodes.usage,
  },
});
