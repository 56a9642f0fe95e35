import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type LoadErrorCode =
  | "LOAD_OPTIONS_INVALID"
  | "LOAD_SCRIPT_UNREADABLE"
  | "LOAD_SCRIPT_INVALID"
  | "LOAD_SETUP_FAILED"
  | "LOAD_TEARDOWN_FAILED"
  | "LOAD_METRIC_CONFLICT"
  | "LOAD_WORKER_LOST"
  | "LOAD_DATA_INVALID"
  | "LOAD_SOCKET_ENDED"
  | "LOAD_SOCKET_SILENT"
  | "LOAD_OUTPUT_INVALID"
  | "LOAD_OUTPUT_FAILED";

/** Errors of the engine, of scenarios and of outputs. */
export const loadErrors: ErrorCatalogue<LoadErrorCode> = defineErrors({
  LOAD_OPTIONS_INVALID: { next: "Correct the options that the message names.", exitCode: exitCodes.usage },
  LOAD_SCRIPT_UNREADABLE: {
    next: "Check the path, and that the file loads without an error on its own.",
    exitCode: exitCodes.usage,
  },
  LOAD_SCRIPT_INVALID: {
    next: "Export a load test as default: export default defineLoad({ scenarios: { … } }).",
    exitCode: exitCodes.usage,
  },
  LOAD_SETUP_FAILED: {
    next: "Mend what setup needs (is the server up?), or skip it with --no-setup.",
    exitCode: exitCodes.invalidMeasurement,
  },
  LOAD_TEARDOWN_FAILED: {
    next: "Mend what teardown needs, or skip it with --no-teardown; the measurements are complete without it.",
    exitCode: exitCodes.invalidMeasurement,
  },
  LOAD_METRIC_CONFLICT: {
    next: "Give each metric one kind, or choose another name.",
    exitCode: exitCodes.usage,
  },
  LOAD_WORKER_LOST: {
    next: "Look for what ends the process in the script or its packages; memory is the usual reason.",
    exitCode: exitCodes.invalidMeasurement,
  },
  LOAD_DATA_INVALID: { next: "Correct the data file at the line that the message names.", exitCode: exitCodes.usage },
  LOAD_SOCKET_ENDED: {
    next: "Look at the close code, or at the status that the server answered the handshake with.",
    exitCode: exitCodes.invalidMeasurement,
    retryable: true,
  },
  LOAD_SOCKET_SILENT: {
    next: "Give next() a longer time, or find out why the server says nothing.",
    exitCode: exitCodes.invalidMeasurement,
    retryable: true,
  },
  LOAD_OUTPUT_INVALID: {
    next: "Write an output as json=FILE, csv=FILE, otlp=URL or prometheus=URL.",
    exitCode: exitCodes.usage,
  },
  LOAD_OUTPUT_FAILED: {
    next: "Check the output's address or free space; the run document is complete without it.",
    exitCode: exitCodes.internal,
    retryable: true,
  },
});
