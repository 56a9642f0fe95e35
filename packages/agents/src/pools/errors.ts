import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type PoolErrorCode =
  | "POOL_ACQUIRE_TIMEOUT"
  | "POOL_OPEN_FAILED"
  | "POOL_EXHAUSTED"
  | "POOL_CLOSED"
  | "POOL_RETURN_INVALID"
  | "TASK_FAILED"
  | "TASK_WORKER_LOST"
  | "TASK_NOT_CLONEABLE"
  | "TASK_CANCELLED"
  | "BATCH_QUEUE_FULL"
  | "BATCH_FAILED"
  | "BATCH_RESULT_MISSING";

export const poolErrors: ErrorCatalogue<PoolErrorCode> = defineErrors({
  POOL_ACQUIRE_TIMEOUT: {
    next: "Return what is held sooner, enlarge the pool, or wait longer.",
    exitCode: exitCodes.internal,
    retryable: true,
  },
  POOL_OPEN_FAILED: {
    next: "See the cause: what the pool is made of could not be made.",
    exitCode: exitCodes.internal,
    retryable: true,
  },
  POOL_EXHAUSTED: {
    next: "Slow down, or raise the limit that the message names.",
    exitCode: exitCodes.internal,
    retryable: true,
  },
  POOL_CLOSED: { next: "Use the pool before it is closed.", exitCode: exitCodes.usage },
  POOL_RETURN_INVALID: { next: "Return what came from this pool, once.", exitCode: exitCodes.usage },
  TASK_FAILED: { next: "See the cause, which the task threw in its worker.", exitCode: exitCodes.internal },
  TASK_WORKER_LOST: {
    next: "Try again if the task may run twice; look at its memory use if it happens again.",
    exitCode: exitCodes.internal,
    retryable: true,
  },
  TASK_NOT_CLONEABLE: {
    next: "Send plain data: functions, symbols and class instances with private state cannot cross threads.",
    exitCode: exitCodes.usage,
  },
  TASK_CANCELLED: { next: "Start the task again if its result is still wanted.", exitCode: exitCodes.interrupted },
  BATCH_QUEUE_FULL: {
    next: "Slow down, or raise the limit of items that wait.",
    exitCode: exitCodes.internal,
    retryable: true,
  },
  BATCH_FAILED: { next: "See the cause: the whole batch failed with it.", exitCode: exitCodes.internal },
  BATCH_RESULT_MISSING: {
    next: "Return a result for every item, in the order of the items.",
    exitCode: exitCodes.internal,
  },
});
