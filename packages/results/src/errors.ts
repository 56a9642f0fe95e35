import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type ResultsErrorCode =
  | "RUN_UNREADABLE"
  | "RUN_TRUNCATED"
  | "RUN_NOT_JSON"
  | "RUN_INVALID"
  | "RUN_INCONSISTENT"
  | "RUN_VERSION_UNSUPPORTED"
  | "RUN_TOO_LARGE"
  | "RUN_WRITE_FAILED"
  | "SELECTOR_INVALID"
  | "STATISTIC_INVALID"
  | "REVISION_UNREADABLE"
  | "BASELINE_NAME_INVALID"
  | "BASELINE_NOT_FOUND"
  | "HISTORY_CORRUPT"
  | "HISTORY_VERSION_UNSUPPORTED"
  | "HISTORY_UNREADABLE"
  | "HISTORY_BUSY"
  | "HISTORY_WRITE_FAILED"
  | "HISTORY_RUN_CONFLICT"
  | "IMPORT_INVALID";

export const resultsErrors: ErrorCatalogue<ResultsErrorCode> = defineErrors({
  RUN_UNREADABLE: { next: "Check the path and that you may read the file.", exitCode: exitCodes.usage },
  RUN_TRUNCATED: {
    next: "Get the whole file again: the copy, upload or run that made it stopped early.",
    exitCode: exitCodes.usage,
  },
  RUN_NOT_JSON: {
    next: "Give a run document (run.json), or import the file from its own format.",
    exitCode: exitCodes.usage,
  },
  RUN_INVALID: {
    next: "Correct the places that the message names; schema/run.schema.json describes the format.",
    exitCode: exitCodes.usage,
  },
  RUN_INCONSISTENT: {
    next: "Measure again, or restore the file as it was written: its own figures contradict each other.",
    exitCode: exitCodes.invalidMeasurement,
  },
  RUN_VERSION_UNSUPPORTED: {
    next: "Read the file with the version of Mettle that wrote it, or measure again with this one.",
    exitCode: exitCodes.usage,
  },
  RUN_TOO_LARGE: {
    next: "Raise the limit if the file is genuine, or write the run without raw blocks.",
    exitCode: exitCodes.usage,
  },
  RUN_WRITE_FAILED: {
    next: "Free some space or choose another folder; the file that was there is untouched.",
    exitCode: exitCodes.usage,
    retryable: true,
  },
  SELECTOR_INVALID: {
    next: "Write a metric, with tags where needed: registry.lookup.time{agents:1000}.",
    exitCode: exitCodes.usage,
  },
  STATISTIC_INVALID: {
    next: "Use mean, stddev, min, p50, p75, p90, p95, p99, p999, max, sum, perSecond, rate, last, count or p(97.5).",
    exitCode: exitCodes.usage,
  },
  REVISION_UNREADABLE: {
    next: "Run `git status` in the folder to see what stops git.",
    exitCode: exitCodes.usage,
  },
  BASELINE_NAME_INVALID: { next: "Choose another name for the baseline.", exitCode: exitCodes.usage },
  BASELINE_NOT_FOUND: { next: "Save one first: mettle baseline save NAME.", exitCode: exitCodes.usage },
  HISTORY_CORRUPT: {
    next: "Move the file aside and start a new history, or restore a copy; run documents can be appended again.",
    exitCode: exitCodes.usage,
  },
  HISTORY_VERSION_UNSUPPORTED: {
    next: "Open the history with the newer version of Mettle that wrote it.",
    exitCode: exitCodes.usage,
  },
  HISTORY_UNREADABLE: { next: "Check the path and that you may read and write there.", exitCode: exitCodes.usage },
  HISTORY_BUSY: {
    next: "Try again: another process held the history for longer than the timeout.",
    exitCode: exitCodes.internal,
    retryable: true,
  },
  HISTORY_WRITE_FAILED: {
    next: "Free some space or choose another folder; what was stored before is untouched.",
    exitCode: exitCodes.usage,
    retryable: true,
  },
  HISTORY_RUN_CONFLICT: {
    next: "Give the run an id of its own: a different run with this id is already stored.",
    exitCode: exitCodes.usage,
  },
  IMPORT_INVALID: { next: "Correct the place that the message names.", exitCode: exitCodes.usage },
});
