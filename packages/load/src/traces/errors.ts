import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type TraceErrorCode =
  | "TRACE_INVALID"
  | "TRACE_TOO_LARGE"
  | "TRACE_EMPTY"
  | "TRACE_UNREADABLE"
  | "TRACE_FORMAT_UNKNOWN";

export const traceErrors: ErrorCatalogue<TraceErrorCode> = defineErrors({
  TRACE_INVALID: {
    next: "Correct the place that the message names, or name the format that the file is in.",
    exitCode: exitCodes.usage,
  },
  TRACE_TOO_LARGE: { next: "Split the trace, or raise the limit if the file is genuine.", exitCode: exitCodes.usage },
  TRACE_EMPTY: { next: "Give a trace with at least one request.", exitCode: exitCodes.usage },
  TRACE_UNREADABLE: { next: "Check the path and that you may read the file.", exitCode: exitCodes.usage },
  TRACE_FORMAT_UNKNOWN: {
    next: "Name the format with --trace-format, if it is one of them.",
    exitCode: exitCodes.usage,
  },
});

/** @param place - `line 3`, `span 7` … */
export function invalidTrace(source: string, place: string, problem: string, cause?: unknown): Error {
  return traceErrors.create("TRACE_INVALID", `${source}, ${place}: ${problem}.`, {
    details: { source, place, problem },
    ...(cause !== undefined && { cause }),
  });
}
